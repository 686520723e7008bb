"""datasets/pictures."""
