"""cadastre/publishing."""
