"""cadastre/comparison."""
