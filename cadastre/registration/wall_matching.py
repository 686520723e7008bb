"""One shift and one overhang between two sets of walls: a vote, then robust least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from vigibati.cadastre.registration.normal_equations import huber, robust_scale, tukey
from vigibati.cadastre.registration.wall_points import WallPoints

_VOTE_CELL_M = 0.5
_VOTE_BLUR_M = 0.75
_MOST_VOTERS = 20_000
_GATES_M = (3.0, 2.5, 2.0, 1.6, 1.3, 1.0, 1.0, 1.0)
_TUKEY_ROUNDS = 3
# The nearest wall or the next mostly faces the right way: more are asked for only where neither does.
_NEIGHBOURS = (2, 12)
_CHUNK = 100_000
_SHIFT_PRIOR_M = 3.0
_OVERHANG_PRIOR_M = 0.5
_AGREES_M = 1.0
_SCORE_GATE_M = 2.0


@dataclass(frozen=True, slots=True)
class Fit:
    """A shift that brings record walls onto footprint walls.

    Attributes:
        shift_m: (2,) float64, to be added to the records' coordinates.
        overhang_m: How far footprints reach beyond records, along the normal; may be negative.
        residual_m: Median of the absolute distances left, overhang taken off; infinite without a match.
        support: Number of blocks of which at least half the wall weight lies within 1 m of its match.
        score: Summed weight of the walls that agree, less where the overhang is strange; fits compete by it.
    """

    shift_m: NDArray[np.float64]
    overhang_m: float
    residual_m: float
    support: int
    score: float


class WallMatcher:
    """Footprint walls, indexed once, that walls of records are fitted to.

    Args:
        walls: Points about 0.5 m apart on the footprints' outlines.
        normals_cosine: Least cosine between the normals of a pair.
    """

    def __init__(self, walls: WallPoints, *, normals_cosine: float) -> None:
        self._walls = walls
        self._tree = KDTree(walls.xy)
        self._cosine = normals_cosine

    def vote(self, records: WallPoints, *, search_m: float) -> NDArray[np.float64]:
        """Return the (2,) shift that most pairs of walls ask for, to about 0.5 m.

        The histogram of the differences of all pairs is the cross-correlation of the two drawings;
        made this way it takes no raster, however large the territory, and normals can be compared.
        """
        voters = records.thinned(_MOST_VOTERS)
        pairs = KDTree(voters.xy).sparse_distance_matrix(self._tree, search_m, output_type="ndarray")
        voter, wall = pairs["i"], pairs["j"]
        if len(pairs) == 0:
            return np.zeros(2)
        agree = np.einsum("ij,ij->i", voters.normals[voter], self._walls.normals[wall]) > self._cosine
        voter, wall = voter[agree], wall[agree]
        shift_m = self._walls.xy[wall] - voters.xy[voter]
        half = int(np.ceil(search_m / _VOTE_CELL_M))
        edges = (np.arange(2 * half + 2) - half - 0.5) * _VOTE_CELL_M
        votes, _, _ = np.histogram2d(
            shift_m[:, 0], shift_m[:, 1], bins=[edges, edges], weights=voters.weights[voter]
        )
        smooth = gaussian_filter(votes, _VOTE_BLUR_M / _VOTE_CELL_M, mode="constant")
        best = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
        return (np.asarray(best, dtype=np.float64) - half) * _VOTE_CELL_M

    def refine(self, records: WallPoints, *, start_m: NDArray[np.float64]) -> Fit:
        """Fit shift and overhang by point-to-line least squares from a start within about 3 m.

        Huber weights first and Tukey weights in the last rounds only: Tukey from the beginning locks
        isolated blocks on a wrong roof.
        """
        unknowns = np.array([*start_m, 0.0])
        for round_, gate_m in enumerate(_GATES_M):
            gap, matched = self.gaps(records, unknowns[:2], gate_m)
            if matched.sum() < len(unknowns):
                break
            residual = gap[matched] - unknowns[2]
            scale = robust_scale(residual)
            last = round_ >= len(_GATES_M) - _TUKEY_ROUNDS
            robust_weight = (tukey if last else huber)(residual / scale)
            weights = records.weights[matched] * robust_weight
            design = records.design[matched]
            prior_m = np.array([_SHIFT_PRIOR_M, _SHIFT_PRIOR_M, _OVERHANG_PRIOR_M])
            damping = np.diag((scale / prior_m) ** 2)
            # Damping pulls the overhang to 0, and holds the shift still along walls that are all parallel.
            pull = np.array([0.0, 0.0, -unknowns[2]])
            normal_matrix = design.T @ (weights[:, np.newaxis] * design) + damping
            rhs = design.T @ (weights * residual) + damping @ pull
            unknowns = unknowns + np.linalg.solve(normal_matrix, rhs)
        return self.scored(records, unknowns[:2], np.zeros((1, 2)), float(unknowns[2]))

    def gaps(
        self, records: WallPoints, shift_m: NDArray[np.float64], gate_m: float
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return how far each record wall is from the nearest footprint wall of the same direction.

        Args:
            records: Walls, not moved.
            shift_m: (2,) or (n, 2), added to their points.
            gate_m: Walls farther than this are no match.

        Returns:
            (n,) distance along the record's outward normal, metres, 0 without a match; (n,) who has one.
        """
        nearest = self._nearest(records, shift_m, gate_m)
        matched = nearest >= 0
        if not matched.any():
            return np.zeros(len(records.xy)), matched
        difference = self._walls.xy[nearest] - (records.xy + shift_m)
        return np.where(matched, np.einsum("ij,ij->i", records.normals, difference), 0.0), matched

    def footprints(
        self, records: WallPoints, shift_m: NDArray[np.float64], gate_m: float
    ) -> NDArray[np.intp]:
        """Return the (n,) footprint that the match of each record wall comes from, -1 without a match."""
        nearest = self._nearest(records, shift_m, gate_m)
        if not (nearest >= 0).any():
            return nearest
        return np.where(nearest >= 0, self._walls.blocks[nearest], -1)

    def _nearest(self, records: WallPoints, shift_m: NDArray[np.float64], gate_m: float) -> NDArray[np.intp]:
        """Return the (n,) nearest footprint wall of the same direction, -1 where none is within the gate."""
        moved = records.xy + shift_m
        if len(self._walls.xy) == 0 or len(moved) == 0:
            return np.full(len(moved), -1, dtype=np.intp)
        # In chunks: with its neighbours a point takes 400 bytes; records without sheets may be millions.
        chunks = np.array_split(np.arange(len(moved)), -(-len(moved) // _CHUNK))
        return np.concatenate(
            [self._nearest_to(moved[chunk], records.normals[chunk], gate_m) for chunk in chunks]
        )

    def _nearest_to(
        self, xy: NDArray[np.float64], normals: NDArray[np.float64], gate_m: float
    ) -> NDArray[np.intp]:
        nearest = np.full(len(xy), -1, dtype=np.intp)
        pending = np.arange(len(xy))
        for neighbours in _NEIGHBOURS:
            distance, wall = self._tree.query(xy[pending], k=neighbours, distance_upper_bound=gate_m)
            in_reach = np.isfinite(distance)
            wall = np.where(in_reach, wall, 0)
            facing = np.einsum("ij,ikj->ik", normals[pending], self._walls.normals[wall]) > self._cosine
            usable = in_reach & facing
            found = usable.any(axis=1)
            nearest[pending[found]] = wall[found, usable[found].argmax(axis=1)]
            pending = pending[~found & in_reach[:, -1]]
        return nearest

    def scored(
        self,
        records: WallPoints,
        shift_m: NDArray[np.float64],
        local_m: NDArray[np.float64],
        overhang_m: float,
    ) -> Fit:
        """Return the fit that a shift, a local displacement (n, 2) and an overhang make."""
        gap, matched = self.gaps(records, shift_m + local_m, _SCORE_GATE_M)
        residual = np.where(matched, np.abs(gap - overhang_m), np.inf)
        agrees = residual <= _AGREES_M
        blocks = int(records.blocks.max(initial=-1)) + 1
        total = np.bincount(records.blocks, records.weights, minlength=blocks)
        agreed = np.bincount(records.blocks[agrees], records.weights[agrees], minlength=blocks)
        return Fit(
            shift_m=shift_m,
            overhang_m=overhang_m,
            residual_m=float(np.median(residual[matched])) if matched.any() else float("inf"),
            support=int(((total > 0) & (agreed >= total / 2)).sum()),
            # A few walls fit almost any place, if all of them may stand 2 m behind their match.
            score=float((records.weights * np.exp(-2 * residual**2)).sum())
            * float(np.exp(-0.5 * (overhang_m / _OVERHANG_PRIOR_M) ** 2)),
        )
