"""vigibati/detection."""
