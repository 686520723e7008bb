"""cadastre/registration."""
