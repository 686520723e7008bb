"""Case numbers that a later run finds again at the same place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from vigibati.cadastre.overlap import Geometries

_CELL_M = 5
_LETTERS = {"new_building": "N", "extension": "E", "not_seen": "V", "pool": "P"}


def case_ids(kinds: Sequence[str], geometries: Geometries) -> list[str]:
    """Return one identifier per case, such as ``N-896120-6281345``, unique within the call.

    It is made of the kind and of the south-west corner of the 5 m cell that holds the centroid: a
    centroid moves by decimetres where an outline is drawn anew, other inner points by metres. Where
    two cases of a kind share a cell, the larger keeps the plain identifier and the others get
    ``-2``, ``-3``…, in an order that depends on their geometry alone.
    """
    centre = shapely.get_coordinates(shapely.centroid(geometries))
    cell = (np.floor(centre / _CELL_M) * _CELL_M).astype(np.int64)
    plain = [f"{_LETTERS[kind]}-{east}-{north}" for kind, (east, north) in zip(kinds, cell, strict=True)]
    taken: dict[str, int] = {}
    unique = list(plain)
    for row in np.lexsort((centre[:, 1], centre[:, 0], -shapely.area(geometries))):
        name = plain[row]
        taken[name] = taken.get(name, 0) + 1
        if taken[name] > 1:
            unique[row] = f"{name}-{taken[name]}"
    return unique
