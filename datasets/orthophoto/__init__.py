"""datasets/orthophoto."""
