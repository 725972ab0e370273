"""Rewrite rules, as rows."""
