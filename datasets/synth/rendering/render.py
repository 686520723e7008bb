"""The photo-like orthophoto of a ground plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window as RasterWindow
from shapely import STRtree
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from vigibati.configs.atomic_files import whole_file
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.synth.plan.ground_plan import EPSG, GroundPlan
from vigibati.datasets.synth.rendering.acquisition import Look, vintage_look
from vigibati.datasets.synth.rendering.canvas import Canvas, Frame
from vigibati.datasets.synth.rendering.ground import paint_base, paint_field
from vigibati.datasets.synth.rendering.light import illuminated, shadow_reach_px
from vigibati.datasets.synth.rendering.roads import paint_roads
from vigibati.datasets.synth.rendering.roofs import roof_paint
from vigibati.datasets.synth.rendering.sensor import BLUR_REACH_PX, photographed
from vigibati.datasets.synth.rendering.small_objects import paint_car, paint_pool, paint_trap
from vigibati.datasets.synth.rendering.tree_crowns import paint_tree

_BLOCK_PX = 512
_JPEG_QUALITY = 85
_COLUMNS_PX = 4096  # width of the pieces of a strip: bounds the memory for any plan


_Thing = TypeVar("_Thing")


class _Layer(Generic[_Thing]):
    """Things of one kind, found by place, kept in their order."""

    def __init__(self, things: Sequence[_Thing], shapes: Sequence[BaseGeometry]) -> None:
        self._things, self._tree = things, STRtree(list(shapes))

    def within(self, ground: Polygon) -> list[_Thing]:
        return [self._things[index] for index in sorted(self._tree.query(ground))]


class Scene:
    """A plan in one year under one light, of which any rectangle can be pictured.

    A pixel's value depends on the plan, the look and its place alone, never on the
    rectangle that it was pictured in.

    Args:
        plan: What stands and grows.
        look: Light, season and sensor.
        year: Buildings and pools are drawn when they stand in this year.
        gsd_m: Size of a pixel.
    """

    def __init__(self, plan: GroundPlan, look: Look, *, year: int, gsd_m: float) -> None:
        self._look = look
        buildings = plan.standing(year)
        pools = [pool for pool in plan.pools if pool.stands(year)]
        self._fields = _Layer(plan.fields, [field.outline for field in plan.fields])
        self._roads = _Layer(plan.roads, [road.centre.buffer(road.width_m / 2 + 2) for road in plan.roads])
        self._traps = _Layer(plan.traps, [trap.outline for trap in plan.traps])
        self._pools = _Layer(pools, [pool.outline.buffer(3) for pool in pools])
        self._cars = _Layer(plan.cars, [Point(car.x_m, car.y_m).buffer(3) for car in plan.cars])
        self._buildings = _Layer(buildings, [building.outline for building in buildings])
        crowns = [Point(tree.x_m, tree.y_m).buffer(tree.radius_m + 1) for tree in plan.trees]
        self._trees = _Layer(plan.trees, crowns)
        bounds = plan.bounds
        width, height = round(bounds.width_m / gsd_m), round(bounds.height_m / gsd_m)
        self.frame = Frame(bounds.minx, bounds.maxy, gsd_m, 0, 0, width, height)

    def pixels(self, frame: Frame) -> NDArray[np.uint8]:
        """Return the picture of one frame, (H, W, 3), R, G, B."""
        cols, rows = shadow_reach_px(self._look, frame.gsd_m)
        left, right = (BLUR_REACH_PX + max(0, sign * cols) for sign in (-1, 1))
        top, bottom = (BLUR_REACH_PX + max(0, sign * rows) for sign in (-1, 1))
        canvas = Canvas(frame.grown(left=left, top=top, right=right, bottom=bottom))
        self._paint(canvas)
        light = illuminated(canvas, self._look)
        inner = frame.grown(**dict.fromkeys(("left", "top", "right", "bottom"), BLUR_REACH_PX))
        return photographed(light[canvas.frame.slices_of(inner)], frame, self._look)

    def _paint(self, canvas: Canvas) -> None:
        ground = canvas.frame.ground()
        paint_base(canvas, self._look)
        for field in self._fields.within(ground):
            paint_field(canvas, field, self._look)
        paint_roads(canvas, self._roads.within(ground))
        for trap in self._traps.within(ground):
            paint_trap(canvas, trap)
        for pool in self._pools.within(ground):
            paint_pool(canvas, pool)
        for car in self._cars.within(ground):
            paint_car(canvas, car)
        for building in self._buildings.within(ground):
            canvas.lay(roof_paint(building, canvas.frame, style=self._look.roof_style))
        for tree in self._trees.within(ground):
            paint_tree(canvas, tree, self._look)


def render(
    plan: GroundPlan,
    out: Path,
    *,
    gsd_m: float = 0.2,
    year: int = 2024,
    seed: int | None = None,
    progress: Progress = SILENT,
) -> None:
    """Write the orthophoto of a plan, strip by strip, in constant memory.

    Args:
        plan: The ground plan.
        out: GeoTIFF to write: JPEG (YCbCr, quality 85), 512-pixel blocks, EPSG:2154.
        gsd_m: Size of a pixel.
        year: Vintage: what stands that year, under that year's light.
        seed: Decides the light; the plan's own when None.
        progress: Listener; the stage counts megapixels.

    Raises:
        OutputError: ``out`` cannot be written.
    """
    scene = Scene(
        plan, vintage_look(seed=plan.seed if seed is None else seed, year=year), year=year, gsd_m=gsd_m
    )
    whole = scene.frame
    profile = {
        "driver": "GTiff", "width": whole.width, "height": whole.height, "count": 3, "dtype": "uint8",
        "crs": rasterio.CRS.from_epsg(EPSG), "transform": whole.transform, "tiled": True,
        "blockxsize": _BLOCK_PX, "blockysize": _BLOCK_PX, "compress": "JPEG", "photometric": "YCBCR",
        "jpeg_quality": _JPEG_QUALITY, "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    megapixels = whole.width * whole.height / 1e6
    with (
        whole_file(out) as temporary,
        progress.stage("render", megapixels, "Mpx") as advance,
        rasterio.open(temporary, "w", **profile) as target,
    ):
        target.update_tags(TIFFTAG_DATETIME=f"{year}:07:01 12:00:00")
        for piece in _pieces(whole):
            values = scene.pixels(piece)
            window = RasterWindow(piece.col, piece.row, piece.width, piece.height)
            target.write(np.moveaxis(values, -1, 0), window=window)
            advance(piece.width * piece.height / 1e6)


def _pieces(whole: Frame) -> Iterator[Frame]:
    for row in range(0, whole.height, _BLOCK_PX):
        for col in range(0, whole.width, _COLUMNS_PX):
            width, height = min(_COLUMNS_PX, whole.width - col), min(_BLOCK_PX, whole.height - row)
            yield Frame(whole.west, whole.north, whole.gsd_m, col, row, width, height)
