"""Tests of the core, on a handful of ops of their own."""
