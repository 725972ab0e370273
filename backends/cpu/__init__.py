"""The processor: what is special to this unit."""
