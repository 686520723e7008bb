"""Wrong input: exit 2, one line that names the file or option, cause and cure, and nothing written."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from vigibati.cli.app import main

# Python itself does not show these unless it is asked to.
HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


def detect(**changed: str) -> list[str]:
    """A good command line, with some of its words replaced."""
    words = {"ortho": "ortho.tif", "records": "records.gpkg", "checkpoint": "model", "out": "out/cases.gpkg"}
    given = {**words, **changed}
    return ["detect", given.pop("ortho"), *_options(given)]


def withheld(**changed: str) -> list[str]:
    words = {"records": "records.gpkg", "checkpoint": "model", "out": "out/result.json"}
    return ["bench", "withheld", "ortho.tif", *_options({**words, **changed})]


def info(records: str, **changed: str) -> list[str]:
    return ["records", "info", records, *_options(changed)]


def train(**changed: str) -> list[str]:
    return ["train", *_options({"config": "recipe.yaml", "data": "chips.csv", "out": "run", **changed})]


def evaluate(**changed: str) -> list[str]:
    words = {"checkpoint": "model", "config": "recipe.yaml", "data": "chips.csv"}
    return ["evaluate", *_options({**words, **changed})]


def wrong(what: str, words: list[str], line: str, *marks: pytest.MarkDecorator) -> Any:
    return pytest.param(words, line, id=what, marks=marks)


def _options(given: dict[str, str]) -> Iterator[str]:
    for name, value in given.items():
        yield from (f"--{name.replace('_', '-')}", value)


no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
no_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")

# What is wrong, how it is given, and all that is said about it (a regular expression).
TABLE = [
    # The image.
    wrong("missing orthophoto", detect(ortho="none.tif"),
     r"none\.tif: cannot be read \(No such file or directory\); give an existing file"),
    wrong("a folder without an orthophoto", detect(ortho="model"),
     r"model: holds no GeoTIFF or JPEG 2000 \(\.tif, .*\); give the folder with the tiles .*"),
    wrong("text saved as .tif", detect(ortho="text.tif"),
     r"text\.tif: not a GeoTIFF or JPEG 2000 \(starts with 'Pas'\); give the image itself"),
    wrong("empty orthophoto", detect(ortho="empty.tif"),
     r"empty\.tif: is empty \(0 bytes\); download it again"),
    wrong("orthophoto cut short", detect(ortho="cut.tif"),
     r"cut\.tif: (is cut short|cannot be opened).*; .*"),
    wrong("a virtual raster under another name", detect(ortho="virtual.tif"),
     r"virtual\.tif: is a VRT, which can point to any file; give the tiles that it names"),
    wrong("orthophoto without CRS", detect(ortho="no_crs.tif"),
     r"no_crs\.tif: has no CRS; say which with --crs EPSG:2154"),
    wrong("orthophoto in degrees", detect(ortho="degrees.tif"),
     r"degrees\.tif: is in EPSG:4326, which does not count in metres; reproject it .*gdalwarp .*"),
    wrong("a CRS that contradicts the file", detect(crs="EPSG:3946"),
     r"ortho\.tif: is in EPSG:2154, --crs says EPSG:3946; leave --crs out, or reproject the file .*"),
    wrong("a CRS that is none", detect(ortho="no_crs.tif", crs="lambert"),
     r"--crs: 'lambert' is no CRS; use a code such as EPSG:2154"),
    wrong("one band instead of three", detect(ortho="grey.tif"),
     r"grey\.tif: lacks a red, green or blue band \(it has gray\); give the colour image.*"),
    # The cadastre.
    wrong("missing records", detect(records="none.gpkg"),
     r"none\.gpkg: is not there; give an existing file or folder"),
    wrong("records of another place", detect(records="far.gpkg"),
     r"far\.gpkg: none of the 1 records lies on the image: records x 800005 to 800015 y 6599985 to 6599995, "
     r"image x 700000 to 700020 y 6599980 to 6600000, both in RGF93 v1 / Lambert-93; give the records .*"),
    wrong("empty records", detect(records="empty.geojson"),
     r"empty\.geojson: holds no polygon.*; give .*"),
    wrong("Lambert-93 numbers in a GeoJSON without CRS", detect(records="lambert.geojson"),
     r"lambert\.geojson: is taken to be in degrees but holds coordinates such as 7000\d\d\.0 65999\d\d\.0; "
     r"declare it: --records-crs EPSG:2154 .*"),
    wrong("records without CRS", detect(records="no_crs.gpkg"),
     r"no_crs\.gpkg: does not say in which CRS its coordinates are; declare it: --records-crs EPSG:2154 .*"),
    wrong("a declared CRS that is none", detect(records_crs="lambert"),
     r"records\.gpkg: was declared to be in 'lambert', which is no known CRS; write it as EPSG:2154"),
    wrong("an unknown format of records", detect(records_format="bdtop"),
     r"--records-format: 'bdtop' is unknown; did you mean 'bdtopo'\?"),
    wrong("a format that the records are not in", detect(records_format="osm"),
     r"records\.gpkg: is not osm: it lacks the column building.* \(columns: none\); leave .*"),
    wrong("records that are no EDIGEO", withheld(fraction="0.5", records_format="edigeo"),
     r"records\.gpkg: is no EDIGEO bundle \(neither .*\); leave --records-format out, or give another file"),
    wrong("a missing mapping", detect(records_mapping="none.yaml"),
     r"none\.yaml: cannot be read \(.*\); give an existing YAML or JSON file"),
    wrong("an unknown key in a mapping", info("column.gpkg", records_mapping="mapping_key.yaml"),
     r"mapping_key\.yaml: key 'record_idd': Extra inputs are not permitted; did you mean 'record_id'\?"),
    wrong("a mapping that names no column",
     detect(records="column.gpkg", records_mapping="mapping_column.yaml"),
     r"column\.gpkg: has no column 'buildin', which the mapping gives as record_id; "
     r"did you mean 'building'\?"),
    wrong("a mapping beside a known format",
     withheld(fraction="0.5", records_format="osm", records_mapping="mapping_column.yaml"),
     r"--records-mapping: does not go with the format osm, whose columns are known; leave one .*"),
    wrong("several layers", info("layers.gpkg"),
     r"layers\.gpkg: holds several polygon layers: houses \(Polygon\), sheds \(Polygon\); "
     r"name one in a mapping \(layer: NAME, --records-mapping\) if it is of records, else export .*"),
    wrong("an archive that leads out of itself", info("edigeo-130290000A01.tar.bz2"),
     r"edigeo-130290000A01\.tar\.bz2: holds '\.\./escaped\.THF', which leads out of the archive; .*"),
    wrong("another archive", info("records.7z"),
     r"records\.7z: is no GeoPackage, .* or GML \(it starts with \"7z.*; convert it to GeoPackage or .*"),
    wrong("text saved as records", detect(records="text.gpkg"),
     r"text\.gpkg: is no GeoPackage, GeoJSON, Shapefile, FlatGeobuf or GML .*; convert it .*"),
    wrong("parcels given as records", detect(records="parcels.gpkg"),
     r"parcels\.gpkg: seems to hold parcels, not buildings \(column 'contenance'\); give it with .*"),
    wrong("missing parcels", detect(parcels="none.gpkg"),
     r"none\.gpkg: is not there; give an existing file or folder"),
    wrong("parcels without identifier", detect(parcels="far.gpkg"),
     r"far\.gpkg: has no column with the parcel's identifier .*; name it 'id' or 'parcel_id'"),
    wrong("zones without their columns", detect(zones="parcels.gpkg"),
     r"parcels\.gpkg: lacks the column LIBELLE, TYPEZONE .*; give the ZONE_URBA layer .*"),
    # The model.
    wrong("missing checkpoint", detect(checkpoint="none"),
     r"none: does not exist; give a folder that holds contract\.json and model\.safetensors"),
    wrong("a pickle instead of safetensors", detect(checkpoint="pickled"),
     r"pickled/model\.safetensors: is a pickle, which can run code when it is read; .*; re-export them .*"),
    wrong("a checkpoint without contract", detect(checkpoint="no_contract"),
     r"no_contract: holds no contract\.json; take the folder again .*"),
    wrong("a contract that does not hold", detect(checkpoint="bad_contract"),
     r"bad_contract: the contract does not hold \(.*key 'gsd_m': .*\); take the folder again .*"),
    wrong("CUDA asked and absent", detect(device="cuda"),
     r"--device cuda: no CUDA device works here; check the driver, or use --device auto or cpu",
     no_cuda),
    wrong("an unknown device", detect(device="tpu"),
     r"--device: 'tpu' is unknown; use auto, cpu, cuda or openvino"),
    # The options.
    wrong("unknown rules", detect(rules="atlantis"),
     r"rules 'atlantis': is not a preset, nor a file; the presets are france; give one of them, .*"),
    wrong("unknown language", detect(lang="de"), r"--lang: 'de' is unknown; use fr or en"),
    wrong("a date that is none", detect(image_date="summer"),
     r"--image-date: 'summer' is no date; write it as 2024-07-01"),
    # The result.
    wrong("a result that is no GeoPackage", detect(out="out/cases.json"),
     r"out/cases\.json: is not the name of a GeoPackage; end the name in \.gpkg"),
    wrong("a result where GDAL would look into an archive", detect(out="out!/cases.gpkg"),
     r"out!/cases\.gpkg: has a '!' in its path, which GDAL takes for an archive; write elsewhere"),
    wrong("a result inside a file", detect(out="text.tif/cases.gpkg"),
     r"text\.tif/cases\.gpkg: cannot be made, because \S*text\.tif is a file; choose another folder"),
    wrong("a result where nobody may write", detect(out="locked/cases.gpkg"),
     r"\S*locked: cannot be written to; choose a folder of yours", no_root),
    wrong("a result that is open elsewhere", detect(out="open.gpkg"),
     r"open\.gpkg: is open in another program \(open\.gpkg-wal lies beside it\); close it there.*"),
    wrong("a result over a file of another kind", detect(out="far.gpkg"),
     r"far\.gpkg: exists and is no list of cases; give another name to --out"),
    wrong("a picture that is no PNG", detect(quicklook="out/look.jpg"),
     r"out/look\.jpg: is not the name of a PNG picture; end the name in \.png"),
    # The other verbs.
    wrong("probabilities that are an image", ["vectorise", "ortho.tif", "--out", "out/f.gpkg"],
     r"ortho\.tif: is no raster of probabilities; give the file that 'vigibati segment' wrote"),
    wrong("missing probabilities", ["vectorise", "none.tif", "--out", "out/f.gpkg"],
     r"none\.tif: cannot be read \(No such file or directory\); give an existing file"),
    wrong("missing footprints", ["register", "none.gpkg", "--records", "records.gpkg", "--out", "out/o.gpkg"],
     r"none\.gpkg: there is no such file; make it with 'vigibati vectorise'"),
    wrong("footprints that are records",
     ["compare", "far.gpkg", "--records", "far.gpkg", "--out", "out/c.gpkg"],
     r"far\.gpkg: holds no layer 'footprints' that can be read .*; make it with 'vigibati vectorise'"),
    wrong("missing records to look at", ["records", "info", "none.json"],
     r"none\.json: is not there; give an existing file or folder"),
    wrong("a commune that is too small", ["synth", "--size-km", "0.01", "--out", "out"],
     r"size_km: is 0\.01; choose between 0\.2 and 20 kilometres"),
    wrong("a commune in a file", ["synth", "--size-km", "0.2", "--out", "text.tif"],
     r"text\.tif: is a file; give the name of a folder"),
    wrong("chips of a ground plan",
     ["synth", "--chips", "3", "--ground-plan", "records.gpkg", "--out", "out"],
     r"--chips: does not go with --ground-plan; leave one of them out"),
    wrong("how much to withhold is not said", withheld(),
     r"--fraction and --count: one of the two is needed; give --fraction 0\.2, say"),
    wrong("a review that is missing", withheld(count="1", reviewed="none.csv"),
     r"none\.csv: there is no such review; give a CSV file with the columns case_id,verdict,note"),
    wrong("a result of a benchmark inside a file", withheld(count="1", out="text.tif/result.json"),
     r"text\.tif/result\.json: cannot be made, because \S*text\.tif is a file; choose another folder"),
    wrong("cases that are missing", ["bench", "planted", "none.gpkg", "--truth", "far.gpkg"],
     r"none\.gpkg: there is no such file; make it with 'vigibati detect'"),
    # Training.
    wrong("missing recipe", train(config="none.yaml"),
     r"none\.yaml: cannot be read \(.*\); give an existing YAML or JSON file"),
    wrong("an unknown key in a recipe", train(config="key.yaml"),
     r"key\.yaml: key 'learning_rat': Extra inputs are not permitted; did you mean 'learning_rate'\?"),
    wrong("a wrong value in a recipe", train(config="value.yaml"),
     r"value\.yaml: key 'augmentation\.hue': Input should be less than or equal to 0\.5; the keys are .*"),
    wrong("a recipe that is no YAML", train(config="text.yaml"),
     r"text\.yaml: does not parse \(.*\); mend the syntax"),
    wrong("a recipe with a tag of Python", train(config="tag.yaml"),
     r"tag\.yaml: does not parse \(.*python/object.*\); mend the syntax"),
    wrong("a recipe of another network", train(config="other.yaml", start_from="model", data="whole.csv"),
     r"model: does not fit the recipe \(.*\); take a recipe of the same network"),
    wrong("an architecture that does not exist", train(config="alien.yaml", data="whole.csv"),
     r"network 'alien' with encoder 'mobilenet_v2': cannot be built \(.*\); use an architecture .*"),
    wrong("a missing manifest", train(data="none.csv"),
     r"none\.csv: there is no such chip manifest; give a CSV file with the columns .*"),
    wrong("a manifest that lacks a column", train(data="columns.csv"),
     r"columns\.csv: columns \['gsd_m'\] are missing; give the columns .*"),
    wrong("a manifest whose ground size is no number", train(data="number.csv"),
     r"number\.csv: line 2: gsd_m 'fine' is no size in metres; give metres per pixel, such as 0\.2"),
    wrong("a manifest with a line cut short", train(data="short.csv"),
     r"short\.csv: line 3 leaves split, gsd_m empty; fill it or remove the line"),
    wrong("a manifest of chips that are not there", train(data="chips.csv"),
     r"chips\.csv: names a\.png, which is not there; copy the chips beside the manifest"),
    wrong("a run inside a file", train(data="whole.csv", out="text.tif"),
     r"text\.tif: cannot be made \(File exists\); give the name of a folder"),
    wrong("no chip to measure on", train(data="learnt.csv"),
     r"recipe 'tiny': names no source with chips of split 'val' \(there are such of: none\); add .*"),
    wrong("a recipe that did not train the model", evaluate(config="other.yaml", data="whole.csv"),
     r"recipe 'tiny': its decoder_channels differ from the contract's; give the recipe that trained it"),
    wrong("nothing to evaluate on", evaluate(data="learnt.csv"),
     r"recipe 'tiny': no validation chip of its sources; add a manifest with --data"),
]  # fmt: skip


@pytest.fixture
def _signals() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _content(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize(("words", "line"), TABLE)
def test_wrong_input_is_told_in_one_line_and_nothing_is_written(
    place: Path,
    words: list[str],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "argv", ["vigibati", *words])
    before = _content(place)
    with pytest.raises(SystemExit) as exit_:
        main()
    out, err = capfd.readouterr()
    assert re.fullmatch(f"vigibati: {line}\n", err), err
    assert (exit_.value.code, out) == (2, "")
    # What pytest keeps to itself would stand on stderr in a real process.
    assert [str(each.message) for each in recwarn if not issubclass(each.category, HIDDEN)] == []
    assert [each.getMessage() for each in caplog.records if each.levelname in {"ERROR", "CRITICAL"}] == []
    assert _content(place) == before
