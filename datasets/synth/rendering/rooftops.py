"""What stands on a roof or lies in it: chimneys, skylights, panels, parapets, gutters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from vigibati.datasets.synth.plan.ground_plan import Building
from vigibati.datasets.synth.rendering.canvas import Paint
from vigibati.datasets.synth.rendering.noise import rgb


def add_rooftop(
    paint: Paint,
    building: Building,
    *,
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    """Add the small things to a roof patch, in place.

    Args:
        paint: The patch, with height and slopes.
        building: Decides what can be there.
        along: Metres along the ridge from the middle, (H, W).
        across: Metres across the ridge from the middle, (H, W).
        rng: Generator of the building.
    """
    inside = np.asarray(distance_transform_edt(paint.alpha > 0.5)) * paint.frame.gsd_m  # noqa: PLR2004
    area_m2 = float(paint.alpha.sum()) * paint.frame.gsd_m**2
    rim = (inside > 0) & (inside <= paint.frame.gsd_m * 1.5)
    if building.roof == "flat":
        if building.durable and area_m2 > 20:  # noqa: PLR2004 - a small flat roof has no parapet
            paint.colour[rim] = paint.colour[rim] * 0.3 + rgb(196, 194, 188) * 0.7
            _raise(paint, rim, 0.3)
        elif not building.durable:
            paint.colour[rim] *= 0.86
    else:
        paint.colour[rim] *= rng.uniform(0.8, 1.02)
    if area_m2 < 45:  # noqa: PLR2004 - sheds and small annexes carry nothing
        return
    spots = _Spots(paint, inside, along, across, rng)
    if building.roof == "flat":
        spots.boxes(int(rng.poisson(min(area_m2 / 150, 9))))
        if rng.random() < 0.12:  # noqa: PLR2004
            spots.panels()
        return
    if building.material in {"tile", "slate"}:
        spots.chimneys(int(rng.choice([0, 1, 1, 2])))
        spots.skylights(int(rng.choice([0, 0, 0, 1, 2, 3])))
    if rng.random() < (0.25 if area_m2 > 400 else 0.055):  # noqa: PLR2004 - halls carry panels more often
        spots.panels()


def _raise(paint: Paint, where: NDArray[np.bool_], by_m: float) -> None:
    if paint.height is not None:
        paint.height[where] += by_m


class _Spots:
    """Places on one roof patch."""

    def __init__(
        self,
        paint: Paint,
        inside: NDArray[np.float64],
        along: NDArray[np.float64],
        across: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        self._paint, self._inside, self._rng = paint, inside, rng
        self._along, self._across = along, across

    def _place(self, free_m: float) -> tuple[float, float] | None:
        rows, cols = np.nonzero(self._inside > free_m)
        if not len(rows):
            return None
        pick = int(self._rng.integers(len(rows)))
        return float(self._along[rows[pick], cols[pick]]), float(self._across[rows[pick], cols[pick]])

    def _rectangle(self, middle: tuple[float, float], half_u: float, half_v: float) -> NDArray[np.bool_]:
        return (
            (np.abs(self._along - middle[0]) < half_u)
            & (np.abs(self._across - middle[1]) < half_v)
            & (self._inside > 0)
        )

    def _level(self, where: NDArray[np.bool_], by_m: float) -> None:
        paint = self._paint
        if paint.height is None or not where.any():
            return
        paint.height[where] = paint.height[where].max() + by_m
        for slope in (paint.slope_east, paint.slope_north):
            if slope is not None:
                slope[where] = 0.0

    def chimneys(self, count: int) -> None:
        for _ in range(count):
            middle = self._place(1.2)
            if middle is None:
                return
            tone = rgb(182, 166, 150) * self._rng.uniform(0.8, 1.1)
            where = self._rectangle(middle, self._rng.uniform(0.28, 0.5), self._rng.uniform(0.25, 0.35))
            self._paint.colour[where] = tone
            self._level(where, self._rng.uniform(0.7, 1.3))
            self._paint.colour[self._rectangle(middle, 0.13, 0.13)] = tone * 0.45

    def skylights(self, count: int) -> None:
        for _ in range(count):
            middle = self._place(1.3)
            if middle is None:
                return
            self._paint.colour[self._rectangle(middle, 0.55, 0.7)] = rgb(120, 118, 116)
            glass = rgb(92, 106, 122) if self._rng.random() < 0.7 else rgb(196, 208, 216)  # noqa: PLR2004
            self._paint.colour[self._rectangle(middle, 0.38, 0.52)] = glass

    def boxes(self, count: int) -> None:
        for _ in range(count):
            middle = self._place(1.5)
            if middle is None:
                return
            where = self._rectangle(middle, self._rng.uniform(0.4, 1.4), self._rng.uniform(0.4, 1.1))
            self._paint.colour[where] = rgb(188, 188, 186) * self._rng.uniform(0.75, 1.1)
            self._level(where, self._rng.uniform(0.4, 1.4))

    def panels(self) -> None:
        middle = self._place(2.2)
        if middle is None:
            return
        side = 1.0 if middle[1] > 0 else -1.0
        half_u = self._rng.uniform(1.6, 4.5)
        half_v = self._rng.uniform(0.9, 1.8)
        centre = (middle[0], side * max(abs(middle[1]), half_v + 0.3))
        where = self._rectangle(centre, half_u, half_v) & (self._inside > 0.4)  # noqa: PLR2004
        seam = (np.mod(self._along - centre[0], 1.05) < 0.12) | (np.mod(self._across - centre[1], 1.7) < 0.12)  # noqa: PLR2004
        self._paint.colour[where] = rgb(54, 62, 82) * self._rng.uniform(0.85, 1.25)
        self._paint.colour[where & seam] = rgb(98, 106, 122)
