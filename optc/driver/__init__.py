"""The command line and the Python facade: the only place that imports passes and backends."""
