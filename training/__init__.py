"""What is learnt: recipes run, networks trained, evaluated and described."""

if __name__ == "training":
    raise ImportError("import vigibati.training: the repository root must not be on sys.path")
