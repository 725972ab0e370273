"""Passes and what runs them: options, pipeline text, the manager, remarks, and rewrite rules."""
