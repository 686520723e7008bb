"""Agreement of a found mask with a true one, by pixel and by object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vigibati.configs.rules import load_rules
from vigibati.training.metrics.bootstrap import Counts, figure, interval, ratio

MATCH_IOU = 0.5
"""Two objects are the same when their IoU exceeds this: above one half a match is unique by itself."""

MOSTLY = 0.5
"""A found object is real when more than this share of it lies on true ones."""

_SMALLEST_M2 = 20.0


@dataclass(frozen=True, slots=True)
class Objects:
    """Connected objects of one chip (4-connected components), matched one to one.

    Attributes:
        found_labels: (H, W), 1 to F, 0 for none.
        truth_labels: (H, W), 1 to T, 0 for none.
        found_m2: (F,) area of each found object.
        truth_m2: (T,) area of each true object.
        partner: (F,) label of the true object that it is, 0 where it is none.
    """

    found_labels: NDArray[np.int32]
    truth_labels: NDArray[np.int32]
    found_m2: NDArray[np.float64]
    truth_m2: NDArray[np.float64]
    partner: NDArray[np.int64]

    @property
    def real(self) -> NDArray[np.bool_]:
        """(F,), True where more than half of a found object lies on true ones.

        Weaker than a match: two houses in one outline are buildings all the same.
        """
        real: NDArray[np.bool_] = self.found_means(self.truth_labels > 0) > MOSTLY
        return real

    def found_means(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean of values, (H, W), over each found object, (F,)."""
        labels, count = self.found_labels.ravel(), len(self.found_m2) + 1
        sums = np.bincount(labels, weights=values.ravel(), minlength=count)
        means: NDArray[np.float64] = sums[1:] / np.bincount(labels, minlength=count)[1:]
        return means


def match_objects(found: NDArray[np.bool_], truth: NDArray[np.bool_], gsd_m: float) -> Objects:
    """Match the objects of two masks, both of shape (H, W), whose IoU exceeds one half."""
    (found_labels, found_count), (truth_labels, truth_count) = _labels(found), _labels(truth)
    found_px = np.bincount(found_labels.ravel(), minlength=found_count + 1)
    truth_px = np.bincount(truth_labels.ravel(), minlength=truth_count + 1)
    both = (found_labels > 0) & (truth_labels > 0)
    pairs = found_labels[both].astype(np.int64) * (truth_count + 1) + truth_labels[both]
    pair, shared = np.unique(pairs, return_counts=True)
    one, other = pair // (truth_count + 1), pair % (truth_count + 1)
    same = shared > MATCH_IOU * (found_px[one] + truth_px[other] - shared)
    partner = np.zeros(found_count + 1, dtype=np.int64)
    partner[one[same]] = other[same]
    found_m2, truth_m2 = ((pixels[1:] * gsd_m**2).astype(np.float64) for pixels in (found_px, truth_px))
    return Objects(found_labels, truth_labels, found_m2, truth_m2, partner[1:])


def pixel_counts(
    found: NDArray[np.bool_], truth: NDArray[np.bool_], known: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Count the pixels of one chip: true and false positives, false and true negatives.

    Args:
        found: (H, W).
        truth: (H, W).
        known: (H, W), True where the truth is believed.
    """
    kinds = (2 * found.astype(np.int64) + truth)[known]
    true_negative, false_negative, false_positive, true_positive = np.bincount(kinds, minlength=4)
    return np.array([true_positive, false_positive, false_negative, true_negative])


def pixel_figures(per_chip: NDArray[np.int64]) -> dict[str, object]:
    """Return the figures of (N, 4) pixel counts; None where nothing could be counted."""
    true_positive, false_positive, false_negative, true_negative = total = per_chip.sum(axis=0)
    return {
        "iou": figure(_pixel_iou(total)),
        "iou_ci": interval(_pixel_iou, per_chip),
        "precision": figure(ratio(true_positive, true_positive + false_positive)),
        "recall": figure(ratio(true_positive, true_positive + false_negative)),
        "f1": figure(_pixel_f1(total)),
        "f1_ci": interval(_pixel_f1, per_chip),
        "false_positive_share": figure(ratio(false_positive, false_positive + true_negative)),
    }


def object_counts(objects: Objects) -> NDArray[np.int64]:
    """Count the objects of one chip by size band.

    Returns:
        (4, bands): true ones, true ones that were found, found ones, found ones that are true; each
        in the band of its own size.
    """
    is_true = objects.partner > 0
    was_found = objects.partner[is_true] - 1
    sizes = (objects.truth_m2, objects.truth_m2[was_found], objects.found_m2, objects.found_m2[is_true])
    return np.array([np.histogram(areas, bins=np.array(_size_bands_m2()))[0] for areas in sizes])


def object_figures(per_chip: NDArray[np.int64]) -> dict[str, object]:
    """Return the figures of (N, 4, bands) object counts, from 20 m² and for each band."""
    limits_m2 = _size_bands_m2()
    smallest = int(np.searchsorted(limits_m2, _SMALLEST_M2))
    from_smallest = per_chip[:, :, smallest:].sum(axis=2)
    bands = zip(limits_m2[:-1], limits_m2[1:], per_chip.sum(axis=0).T, strict=True)
    return {
        "smallest_m2": _SMALLEST_M2,
        **_object_shares(from_smallest.sum(axis=0)),
        "f1_ci": interval(_object_f1, from_smallest),
        "bands": [
            {"from_m2": low, "to_m2": None if np.isinf(high) else high, **_object_shares(counts)}
            for low, high, counts in bands
        ],
    }


@cache
def _size_bands_m2() -> tuple[float, ...]:
    """Return the limits of the size bands in which French planning law counts, from 0 to infinity."""
    return (0.0, *load_rules().bands_m2, np.inf)


def _labels(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    labels = np.zeros(mask.shape, dtype=np.int32)
    return labels, int(ndimage.label(mask, output=labels))


def _object_shares(counts: Counts) -> dict[str, object]:
    truth, truth_matched, found, found_matched = counts
    return {
        "truth": int(truth),
        "found": int(found),
        "recall": figure(ratio(truth_matched, truth)),
        "precision": figure(ratio(found_matched, found)),
        "f1": figure(_object_f1(counts)),
    }


def _pixel_iou(counts: Counts) -> Counts:
    return ratio(counts[..., 0], counts[..., :3].sum(axis=-1))


def _pixel_f1(counts: Counts) -> Counts:
    return ratio(2 * counts[..., 0], 2 * counts[..., 0] + counts[..., 1] + counts[..., 2])


def _object_f1(counts: Counts) -> Counts:
    recall, precision = ratio(counts[..., 1], counts[..., 0]), ratio(counts[..., 3], counts[..., 2])
    both_none = (recall == 0) & (precision == 0)
    return np.where(both_none, 0.0, ratio(2 * recall * precision, recall + precision))
