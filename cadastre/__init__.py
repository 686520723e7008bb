"""From records to cases: readers, registration, comparison, context, GeoPackage. No torch."""

if __name__ == "cadastre":
    raise ImportError("import vigibati.cadastre: the repository root must not be on sys.path")
