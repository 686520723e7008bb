"""Fingerprints by which a run knows that its inputs and settings are still the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

_SAMPLE_BYTES = 16_384
_SAMPLES = 5


def fingerprint(value: object) -> str:
    """Return the SHA-256 of anything that JSON can say."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def fingerprint_files(paths: Sequence[Path]) -> str:
    """Return a fingerprint of names, sizes and samples of files.

    Reading a département's images to the last byte would take as long as the work itself; five
    samples spread over each file tell a new delivery from the old one. Times of change are left
    out: copies of the same files on several machines are the same.
    """
    digest = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        digest.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as handle:
            for sample in range(_SAMPLES):
                handle.seek(max(0, (size - _SAMPLE_BYTES) * sample // (_SAMPLES - 1)))
                digest.update(handle.read(_SAMPLE_BYTES))
    return digest.hexdigest()
