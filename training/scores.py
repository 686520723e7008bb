"""Agreement of a found mask with a true one, by pixel and by object."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

MATCH_IOU = 0.5
"""Two objects are the same when their IoU exceeds this: above one half a match is unique by itself."""

SIZE_BANDS_M2 = (0.0, 5.0, 20.0, 40.0, 60.0, np.inf)
"""Limits of the size bands in which French planning law and this product count."""

_SMALLEST_M2 = 20.0


@dataclass(slots=True)
class PixelScore:
    """Counts of known pixels."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0

    def add(self, found: NDArray[np.bool_], truth: NDArray[np.bool_], known: NDArray[np.bool_]) -> None:
        """Count one chip; all three arrays have shape (H, W), ``known`` True = the truth is believed."""
        self.true_positive += int(np.count_nonzero(found & truth & known))
        self.false_positive += int(np.count_nonzero(found & ~truth & known))
        self.false_negative += int(np.count_nonzero(~found & truth & known))
        self.true_negative += int(np.count_nonzero(~found & ~truth & known))

    def as_dict(self) -> dict[str, float | None]:
        """Return IoU, precision, recall and F1; None where nothing could be counted."""
        found, true = self.true_positive + self.false_positive, self.true_positive + self.false_negative
        return {
            "iou": _ratio(self.true_positive, found + self.false_negative),
            "precision": _ratio(self.true_positive, found),
            "recall": _ratio(self.true_positive, true),
            "f1": _ratio(2 * self.true_positive, found + true),
            "false_positive_share": _ratio(self.false_positive, self.false_positive + self.true_negative),
        }


@dataclass(slots=True)
class ObjectScore:
    """Counts of connected objects, matched one to one, by size band of the object counted."""

    truth: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(SIZE_BANDS_M2) - 1, np.int64))
    truth_matched: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(len(SIZE_BANDS_M2) - 1, np.int64)
    )
    found: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(SIZE_BANDS_M2) - 1, np.int64))
    found_matched: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(len(SIZE_BANDS_M2) - 1, np.int64)
    )

    def add(self, found: NDArray[np.bool_], truth: NDArray[np.bool_], gsd_m: float) -> None:
        """Count the objects (4-connected components) of one chip; both masks have shape (H, W)."""
        matched_found, found_m2, matched_truth, truth_m2 = _match(found, truth, gsd_m)
        self.truth += _by_band(truth_m2)
        self.truth_matched += _by_band(truth_m2[matched_truth])
        self.found += _by_band(found_m2)
        self.found_matched += _by_band(found_m2[matched_found])

    def as_dict(self) -> dict[str, object]:
        """Return precision, recall and F1 from 20 m², and the recall and precision of each band."""
        large = np.searchsorted(SIZE_BANDS_M2, _SMALLEST_M2)
        recall = _ratio(int(self.truth_matched[large:].sum()), int(self.truth[large:].sum()))
        precision = _ratio(int(self.found_matched[large:].sum()), int(self.found[large:].sum()))
        f1 = None if not recall or not precision else round(2 * recall * precision / (recall + precision), 4)
        return {
            "smallest_m2": _SMALLEST_M2,
            "truth": int(self.truth[large:].sum()),
            "found": int(self.found[large:].sum()),
            "recall": recall,
            "precision": precision,
            "f1": f1,
            "bands": [self._band(index) for index in range(len(self.truth))],
        }

    def _band(self, index: int) -> dict[str, object]:
        low, high = SIZE_BANDS_M2[index], SIZE_BANDS_M2[index + 1]
        return {
            "from_m2": low,
            "to_m2": None if np.isinf(high) else high,
            "truth": int(self.truth[index]),
            "recall": _ratio(int(self.truth_matched[index]), int(self.truth[index])),
            "found": int(self.found[index]),
            "precision": _ratio(int(self.found_matched[index]), int(self.found[index])),
        }


_Areas = NDArray[np.float64]
_Flags = NDArray[np.bool_]


def _match(
    found: NDArray[np.bool_], truth: NDArray[np.bool_], gsd_m: float
) -> tuple[_Flags, _Areas, _Flags, _Areas]:
    found_labels, found_count = ndimage.label(found)
    truth_labels, truth_count = ndimage.label(truth)
    joint = found_labels.astype(np.int64) * (truth_count + 1) + truth_labels
    overlap = np.bincount(joint.ravel(), minlength=(found_count + 1) * (truth_count + 1))
    overlap = overlap.reshape(found_count + 1, truth_count + 1)
    found_px, truth_px = overlap.sum(axis=1)[1:], overlap.sum(axis=0)[1:]
    shared = overlap[1:, 1:]
    iou = shared / np.maximum(found_px[:, None] + truth_px[None, :] - shared, 1)
    same = iou > MATCH_IOU
    return same.any(axis=1), found_px * gsd_m**2, same.any(axis=0), truth_px * gsd_m**2


def _by_band(areas_m2: _Areas) -> NDArray[np.int64]:
    return np.histogram(areas_m2, bins=np.array(SIZE_BANDS_M2))[0].astype(np.int64)


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
