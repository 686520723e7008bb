"""The probability raster and what is read from it: masks, means by zone, extent. No torch.

How probabilities are made is `inference.segmentation`, how they become outlines `inference.vectorisation`.
"""
