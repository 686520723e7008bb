"""cadastre/benchmark."""
