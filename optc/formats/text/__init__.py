"""The text format: `.optc` files."""
