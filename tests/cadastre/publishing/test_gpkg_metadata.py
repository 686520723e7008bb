from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import geopandas as gpd
import pytest

from vigibati.cadastre.publishing.geopackage import publish
from vigibati.cadastre.publishing.gpkg_metadata import STANDARD_URI, read_provenance
from vigibati.configs.errors import InputError


def published(out: Path, document: dict[str, object]) -> Path:
    nothing = gpd.GeoDataFrame(geometry=[], crs="EPSG:2154")
    publish(out, cases=nothing, footprints=nothing, records=nothing, parcels=None, provenance=document)
    return out


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    document: dict[str, object] = {
        "model": "light-1",
        "inputs": [{"file": "ortho.tif", "sha256": "ab" * 32}],
        "energy": {"kwh": 0.25, "method": "rapl"},
        "image_date": date(2023, 7, 1),
        "zones": None,
        "note": "à 20 cm ; 100 m² et/ou plus, voir https://example.org/a",
    }
    out = published(tmp_path / "a#b?c%20.gpkg", document)
    assert read_provenance(out) == document | {"image_date": "2023-07-01"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (Path("/home/jean/ortho.tif"), "ortho.tif"),
        (["vigibati", "detect", "/home/jean dupont/o.tif"], ["vigibati", "detect", "o.tif"]),
        ("vigibati detect /home/jean/o.tif --out=/srv/x/c.gpkg", "vigibati detect o.tif --out=c.gpkg"),
        ("detect '/home/jean dupont/o.tif' ~/r.json", "detect 'o.tif' r.json"),
        (r"C:\Users\jean\o.tif", "o.tif"),
        ({"nested": ("/a/b/", 3)}, {"nested": ["b/", 3]}),
        ("/usr/bin/vigibati info /srv/a/x.json", "vigibati info x.json"),
        ("1/2 et a/b : https://example.org/a", "1/2 et a/b : https://example.org/a"),
    ],
)
def test_no_folder_of_this_machine_travels(tmp_path: Path, given: object, kept: object) -> None:
    assert read_provenance(published(tmp_path / "x.gpkg", {"value": given})) == {"value": kept}


def test_the_document_is_registered_as_the_standard_asks(tmp_path: Path) -> None:
    out = published(tmp_path / "x.gpkg", {})
    with closing(sqlite3.connect(out)) as database:
        rows = database.execute(
            "SELECT md_scope, md_standard_uri, mime_type, reference_scope, table_name "
            "FROM gpkg_metadata m JOIN gpkg_metadata_reference r ON r.md_file_id = m.id"
        ).fetchall()
    assert rows == [("dataset", STANDARD_URI, "application/json", "geopackage", None)]


def test_reading_names_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a file"):
        read_provenance(tmp_path / "absent.gpkg")
    (tmp_path / "text.gpkg").write_text("<html>" * 200)
    with pytest.raises(InputError, match="not a database"):
        read_provenance(tmp_path / "text.gpkg")
    out = published(tmp_path / "x.gpkg", {})
    with closing(sqlite3.connect(out)) as database, database:
        database.execute("DELETE FROM gpkg_metadata_reference")
        database.execute("DELETE FROM gpkg_metadata")
    with pytest.raises(InputError, match="holds no provenance of vigibati"):
        read_provenance(out)
