"""How generated programs draw each family of ops."""
