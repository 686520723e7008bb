"""Orthophoto to probability raster: tiling, strips, units and their ledger, workers, merging.

The network itself lives in `inference.model`.
"""
