"""inference/model."""
