"""The laws of each pass, on random programs that hold what it looks for."""
