from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest

import vigibati
from vigibati.configs.errors import InputError, OutputError
from vigibati.workflow.segment import plan_segment
from vigibati.workflow.segmentation_cost import account

ON_CPU = vigibati.RunOptions(device="cpu")


def test_shards_put_together_are_the_whole_and_paths_may_be_text(
    scene: Any, checkpoint: Path, tmp_path: Path
) -> None:
    given = {"checkpoint": str(checkpoint), "run": ON_CPU}
    whole = vigibati.segment(
        str(scene.ortho), out=str(tmp_path / "p.tif"), footprints=str(tmp_path / "f.gpkg"), **given
    )
    out, layer = str(tmp_path / "shards.tif"), str(tmp_path / "shards.gpkg")
    for number in (1, 2):
        share = vigibati.Shard(number, of=2)
        plan = plan_segment([scene.ortho], out=out, footprints=layer, shard=share, **given)
        done = vigibati.segment([scene.ortho], out=out, footprints=layer, shard=share, **given)
        # A picture of one unit: the first share is empty.
        assert (plan.units, plan.finished, done.report.finished) == (number - 1, False, False)
        assert done.footprints is None
        assert account(done.report, done.energy)["energy_wh"] is None
    merged = vigibati.merge(out, footprints=layer)
    assert merged.out == Path(out)
    assert merged.out.read_bytes() == whole.out.read_bytes()
    written = gpd.read_file(layer, layer="footprints")
    assert len(written) == 3
    assert written.equals(gpd.read_file(tmp_path / "f.gpkg", layer="footprints"))


def test_what_is_far_from_the_layer_is_skipped(scene: Any, checkpoint: Path, tmp_path: Path) -> None:
    far = gpd.read_file(scene.parcels).translate(1000, 0)
    gpd.GeoDataFrame({"id": ["13029000AB0013"]}, geometry=far).to_file(tmp_path / "far.gpkg")
    given = {"checkpoint": checkpoint, "run": ON_CPU, "out": tmp_path / "p.tif"}
    assert plan_segment(scene.ortho, only=scene.parcels, **given).skipped_share == 0
    assert plan_segment(scene.ortho, only=tmp_path / "far.gpkg", **given).skipped_share == 1


def test_the_place_of_the_footprints_is_looked_at_before_anything_else(tmp_path: Path) -> None:
    (tmp_path / "f.gpkg").write_bytes(b"")
    with pytest.raises(OutputError, match=r"f\.gpkg: exists and holds no layer 'footprints'"):
        vigibati.segment("nowhere.tif", out=tmp_path / "p.tif", footprints=tmp_path / "f.gpkg")
    with pytest.raises(InputError, match=r"p\.tif: there is no run to put together"):
        vigibati.merge(tmp_path / "p.tif")
