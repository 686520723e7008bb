from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from vigibati.cadastre.readers import read_records
from vigibati.cadastre.readers.hints import RecordsHints
from vigibati.configs.errors import RecordsError, SettingsError
from vigibati.configs.records_mapping import RecordsMapping, plain_value

LAMBERT = pyproj.CRS.from_epsg(2154)

TEXT = """
record_id: NUM
kind:
  column: CATEGORIE
  values: {1: durable, 02: light, Piscine: pool, Ruine: skip}
created: DATE_SAISIE
updated: [MAJ, MODIFIE]
accuracy_m: PRECISION
sheet_id: FEUILLE
"""


def mapping(tmp_path: Path, text: str = TEXT) -> RecordsMapping:
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    return RecordsMapping.read(path)


def town(path: Path, *, layer: str | None = None, **changed: list[object]) -> Path:
    columns: dict[str, list[object]] = {
        "num": ["a", "b", "c", "d", "e"],
        "categorie": ["01", "2", " PISCINE ", "ruine", "hangar"],
        "date_saisie": ["2011-03-04", "20120405", "04/05/2013", "2014/05/06", "2015"],
        "modifie": [None, None, None, None, "2020-01-01"],
        "precision": [0.5, 1.0, None, 1.0, -1.0],
        "feuille": ["A", "A", "B", "B", "B"],
        **changed,
    }
    outlines = [shapely.box(700_000 + 20 * i, 6_600_000, 700_010 + 20 * i, 6_600_008) for i in range(5)]
    frame = gpd.GeoDataFrame(columns, geometry=outlines, crs=LAMBERT)
    frame.to_file(path, engine="pyogrio", **({} if layer is None else {"layer": layer}))
    return path


@pytest.mark.parametrize("name", ["town.gpkg", "town.geojson", "town.fgb"])
def test_a_mapping_says_what_columns_mean(tmp_path: Path, name: str) -> None:
    hints = RecordsHints(mapping=mapping(tmp_path))
    found = read_records(town(tmp_path / name), crs=LAMBERT, hints=hints)
    records = found.records.sort_values("record_id")
    assert records["record_id"].tolist() == ["a", "b", "c", "e"]
    assert records["kind"].tolist() == ["durable", "light", "pool", "unknown"]
    assert records["created"].fillna("-").tolist() == ["2011-03-04", "2012-04-05", "2013-05-04", "-"]
    assert records["updated"].fillna("-").tolist() == ["-", "-", "-", "2020-01-01"]
    assert records["accuracy_m"].fillna(-1).tolist() == [0.5, 1.0, -1, -1]
    assert records["sheet_id"].tolist() == ["A", "A", "B", "B"]
    assert found.repairs.examples == {"left_out": ("d",)}


def test_only_real_dates_come_out(tmp_path: Path) -> None:
    given = ["1537881477081", "31122018", "2018-13-45", "20180611.0", "29/02/2020"]
    path = town(tmp_path / "t.gpkg", date_saisie=given)
    records = read_records(
        path, hints=RecordsHints(mapping=mapping(tmp_path, "created: DATE_SAISIE"))
    ).records
    assert records["created"].fillna("-").tolist() == ["-", "-", "-", "2018-06-11", "2020-02-29"]


def test_several_columns_of_a_kind_and_every_other_value(tmp_path: Path) -> None:
    text = """
kind:
  - {column: feuille, values: {A: pool}}
  - {column: categorie, values: {hangar: light, "*": durable}}
"""
    records = read_records(
        town(tmp_path / "t.gpkg"), hints=RecordsHints(mapping=mapping(tmp_path, text))
    ).records
    assert records["kind"].tolist() == ["pool", "pool", "durable", "durable", "light"]
    assert records["record_id"].tolist() == [f"t-0000{number}" for number in range(1, 6)]


def test_a_mapping_names_one_layer_of_several(tmp_path: Path) -> None:
    path = town(tmp_path / "town.gpkg", layer="houses")
    town(path, layer="sheds", num=["f", "g", "h", "i", "j"])
    cure = r"name one in a mapping \(layer: NAME, --records-mapping\)"
    with pytest.raises(RecordsError, match=rf"holds several polygon layers: houses .*, sheds .*; {cure}"):
        read_records(path)
    named = RecordsHints(mapping=mapping(tmp_path, "layer: sheds\nrecord_id: num"))
    assert read_records(path, hints=named).records["record_id"].tolist() == ["f", "g", "h", "i", "j"]
    other = RecordsHints(mapping=mapping(tmp_path, "layer: barns"))
    with pytest.raises(
        RecordsError, match=r"holds no layer 'barns' \(layers: houses .*, sheds .*\); name one"
    ):
        read_records(path, hints=other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "record_id: numm",
            r"has no column 'numm', which the mapping gives as record_id; did you mean 'num'\?",
        ),
        (
            "created: zzz",
            "has no column 'zzz', which the mapping gives as created; its columns are num, categ",
        ),
        ("kind: {column: typ, values: {1: pool}}", "has no column 'typ', which the mapping gives as kind; "),
        (
            "record_id: feuille",
            "its column 'feuille' is empty or the same for several records; leave record_id",
        ),
        (
            "record_id: modifie",
            "its column 'modifie' is empty or the same for several records; leave record_id",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    hints = RecordsHints(mapping=mapping(tmp_path, text))
    with pytest.raises(RecordsError, match=message):
        read_records(town(tmp_path / "town.gpkg"), hints=hints)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("record_idd: num", r"key 'record_idd': Extra inputs are not permitted; did you mean 'record_id'\?"),
        ("kind: {colum: a, values: {1: pool}}", r"key 'kind\.0\.colum.*"),
        (
            "kind: {column: a, values: {1: barn}}",
            r"key 'kind\.0\.values\.1': Input should be 'durable', 'light'",
        ),
        ("kind: {column: a, values: {}}", r"key 'kind\.0\.values'"),
        ("- a", "key 'top level'"),
        ("", "key 'top level'"),
        ("!!python/object/apply:os.mkdir [ran]", "does not parse"),
    ],
)
def test_a_mapping_that_does_not_hold_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        mapping(tmp_path, text)


def test_a_mapping_does_not_go_with_a_known_format(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match="does not go with the format osm, whose columns are known; leave"
    ):
        RecordsHints(source_format="osm", mapping=mapping(tmp_path))
    assert RecordsHints(source_format="vector", mapping=mapping(tmp_path)).mapping is not None


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("01", "1"),
        (1, "1"),
        (1.0, "1"),
        ("0", "0"),
        (True, "1"),
        ("No", "0"),
        (" Bâti Dur", "bâti dur"),
        ("2A", "2a"),
    ],
)
def test_values_are_compared_by_their_plain_text(given: object, plain: str) -> None:
    assert plain_value(given) == plain


@given(st.text())
def test_a_plain_value_is_its_own(text: str) -> None:
    assert plain_value(plain_value(text)) == plain_value(text)
