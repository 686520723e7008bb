"""How well the outlines of objects that were found lie on the true ones."""

from __future__ import annotations

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry import shape

from vigibati.inference.vectorisation.footprint_table import as_drawn
from vigibati.training.metrics.bootstrap import Counts, figure, interval, ratio
from vigibati.training.metrics.pixels_and_objects import Objects
from vigibati.training.metrics.polis import polis_m

SMALLEST_M2 = 4.0
"""No smaller object is drawn, or has a probability that anybody sees."""


def outline_rows(objects: Objects, gsd_m: float, *, kind: str) -> NDArray[np.float64]:
    """Measure the outlines of the objects of one chip that were found and are true.

    A found object is outlined as the product draws it; a true one along its pixels, simplified by
    one pixel, which takes off the stairs that a mask puts on a slanting wall. Objects that the edge
    of the chip cuts are left out: the cut would agree by nature.

    Args:
        objects: Of one chip.
        gsd_m: Metres per pixel.
        kind: Class of the objects.

    Returns:
        (M, 4): PoLiS distance in metres, area found less the true one as a share of the true one,
        vertices found, true vertices.
    """
    drawn_labels = np.flatnonzero(objects.found_m2 >= SMALLEST_M2) + 1
    partners = objects.partner[drawn_labels - 1]
    cut = np.isin(drawn_labels, _on_the_edge(objects.found_labels))
    cut |= np.isin(partners, _on_the_edge(objects.truth_labels))
    whole = (partners > 0) & ~cut
    if not whole.any():
        return np.empty((0, 4))
    # All of them are drawn, as in the product, where an outline may heed its neighbours.
    traced = _polygons(objects.found_labels, drawn_labels, gsd_m)
    drawn = as_drawn(traced, kind=kind, metres_per_unit=1)[whole]
    true = partners[whole]
    stairs = _polygons(objects.truth_labels, true, gsd_m)
    outlines = shapely.simplify(stairs, gsd_m, preserve_topology=True)
    true_m2 = shapely.area(stairs)
    return np.column_stack(
        [
            polis_m(drawn, outlines),
            (shapely.area(drawn) - true_m2) / true_m2,
            _vertices(drawn),
            _vertices(outlines),
        ]
    )


def outline_figures(per_chip: list[NDArray[np.float64]]) -> dict[str, object]:
    """Return the figures of the rows of each chip; None where nothing matched."""
    sums = np.array([(rows[:, 0].sum(), len(rows)) for rows in per_chip])
    distances, differences, vertices, true_vertices = np.concatenate(per_chip).T
    measured = distances.size > 0
    return {
        "count": int(distances.size),
        "polis_m": figure(_mean(sums.sum(axis=0))),
        "polis_m_ci": interval(_mean, sums),
        "polis_median_m": figure(np.median(distances)) if measured else None,
        "area_bias": figure(np.median(differences)) if measured else None,
        "vertices": figure(vertices.mean()) if measured else None,
        "true_vertices": figure(true_vertices.mean()) if measured else None,
    }


def _on_the_edge(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the labels of the objects at the edge of the chip."""
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.unique(edge[edge > 0]).astype(np.int64)


def _polygons(labels: NDArray[np.int32], wanted: NDArray[np.int64], gsd_m: float) -> NDArray[np.object_]:
    """Return the polygon of each wanted label along its pixels, in metres."""
    chosen = np.zeros(int(labels.max()) + 1, dtype=bool)
    chosen[wanted] = True
    pieces = rasterio.features.shapes(
        labels, mask=chosen[labels], connectivity=4, transform=Affine.scale(gsd_m)
    )
    by_label = {int(label): shape(outline) for outline, label in pieces}
    return np.array([by_label[label] for label in wanted.tolist()], dtype=object)


def _vertices(outlines: NDArray[np.object_]) -> NDArray[np.int64]:
    rings = shapely.get_num_interior_rings(outlines) + 1
    counts: NDArray[np.int64] = shapely.get_num_coordinates(outlines) - rings
    return counts


def _mean(sums: Counts) -> Counts:
    return ratio(sums[..., 0], sums[..., 1])
