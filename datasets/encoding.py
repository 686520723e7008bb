"""Probabilities in 8 bits, as every probability raster holds them.

A pixel is ``round(probability * PROBABILITY_SCALE)``, or ``NO_IMAGE``. The encoding is here, in the ground
of the folder that all others may import, because chips are labelled from such rasters too. Soft labels
have an encoding of their own, in `chips.manifest`.
"""

from __future__ import annotations

from typing import Final

PROBABILITY_SCALE: Final = 254
"""Value of a pixel whose probability is 1."""
NO_IMAGE: Final = 255
"""Value of a pixel where there is no image: nodata of the raster."""
