"""One folder with good files and with everything that can be wrong with them."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import tarfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import yaml
from affine import Affine
from shapely.geometry import box

from vigibati.configs.contract import ModelContract
from vigibati.inference.model.checkpoint import save_checkpoint
from vigibati.inference.model.network import build_network

LEFT, TOP = 700_000.0, 6_600_000.0
HOUSE = box(LEFT + 5, TOP - 15, LEFT + 15, TOP - 5)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, contract: Callable[..., ModelContract]) -> Path:
    """Where every test runs; none of them may change it."""
    folder = tmp_path_factory.mktemp("place")
    _images(folder)
    _records(folder)
    _models(folder, contract)
    _recipes(folder)
    _manifests(folder)
    for name in ("text.tif", "text.gpkg", "text.yaml"):
        (folder / name).write_text("Pas une image: [\n", encoding="utf-8")
    (folder / "open.gpkg-wal").touch()
    (folder / "locked").mkdir(mode=0o500)
    return folder


def _images(folder: Path) -> None:
    profile = {"driver": "GTiff", "width": 100, "height": 100, "dtype": "uint8", "count": 3, "crs": 2154}
    profile |= {"transform": Affine(0.2, 0, LEFT, 0, -0.2, TOP), "photometric": "rgb"}
    files: dict[str, dict[str, Any]] = {
        "ortho.tif": {},
        "no_crs.tif": {"crs": None},
        "degrees.tif": {"crs": 4326, "transform": Affine(1e-6, 0, 5, 0, -1e-6, 43)},
        "grey.tif": {"count": 1, "photometric": "minisblack"},
    }
    for name, changes in files.items():
        used = {**profile, **changes}
        with rasterio.open(folder / name, "w", **used) as raster:
            raster.write(np.full((used["count"], 100, 100), 90, dtype=np.uint8))
    (folder / "empty.tif").touch()
    (folder / "cut.tif").write_bytes((folder / "ortho.tif").read_bytes()[:9000])
    (folder / "virtual.tif").write_text("<VRTDataset rasterXSize='1' rasterYSize='1'/>", encoding="utf-8")


def _records(folder: Path) -> None:
    def write(name: str, outline: Any, crs: str | None = "EPSG:2154", **columns: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a missing CRS is the point
            gpd.GeoDataFrame(columns, geometry=[outline], crs=crs).to_file(folder / name)

    write("records.gpkg", HOUSE)
    write("far.gpkg", box(800_005, TOP - 15, 800_015, TOP - 5))
    write("no_crs.gpkg", HOUSE, crs=None)
    write("parcels.gpkg", HOUSE, id=["130290000A0001"], contenance=[100])
    write("column.gpkg", HOUSE, building=["Mairie"])
    (folder / "records.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(60))
    (folder / "mapping_key.yaml").write_text("record_idd: num\n", encoding="utf-8")
    (folder / "mapping_column.yaml").write_text("record_id: buildin\n", encoding="utf-8")
    for name in ("houses", "sheds"):
        gpd.GeoDataFrame(geometry=[HOUSE], crs="EPSG:2154").to_file(folder / "layers.gpkg", layer=name)
    with tarfile.open(folder / "edigeo-130290000A01.tar.bz2", "w:bz2") as archive:
        archive.addfile(tarfile.TarInfo("../escaped.THF"))
    feature = {"type": "Feature", "properties": {}, "geometry": HOUSE.__geo_interface__}
    for name, features in (("lambert.geojson", [feature]), ("empty.geojson", [])):
        text = json.dumps({"type": "FeatureCollection", "features": features})
        (folder / name).write_text(text, encoding="utf-8")


def _models(folder: Path, contract: Callable[..., ModelContract]) -> None:
    network = build_network(
        architecture="unet", encoder="mobilenet_v2", decoder_channels=(4,) * 5, bands=3, classes=1
    )
    made = contract(architecture="unet", decoder_channels=(4,) * 5)
    save_checkpoint(network, made, folder / "model")
    for name in ("pickled", "no_contract", "bad_contract"):
        shutil.copytree(folder / "model", folder / name)
    (folder / "pickled" / "model.safetensors").write_bytes(pickle.dumps(_Bomb(), protocol=4))
    (folder / "no_contract" / "contract.json").unlink()
    file = folder / "bad_contract" / "contract.json"
    text = file.read_text(encoding="utf-8").replace('"gsd_m": 0.2', '"gsd_m": -0.2')
    file.write_text(text, encoding="utf-8")


class _Bomb:
    """Whoever unpickles it finds a folder named "ran"."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("ran",)


def _recipes(folder: Path) -> None:
    good = {
        "name": "tiny",
        "architecture": "unet",
        "encoder": "mobilenet_v2",
        "decoder_channels": [4] * 5,
        "class_names": ["building"],
        "gsd_m": 0.2,
        "margin_px": 32,
        "crop_px": 32,
        "batch_size": 1,
        "steps_per_epoch": 1,
        "epochs": 1,
        "learning_rate": 0.001,
        "weight_decay": 0.0,
        "ema_decay": 0.9,
        "seed": 1,
        "sources": {"a": {"weight": 1.0, "labels": ["building"]}},
    }
    changes: dict[str, dict[str, Any]] = {
        "recipe": {},
        "key": {"learning_rat": 0.1},
        "value": {"augmentation": {"hue": 0.7}},
        "other": {"decoder_channels": [8] * 5},
        "alien": {"architecture": "alien"},
    }
    for name, change in changes.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({**good, **change}), encoding="utf-8")
    (folder / "tag.yaml").write_text('name: !!python/object/apply:os.mkdir ["ran"]\n', encoding="utf-8")


def _manifests(folder: Path) -> None:
    head = "path,mask,source,split,gsd_m\n"
    rows = {
        "chips.csv": f"{head}a.png,b.png,a,val,0.2\n",
        "columns.csv": "path,mask,source,split\na.png,b.png,a,train\n",
        "number.csv": f"{head}a.png,b.png,a,train,fine\n",
        "short.csv": f"{head}a.png,b.png,a,train,0.2\na.png,b.png,a\n",
        "learnt.csv": f"{head}ortho.tif,grey.tif,a,train,0.2\n",
        "whole.csv": f"{head}ortho.tif,grey.tif,a,train,0.2\northo.tif,grey.tif,a,val,0.2\n",
    }
    for name, text in rows.items():
        (folder / name).write_text(text, encoding="utf-8")
