"""Passes that change how weights are stored."""
