"""Neural accelerators: what is special to this unit."""
