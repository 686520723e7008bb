"""Readers of cadastral files, one format a module, all into the canonical tables."""
