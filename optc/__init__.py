"""optc: a compression compiler for neural networks."""
