"""Whether what is said to be seven in ten comes true seven times in ten."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vigibati.training.metrics.bootstrap import Counts, figure, interval, ratio

PIXEL_BINS: Final = 15
OBJECT_BINS: Final = 10


def reliability_counts(
    probabilities: NDArray[np.floating], real: NDArray[np.bool_], bins: int
) -> NDArray[np.float64]:
    """Sort probabilities into bins of equal width between 0 and 1.

    Args:
        probabilities: (N,), 0-1.
        real: (N,), True where it came true.
        bins: Number of bins.

    Returns:
        (4, bins): how many, the sum of their probabilities, how many came true, and the sum of
        p·(1-p), the variance of that number if every probability were right.
    """
    bin_index = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    weights = (None, probabilities, real, probabilities * (1 - probabilities))
    return np.array(
        [np.bincount(bin_index, weights=weight, minlength=bins) for weight in weights], dtype=float
    )


def in_half(counts: NDArray[np.float64], *, first: bool) -> NDArray[np.float64]:
    """Return counts (..., bins) as (..., 2, bins), in the bins of their half of the chips.

    The halves are judged by two calibrations whose errors, one saying too much and the other too
    little, would cancel in common bins.
    """
    halves = (counts, np.zeros_like(counts)) if first else (np.zeros_like(counts), counts)
    return np.stack(halves, axis=-2)


def calibration_error(counts: Counts) -> Counts:
    """Return the expected calibration error (ECE, Naeini et al. 2015) of (..., 4, 2, bins) counts.

    The mean, over everything that was counted, of the gap between the mean probability of its bin
    and the share of it that came true.
    """
    gaps = np.abs(counts[..., 1, :, :] - counts[..., 2, :, :]).sum(axis=(-2, -1))
    return ratio(gaps, counts[..., 0, :, :].sum(axis=(-2, -1)))


def reliability_figures(
    before: NDArray[np.float64], after: NDArray[np.float64] | None, *, independent: bool
) -> dict[str, object]:
    """Return the calibration error and the bins before and after calibration.

    Args:
        before: (N, 4, 2, bins) counts of each chip, as ``in_half``.
        after: The same after calibration; None without one.
        independent: Whether what was counted is, so that chance can be told: a small number of
            objects shows gaps even where every probability is right.

    Returns:
        The error of all, and under "halves" that of each half alone, with how many were counted;
        the bins are those of both halves together, for a picture.
    """
    values: dict[str, object] = {"count": int(before[:, 0].sum())}
    for end, counts in (("_before", before), ("", after)):
        total = None if counts is None else counts.sum(axis=0)
        values[f"ece{end}"] = None if total is None else figure(calibration_error(total))
        values[f"ece{end}_ci"] = None if counts is None else interval(calibration_error, counts)
        if independent:
            values[f"ece{end}_by_chance"] = None if total is None else figure(_by_chance(total))
        values[f"bins{end}"] = None if total is None else _bins(total.sum(axis=1))
    values["halves"] = (
        None if after is None else [_half(after[:, :, [half]], independent=independent) for half in (0, 1)]
    )
    return values


def _half(counts: NDArray[np.float64], *, independent: bool) -> dict[str, object]:
    total = counts.sum(axis=0)
    values: dict[str, object] = {"count": int(total[0].sum()), "ece": figure(calibration_error(total))}
    return values | ({"ece_by_chance": figure(_by_chance(total))} if independent else {})


def _by_chance(counts: Counts) -> Counts:
    """Return the error that right probabilities would show, each bin's gap being about normal."""
    gaps = np.sqrt(2 / math.pi * counts[3]).sum()
    return ratio(gaps, counts[0].sum())


def _bins(counts: Counts) -> list[list[float]]:
    """Return for every bin that holds anything: how many, mean probability, share that came true."""
    number, probability, real, _ = counts
    return [
        [
            int(number[index]),
            round(probability[index] / number[index], 4),
            round(real[index] / number[index], 4),
        ]
        for index in np.flatnonzero(number)
    ]
