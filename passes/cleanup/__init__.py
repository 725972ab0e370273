"""Passes that simplify a program without changing what it computes."""
