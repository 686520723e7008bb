"""What enters and leaves as pixels: orthophotos, windows, chips, the synthetic commune."""

if __name__ == "datasets":
    raise ImportError("import vigibati.datasets: the repository root must not be on sys.path")
