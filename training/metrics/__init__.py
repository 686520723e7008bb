"""What is measured of a prediction: pixels, objects, boundaries, outlines, reliability, with intervals.

Nothing is fitted here.
"""
