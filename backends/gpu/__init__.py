"""Graphics processors: what is special to this unit."""
