"""datasets/synth/plan."""
