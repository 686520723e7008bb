"""training/publishing."""
