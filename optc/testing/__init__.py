"""The public kit for testing passes and backends."""
