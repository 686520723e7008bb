"""inference/regularisation."""
