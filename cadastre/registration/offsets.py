"""How far each cadastral sheet has to be moved to lie on the image, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.overlap import as_array
from vigibati.cadastre.registration.arrows import arrow_rows, no_arrows
from vigibati.cadastre.registration.warp import Warp
from vigibati.configs.errors import RecordsError

OFFSET_COLUMNS = (
    "sheet_id",
    "dx_m",
    "dy_m",
    "support",
    "residual_m",
    "tolerance_m",
    "overhang_m",
    "method",
    "geometry",
)


@dataclass(frozen=True, slots=True, eq=False)
class Offsets:
    """One row per sheet; ``(+dx_m, +dy_m)`` moves its records onto the footprints.

    Attributes:
        table: Columns of `OFFSET_COLUMNS` in the working CRS. ``sheet_id`` is ``""`` for records
            without a sheet; ``support`` counts the blocks that agree; ``residual_m`` is the median
            distance left along the walls (empty where nothing matched); ``method`` is ``sheet``,
            ``global`` or ``none``; the geometry is the convex hull of the sheet's records as given.
        warps: Local displacement of a sheet, beside its shift, by ``sheet_id``.
        arrows: Records that were fitted one by one, from where they are drawn to where they
            go: columns of `ARROW_COLUMNS`.
    """

    table: gpd.GeoDataFrame
    warps: Mapping[str, Warp] = field(default_factory=dict)
    arrows: gpd.GeoDataFrame = field(default_factory=no_arrows)

    def __post_init__(self) -> None:
        missing = [name for name in OFFSET_COLUMNS if name not in self.table.columns]
        if missing:
            raise RecordsError(
                "offsets", f"have no column {', '.join(missing)}", "make them with vigibati register"
            )

    def apply(self, layer: gpd.GeoDataFrame, *, nearest_if_unknown: bool = False) -> gpd.GeoDataFrame:
        """Move a layer onto the footprints.

        Args:
            layer: In the CRS of the table. Records, by their ``sheet_id``; a layer without that
                column, such as parcels, takes for each geometry the offset of the nearest sheet.
            nearest_if_unknown: Whether that holds for sheets too that the offsets do not know: on a
                sheet without a building there was nothing to register.

        Returns:
            A moved copy with ``offset_m`` (length of the mean shift), ``tolerance_m`` and ``overhang_m``.

        Raises:
            RecordsError: Another CRS, or a sheet that the offsets do not know and should.
        """
        if layer.crs != self.table.crs:
            raise RecordsError(
                "offsets", f"are in {self.table.crs}, not in {layer.crs}", "register these records again"
            )
        row_of = self._rows_of(layer, nearest_if_unknown=nearest_if_unknown)
        rows = self.table.iloc[row_of]
        geometries = as_array(layer)
        xy, owner = shapely.get_coordinates(geometries, return_index=True)
        arrow = np.full(len(layer), -1, dtype=np.intp)
        if "sheet_id" in layer.columns:
            arrow = arrow_rows(self.arrows, geometries, sheet_ids(layer))
        fitted = arrow >= 0
        own_m = np.zeros((len(layer), 2))
        own_m[fitted] = self.arrows[["own_dx_m", "own_dy_m"]].to_numpy(dtype=float)[arrow[fitted]]
        shift_m = self._shifts(xy, row_of[owner]) + own_m[owner]
        moved = shapely.set_coordinates(geometries.copy(), xy + shift_m)
        vertices = np.maximum(np.bincount(owner, minlength=len(layer)), 1)
        mean_m = [np.bincount(owner, axis, minlength=len(layer)) / vertices for axis in shift_m.T]
        local = {}
        for name in ("tolerance_m", "overhang_m"):
            local[name] = rows[name].to_numpy(dtype=float).copy()
            local[name][fitted] = self.arrows[name].to_numpy(dtype=float)[arrow[fitted]]
        return layer.set_geometry(gpd.GeoSeries(moved, index=layer.index, crs=layer.crs)).assign(
            offset_m=np.hypot(*mean_m), **local
        )

    @property
    def reach_m(self) -> float:
        """Farthest that any sheet may move a point, in metres."""
        shift_m = np.hypot(self.table["dx_m"], self.table["dy_m"]).max() if len(self.table) > 0 else 0.0
        warp_m = [float(np.hypot(*warp.values_m.reshape(-1, 2).T).max()) for warp in self.warps.values()]
        return float(shift_m) + max(warp_m, default=0.0)

    def _shifts(self, xy: NDArray[np.float64], row: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the displacement of each vertex."""
        shift_m: NDArray[np.float64] = self.table[["dx_m", "dy_m"]].to_numpy(dtype=float)[row]
        by_row = np.argsort(row, kind="stable")
        ends = np.searchsorted(row, np.arange(len(self.table) + 1), sorter=by_row)
        for number, sheet in enumerate(self.table["sheet_id"]):
            mine = by_row[ends[number] : ends[number + 1]]
            if sheet in self.warps and len(mine) > 0:
                shift_m[mine] += self.warps[sheet].at(xy[mine])
        return shift_m

    def _rows_of(self, layer: gpd.GeoDataFrame, *, nearest_if_unknown: bool) -> NDArray[np.intp]:
        if len(layer) == 0:
            return np.zeros(0, dtype=np.intp)
        if "sheet_id" not in layer.columns:
            return self._nearest_rows(as_array(layer))
        sheets = sheet_ids(layer)
        rows = pd.Index(self.table["sheet_id"].astype(object)).get_indexer(sheets)
        unknown = rows < 0
        if nearest_if_unknown:
            rows[unknown] = self._nearest_rows(as_array(layer)[unknown])
        elif unknown.any():
            missing = sorted(set(sheets[unknown]))
            raise RecordsError(
                "offsets",
                f"hold no sheet '{missing[0]}' ({len(missing)} missing)",
                "register these records again",
            )
        return np.asarray(rows, dtype=np.intp)

    def _nearest_rows(self, geometries: NDArray[np.object_]) -> NDArray[np.intp]:
        return np.asarray(shapely.STRtree(as_array(self.table)).nearest(geometries), dtype=np.intp)


def sheet_ids(records: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return the sheet of each record, ``""`` where it has none."""
    sheets: NDArray[np.object_] = records["sheet_id"].astype("str").fillna("").to_numpy(dtype=object)
    return sheets
