"""What enters and leaves as pixels: the grid here; orthophotos, chips, pictures, the synthetic commune.

Vector files live in `cadastre`, networks in `inference` and `training`.
"""

if __name__ == "datasets":
    raise ImportError("import vigibati.datasets: the repository root must not be on sys.path")
