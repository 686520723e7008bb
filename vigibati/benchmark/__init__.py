"""vigibati/benchmark."""
