"""Frozen schemas, presets and the few things that every other folder needs."""

if __name__ == "configs":
    raise ImportError("import vigibati.configs: the repository root must not be on sys.path")
