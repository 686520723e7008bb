"""inference/vectorisation."""
