"""Words and places for what a comparison missed or made up."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.overlap import Geometries, as_array, near_pairs, union_by_left

BESIDE_M = 0.6
"""What stands so near makes one block in the image."""


def covered(items: Geometries, outlines: Geometries) -> NDArray[np.float64]:
    """Return the share of each item that lies under outlines."""
    pairs = near_pairs(items, outlines)
    over = union_by_left(pairs, outlines, count=len(items))
    shares: NDArray[np.float64] = shapely.area(shapely.intersection(items, over)) / shapely.area(items)
    return shares


def described_misses(
    pieces: gpd.GeoDataFrame,
    roofs: Geometries,
    rows: NDArray[np.intp],
    solo: NDArray[np.bool_],
    cases: gpd.GeoDataFrame,
    detections: gpd.GeoDataFrame,
) -> list[dict[str, object]]:
    """Describe pieces that were not found: what shows them, what covers them, what they touch."""
    flagged = covered(roofs[rows], as_array(cases))
    shown = covered(roofs[rows], as_array(detections))
    outlines, others = as_array(pieces), as_array(pieces[pieces["what"] == "kept"])
    pairs = near_pairs(outlines[rows], others, distance_m=BESIDE_M)
    around = union_by_left(pairs, others, count=len(rows))
    rims = shapely.boundary(outlines[rows])
    enclosed = shapely.length(shapely.intersection(rims, shapely.buffer(around, BESIDE_M)))
    enclosed /= shapely.length(rims)
    return [
        _placed(roofs[row])
        | {
            "record_id": str(pieces["record_id"].iloc[row]),
            "what": str(pieces["what"].iloc[row]),
            "solo": bool(solo[row]),
            "depth_m": None if np.isnan(depth := pieces["depth_m"].iloc[row]) else round(float(depth), 2),
            "flagged_share": round(float(flagged[at]), 2),
            "shown_share": round(float(shown[at]), 2),
            "enclosed_share": round(float(enclosed[at]), 2),
        }
        for at, row in enumerate(rows)
    ]


def described_cases(cases: gpd.GeoDataFrame) -> list[dict[str, object]]:
    """Return identifier, kind, area and place of each case, the largest first."""
    cases = cases.iloc[np.argsort(-shapely.area(as_array(cases)), kind="stable")]
    names = zip(cases["case_id"], cases["kind"], as_array(cases), strict=True)
    return [{"case_id": str(name), "kind": str(kind)} | _placed(outline) for name, kind, outline in names]


def _placed(outline: shapely.Geometry) -> dict[str, object]:
    ((x_m, y_m),) = shapely.get_coordinates(shapely.point_on_surface(outline))
    area_m2 = float(shapely.area(outline))
    return {"area_m2": round(area_m2, 1), "x_m": round(float(x_m), 1), "y_m": round(float(y_m), 1)}
