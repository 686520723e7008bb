from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vigibati.configs.errors import SettingsError
from vigibati.datasets.synth.chips import synth_chips


def made(out: Path, *, seed: int = 4, count: int = 6) -> list[dict[str, str]]:
    table = synth_chips(seed=seed, count=count, chip_px=352, out=out)
    with table.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_chips_and_masks_agree_with_their_table(tmp_path: Path) -> None:
    rows = made(tmp_path)
    assert len(rows) == 6
    assert list(rows[0]) == ["path", "mask", "source", "split", "gsd_m", "width", "height", "building_share"]
    shares = []
    for row in rows:
        image, mask = Image.open(tmp_path / row["path"]), Image.open(tmp_path / row["mask"])
        assert (image.size, image.mode, image.format) == ((352, 352), "RGB", "JPEG")
        assert (mask.size, mask.mode, mask.format) == ((352, 352), "L", "PNG")
        classes = np.asarray(mask)
        assert set(np.unique(classes)) <= {0, 1, 2}
        assert float(row["building_share"]) == pytest.approx(float((classes == 1).mean()), abs=1e-4)
        assert (row["source"], row["gsd_m"]) == ("synthetic", "0.2")
        shares.append(float(row["building_share"]))
    assert max(shares) > 0.02


def test_same_seed_same_chips(tmp_path: Path) -> None:
    made(tmp_path / "first", count=2)
    made(tmp_path / "again", count=2)
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*.*"))
    assert len(files) == 5
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_impossible_requests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="at least one chip"):
        synth_chips(seed=1, count=0, out=tmp_path)
    with pytest.raises(SettingsError, match="m wide"):
        synth_chips(seed=1, count=1, chip_px=64, out=tmp_path)
    assert not list(tmp_path.iterdir())
