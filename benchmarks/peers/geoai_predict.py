"""What geoai's other way, ``predict_geotiff``, does with an ordinary orthophoto.

Usage: geoai_predict.py JSON, with ``jpeg`` and ``lossless`` (the same kind of image in two codings),
``model``, ``out`` and ``report``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from geoai.inference import predict_geotiff
from network import Network


def main() -> None:
    """Write what became of an image in JPEG, of the next run to the same file, and of a fresh one."""
    given = json.loads(sys.argv[1])
    network, out = Network(Path(given["model"])), Path(given["out"])

    def to(path: str, target: Path) -> Callable[[], object]:
        return lambda: predict_geotiff(
            network, path, str(target), tile_size=512, overlap=128, device="cpu", verbose=False
        )

    out.unlink(missing_ok=True)
    first = _error(to(given["jpeg"], out))
    left_bytes = out.stat().st_size if out.exists() else None
    again = _error(to(given["lossless"], out))
    fresh = out.with_stem(f"{out.stem}-fresh")
    fresh.unlink(missing_ok=True)
    report = {
        "version": version("geoai-py"),
        "jpeg_ycbcr": first,
        "bytes_left_behind": left_bytes,
        "next_run_to_the_same_file": again,
        "lossless_to_a_fresh_file": _error(to(given["lossless"], fresh)),
    }
    Path(given["report"]).write_text(json.dumps(report), encoding="utf-8")


def _error(run: Callable[[], object]) -> str | None:
    try:
        run()
    except Exception as error:  # noqa: BLE001 - which error it is is what is asked
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    main()
