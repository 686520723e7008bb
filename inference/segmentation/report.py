"""What a segmentation did, from what its units reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vigibati.configs.schema import Schema
from vigibati.inference.segmentation.ledger import UnitState
from vigibati.inference.segmentation.run_spec import RunSpec
from vigibati.inference.segmentation.tiling import Unit

_STAGES = ("decode", "infer", "write", "vectorise")


class Counts(Schema):
    """What can be counted of a segmentation: the same however the work was cut and shared.

    Attributes:
        pixels: Of the raster, or of the shard.
        no_image_px: Those that were wanted and have no image.
        skipped_px: Those that nobody wants to know of.
        failed: Units that were given up, and places of the image that could not be read, each with
            its cause; they count as no image.
    """

    pixels: int
    no_image_px: int
    skipped_px: int
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """What a segmentation did.

    Attributes:
        megapixels: Size of the raster, or of the shard, in millions of pixels.
        area_km2: Its ground.
        no_image_share: Share of it without an image, 0-1.
        skipped_share: Share of it that nobody wants to know of, 0-1.
        gap_share: Share of the whole raster that no file covers, 0-1.
        failed: Units that were given up, and places of the image that could not be read, each with
            its cause; they count as no image.
        device: Where the network ran.
        seconds: Wall clock of this call.
        megapixels_now: What of it this call did; the rest was there from an earlier one.
        windows: Windows that the network saw in this call; those without any image are skipped.
        busy_s: For each stage the seconds that it was at work in this call, over all its processes.
        finished: Whether the raster is there; otherwise other shards are still to come.
    """

    megapixels: float
    area_km2: float
    no_image_share: float
    skipped_share: float
    gap_share: float
    failed: tuple[str, ...]
    device: str
    seconds: float
    megapixels_now: float
    windows: int
    busy_s: Mapping[str, float]
    finished: bool

    @property
    def mpx_per_s(self) -> float:
        """Millions of pixels per second of this call, no-image included."""
        return self.megapixels_now / self.seconds if self.seconds else 0.0

    @property
    def km2_per_h(self) -> float:
        """Square kilometres of ground per hour of this call."""
        return self.mpx_per_s * 3600 * self.area_km2 / self.megapixels if self.megapixels else 0.0


@dataclass(frozen=True, slots=True)
class Effort:
    """What a call took.

    Attributes:
        seconds: Wall clock.
        pixels: That it dealt with; the rest was there from an earlier one.
        windows: That the network saw.
        busy_s: For each stage the seconds that it was at work.
    """

    seconds: float = 0.0
    pixels: int = 0
    windows: int = 0
    busy_s: Mapping[str, float] = field(default_factory=dict)


def effort_on(units: Sequence[Unit], states: Mapping[int, UnitState], *, seconds: float) -> Effort:
    """Add up what units report of the effort that they took.

    Args:
        units: That a call worked on.
        states: What the ledgers know of them.
        seconds: Wall clock.
    """
    reports = _reports(units, states)
    busy_s = {stage: sum(report[f"{stage}_s"] for report in reports) for stage in _STAGES}
    return Effort(
        seconds=seconds,
        pixels=pixels_of(units),
        windows=sum(report["windows"] for report in reports),
        busy_s={stage: round(total, 3) for stage, total in busy_s.items()},
    )


def pixels_of(units: Sequence[Unit]) -> int:
    """Return the pixels of units."""
    return sum(unit.window.width * unit.window.height for unit in units)


def count(units: Sequence[Unit], states: Mapping[int, UnitState]) -> Counts:
    """Add up what units reported.

    Args:
        units: Of the raster, or of a shard.
        states: What the ledgers know of them.
    """
    reports = _reports(units, states)
    given_up = [_described(unit, states) for unit in units if not _is_done(unit, states)]
    # Neighbours share their margins, and so the damage in them.
    damaged = dict.fromkeys(place for report in reports for place in report["damaged"])
    return Counts(
        pixels=pixels_of(units),
        no_image_px=sum(report["no_image_px"] for report in reports),
        skipped_px=sum(report["skipped_px"] for report in reports),
        failed=(*given_up, *damaged),
    )


def report_of(
    counts: Counts,
    spec: RunSpec,
    effort: Effort,
    *,
    finished: bool = True,
) -> SegmentReport:
    """Return the report of a call.

    Args:
        counts: Of the raster, or of a shard.
        spec: What was to be done.
        effort: What it took.
        finished: Whether the raster is there.
    """
    # Where there are more shards than units, one has nothing to do.
    total_px = max(1, counts.pixels)
    return SegmentReport(
        megapixels=counts.pixels / 1e6,
        area_km2=counts.pixels * spec.grid.gsd_m**2 / 1e6,
        no_image_share=counts.no_image_px / total_px,
        skipped_share=counts.skipped_px / total_px,
        gap_share=spec.gap_share,
        failed=counts.failed,
        device=spec.engine,
        windows=effort.windows,
        seconds=effort.seconds,
        megapixels_now=effort.pixels / 1e6,
        busy_s=effort.busy_s,
        finished=finished,
    )


def _is_done(unit: Unit, states: Mapping[int, UnitState]) -> bool:
    return unit.number in states and states[unit.number].done


def _reports(units: Sequence[Unit], states: Mapping[int, UnitState]) -> list[Mapping[str, Any]]:
    return [states[unit.number].report for unit in units if _is_done(unit, states)]


def _described(unit: Unit, states: Mapping[int, UnitState]) -> str:
    window = unit.window
    rows, columns = f"{window.row}-{window.row + window.height}", f"{window.col}-{window.col + window.width}"
    cause = states[unit.number].cause if unit.number in states else "not begun"
    return f"unit {unit.number} (rows {rows}, columns {columns}): {cause}"
