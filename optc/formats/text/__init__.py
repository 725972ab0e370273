"""The text form as a file format: `.optc`, with large constants beside."""
