"""The durable log: ordered, append-only partitions of records. I/O only; it decides nothing."""
