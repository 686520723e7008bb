"""Which coordinate reference system: the legal one of a territory, the one to work in."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import pyproj

from vigibati.configs.errors import RasterError

LEGAL_CRS: Final = MappingProxyType(
    {
        "971": pyproj.CRS.from_epsg(5490),
        "972": pyproj.CRS.from_epsg(5490),
        "973": pyproj.CRS.from_epsg(2972),
        "974": pyproj.CRS.from_epsg(2975),
        "976": pyproj.CRS.from_epsg(4471),
    }
)
"""Legal projected CRS by overseas département: RGAF09, RGFG95, RGR92, RGM04 in UTM."""

METROPOLITAN_CRS: Final = pyproj.CRS.from_epsg(2154)
"""Legal projected CRS of metropolitan France: RGF93 / Lambert-93."""
