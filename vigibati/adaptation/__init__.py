"""vigibati/adaptation."""
