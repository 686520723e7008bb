"""From pixels to footprints, in rooms: model, probabilities, vectorisation, regularisation, segmentation.

Here itself stand only what a run costs and the fingerprints of files; comparing with records is `cadastre`.
"""

if __name__ == "inference":
    raise ImportError("import vigibati.inference: the repository root must not be on sys.path")
