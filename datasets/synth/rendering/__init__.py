"""datasets/synth/rendering."""
