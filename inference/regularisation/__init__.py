"""Traced outlines to straight walls and right angles, with the walls that neighbours share. No torch.

No raster is read here.
"""
