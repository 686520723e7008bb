"""From pixels to footprints: device, checkpoint, segmentation, outlines."""

if __name__ == "inference":
    raise ImportError("import vigibati.inference: the repository root must not be on sys.path")
