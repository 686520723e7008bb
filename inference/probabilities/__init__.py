"""inference/probabilities."""
