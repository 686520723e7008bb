"""Orthophotos as files: found, checked, put together to one grid, read in strips, prepared.

What is learnt from them is cut in `datasets.chips`; vector files are read in `cadastre.readers`.
"""
