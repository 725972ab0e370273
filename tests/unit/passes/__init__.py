"""Tests of the passes, one by one."""
