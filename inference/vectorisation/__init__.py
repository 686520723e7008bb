"""Probability raster to footprints: components traced unit by unit, joined at the seams. No torch.

Straight walls are made in `inference.regularisation`.
"""
