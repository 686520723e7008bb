"""datasets/chips."""
