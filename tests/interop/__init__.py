"""Files that other people's tools wrote, and tools that read ours."""
