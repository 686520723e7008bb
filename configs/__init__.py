"""Frozen schemas, presets and the few things that every other folder needs: errors, whole files, progress.

Nothing here reads an image or a record.
"""

if __name__ == "configs":
    raise ImportError("import vigibati.configs: the repository root must not be on sys.path")
