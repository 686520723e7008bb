"""What is learnt: recipes run and networks trained here; metrics, calibration and publishing in rooms.

Chips are made in `datasets.chips`, used networks live in `inference.model`.
"""

if __name__ == "training":
    raise ImportError("import vigibati.training: the repository root must not be on sys.path")
