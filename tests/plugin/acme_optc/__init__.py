"""A plug-in of optc: one pass, and a device with rules of its own."""
