"""Formats: a reader and a writer each."""
