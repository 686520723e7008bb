"""What a segmentation cost: speed, who was busy how long, electricity by area."""

from __future__ import annotations

from vigibati.inference.energy import Energy
from vigibati.inference.segmentation.report import SegmentReport


def account(report: SegmentReport, energy: Energy | None) -> dict[str, object]:
    """Return speed, busy shares and energy of a call, JSON-ready.

    Args:
        report: Of the segmentation.
        energy: That the call took; None where it was not measured.
    """
    km2 = report.area_km2 * report.megapixels_now / report.megapixels if report.megapixels else 0.0
    wh = None if energy is None else energy.kwh * 1000
    return {
        "mpx_per_s": round(report.mpx_per_s, 3),
        "km2_per_h": round(report.km2_per_h, 3),
        # Of the wall clock: stages work side by side, so that they may add up to more than 1.
        "busy_share": {
            stage: round(seconds / report.seconds, 3) if report.seconds else 0.0
            for stage, seconds in report.busy_s.items()
        },
        "energy_wh": wh,
        "energy_wh_per_km2": None if wh is None or not km2 else wh / km2,
        "energy_method": None if energy is None else energy.method,
    }
