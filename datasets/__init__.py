"""What enters and leaves as pixels: grid and encoding here; orthophotos, chips, pictures, synthetic commune.

Vector files live in `cadastre`, networks in `inference` and `training`.
"""

if __name__ == "datasets":
    raise ImportError("import vigibati.datasets: the repository root must not be on sys.path")
