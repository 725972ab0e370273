"""Compression passes: weights into constant expressions that expand them."""
