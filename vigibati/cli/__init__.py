"""vigibati/cli."""
