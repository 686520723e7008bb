"""vigibati/workflow."""
