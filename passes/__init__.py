"""Passes: functions from program to program, by what they are for."""
