"""cadastre/cases."""
