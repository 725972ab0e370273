"""The arithmetic of compression on plain arrays; it knows nothing of programs."""
