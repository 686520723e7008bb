from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyproj
import pytest
import shapely

from vigibati.cadastre.readers import read_parcels, read_records
from vigibati.cadastre.readers.hints import RecordsHints
from vigibati.configs.errors import RecordsError
from vigibati.configs.records_mapping import RecordsMapping

LAMBERT = pyproj.CRS.from_epsg(2154)
NAME = "edigeo-130290000A01.tar.bz2"

LUXIOL = {
    "25354000AB01": (14, 0),
    "25354000ZC01": (78, 24),
    "25354000ZD01": (22, 1),
    "25354000ZE01": (61, 4),
    "25354000ZH01": (80, 40),
    "25354000ZI01": (46, 16),
}


@pytest.fixture(scope="session")
def sheets(shared_data: Path) -> Path:
    return shared_data / "cadastre" / "edigeo"


def bundle(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:bz2") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def box(east: float, north: float, width: float, height: float) -> shapely.Polygon:
    return shapely.box(866_000 + east, 6_277_000 + north, 866_000 + east + width, 6_277_000 + north + height)


SHEET = [
    ("SUBDSECT_id", box(0, 0, 200, 200), {"COPL": "03", "EOR": "2000", "IDU": "029000AA01", "QUPL": "02"}),
    ("PARCELLE_id", box(0, 0, 100, 100), {"IDU": "029000AA0001", "SUPF": "10020", "TEX": "1"}),
    ("BATIMENT_id", box(10, 10, 12, 9), {"DUR": "01"}),
    ("BATIMENT_id", box(50, 10, 4, 3), {"DUR": "02", "TEX": "Hôtel"}),
    ("TSURF_id", box(60, 60, 8, 4), {"SYM": "65"}),
    ("TSURF_id", box(70, 70, 30, 20), {"SYM": "34"}),
]


def test_a_small_sheet(tmp_path: Path, write_edigeo: Callable[..., Path]) -> None:
    found = read_records(write_edigeo(tmp_path / "edigeo-13029000AA01.tar.bz2", SHEET))
    records = found.records
    # The pond (34) is no pool.
    assert records["kind"].tolist() == ["durable", "light", "pool"]
    names = ["13029000AA01-b00001", "13029000AA01-b00002", "13029000AA01-p00001"]
    assert records["record_id"].tolist() == names
    assert records.area.tolist() == [108, 12, 32]
    assert set(records["sheet_id"]) == {"13029000AA01"}
    assert set(records["sheet_quality"]) == {"02/03"}
    assert set(records["sheet_scale"]) == {2000}
    assert records["accuracy_m"].tolist() == pytest.approx([0.8] * 3)
    assert set(records["created"]) == {"2011-02-28"}
    assert set(records["updated"]) == {"2018-06-11"}
    assert found.parcels is not None
    assert found.parcels["parcel_id"].tolist() == ["13029000AA0001"]
    assert found.parcels["area_declared_m2"].tolist() == [10_020]
    assert found.crs_origin == "LAMB93 in the GEO file of the bundle"
    assert found.repairs.counts == {}


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ("LAMB93", 2154),
        ("RGF93CC44", 3944),
        ("RGAF09UTM20", 5490),
        ("GUAD48UTM20", 2970),
        ("GUADFM49U20", 2969),
        ("MART38UTM20", 2973),
        ("RGFG95UTM22", 2972),
        ("UTM22RGFG95", 2972),
        ("RGR92UTM40S", 2975),
        ("RGM04UTM38S", 4471),
    ],
)
def test_the_crs_of_the_sheet_is_forced(
    tmp_path: Path, write_edigeo: Callable[..., Path], stated: str, code: int
) -> None:
    path = write_edigeo(tmp_path / "edigeo-97411000AA01.tar.bz2", SHEET, crs=stated)
    found = read_records(path)
    assert found.records.crs.to_epsg() == code
    assert found.records.total_bounds.tolist() == [866_010, 6_277_010, 866_068, 6_277_064]
    assert read_records(path, hints=RecordsHints(declared_crs="EPSG:2975")).records.crs.to_epsg() == 2975


def test_sheets_in_a_conic_projection_have_a_name_of_their_own(
    tmp_path: Path, write_edigeo: Callable[..., Path]
) -> None:
    path = write_edigeo(tmp_path / "edigeo-cc-13029000AA01.tar.bz2", SHEET, crs="RGF93CC44")
    assert set(read_records(path).records["sheet_id"]) == {"13029000AA01"}
    write_edigeo(tmp_path / "edigeo-13029000AA01.tar.bz2", SHEET)
    with pytest.raises(
        RecordsError, match=r"is there a second time as edigeo-13029000AA01\.tar\.bz2; remove one"
    ):
        read_records(tmp_path)


def test_a_mapping_does_not_go_with_edigeo(tmp_path: Path, write_edigeo: Callable[..., Path]) -> None:
    path = write_edigeo(tmp_path / "edigeo-13029000AA01.tar.bz2", SHEET)
    hints = RecordsHints(mapping=RecordsMapping(other_kind="durable"))
    for given, what in ((path, "EDIGEO"), (tmp_path, "a folder")):
        message = f"is {what}: a mapping goes with one vector file alone.*; leave --records-mapping out"
        with pytest.raises(RecordsError, match=message):
            read_records(given, hints=hints)


def test_both_kinds_in_a_folder_are_told_apart_by_the_format(
    tmp_path: Path, write_edigeo: Callable[..., Path]
) -> None:
    write_edigeo(tmp_path / "edigeo-13029000AA01.tar.bz2", SHEET)
    (tmp_path / "cadastre-13029-batiments.json").write_text("{}")
    with pytest.raises(RecordsError, match="say which with --records-format, or keep one of the two"):
        read_records(tmp_path)
    assert len(read_records(tmp_path, hints=RecordsHints(source_format="edigeo")).records) == 3


@pytest.mark.shared
def test_cornillon_confoux(sheets: Path) -> None:
    found = read_records(sheets / NAME, crs=LAMBERT)
    records = found.records
    assert found.source_format == "edigeo"
    assert records["kind"].value_counts().to_dict() == {"durable": 155, "light": 84, "pool": 37}
    assert records.loc[records["kind"] == "pool"].area.median() == pytest.approx(40.5, abs=0.1)
    assert set(records["sheet_id"]) == {"130290000A01"}
    assert set(records["sheet_quality"]) == {"01/01"}
    assert set(records["sheet_scale"]) == {2500.0}
    assert records["accuracy_m"].tolist() == pytest.approx([1.0] * 276)
    assert records["record_id"].is_unique
    assert records["created"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert records.crs.to_epsg() == 2154
    assert found.parcels is not None
    assert len(found.parcels) == 389
    assert "130290000A0215" in set(found.parcels["parcel_id"])
    assert found.parcels["parcel_id"].str.len().eq(14).all()
    assert (found.parcels["area_declared_m2"] / found.parcels.area).median() == pytest.approx(
        1.007, abs=0.001
    )
    assert found.sheets is not None
    assert found.sheets["sheet_id"].tolist() == ["130290000A01"]
    assert found.repairs.counts == {}


@pytest.mark.shared
def test_the_folder_of_luxiol_at_once(sheets: Path, tmp_path: Path) -> None:
    for name in LUXIOL:
        shutil.copy(sheets / f"edigeo-{name}.tar.bz2", tmp_path)
    found = read_records(tmp_path, crs=LAMBERT)
    assert len(found.paths) == 6
    assert found.sheets is not None
    assert found.parcels is not None
    buildings = found.records[found.records["kind"] != "pool"]
    assert (found.records["kind"] == "pool").sum() == 1
    for name, (parcels, count) in LUXIOL.items():
        assert (buildings["sheet_id"] == name).sum() == count
        assert (found.parcels["parcel_id"].str.slice(0, 10) == name[:10]).sum() == parcels
    assert found.records["record_id"].is_unique
    assert sorted(found.sheets["sheet_id"]) == list(LUXIOL)


@pytest.mark.shared
def test_an_unpacked_bundle_reads_the_same(sheets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "edigeo-25354000ZH01"
    with tarfile.open(sheets / "edigeo-25354000ZH01.tar.bz2") as archive:
        archive.extractall(folder, filter="data")
    packed = read_records(sheets / "edigeo-25354000ZH01.tar.bz2")
    assert read_records(folder).records.equals(packed.records)
    assert read_records(tmp_path).records.equals(packed.records)
    assert read_parcels(folder, crs=LAMBERT).equals(packed.parcels)
    shutil.copy(sheets / "edigeo-25354000ZH01.tar.bz2", tmp_path)
    with pytest.raises(RecordsError, match="a second time as edigeo-25354000ZH01; remove one"):
        read_records(tmp_path)


@pytest.mark.shared
def test_a_sheet_without_building_has_parcels_but_no_records(sheets: Path) -> None:
    path = sheets / "edigeo-25354000AB01.tar.bz2"
    assert len(read_parcels(path, crs=LAMBERT)) == 14
    with pytest.raises(RecordsError, match="holds no polygon of a building"):
        read_records(path, crs=LAMBERT)


@pytest.mark.shared
def test_the_crs_asked_for_is_given(sheets: Path) -> None:
    conic = pyproj.CRS.from_epsg(3947)
    found = read_records(sheets / "edigeo-25354000ZH01.tar.bz2", crs=conic)
    assert found.records.crs == conic
    lambert = read_records(sheets / "edigeo-25354000ZH01.tar.bz2", crs=LAMBERT)
    assert found.records.to_crs(LAMBERT).total_bounds == pytest.approx(
        lambert.records.total_bounds, abs=0.001
    )


@pytest.mark.shared
def test_a_truncated_bundle_is_refused(sheets: Path, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes((sheets / NAME).read_bytes()[:100_000])
    with pytest.raises(RecordsError, match=r"is no whole tar\.bz2 archive .*; download it again"):
        read_records(path, crs=LAMBERT)


@pytest.mark.parametrize("name", ["edigeo.tar.bz2", "edigeo-13029.tar.bz2", "sheet-130290000A01.tar.bz2"])
def test_the_name_must_tell_the_commune(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordsError, match="is not named as an EDIGEO bundle"):
        read_records(bundle(tmp_path / name, {"E0000A01.THF": b""}), crs=LAMBERT)


@pytest.mark.parametrize("count", [0, 2])
def test_one_sheet_a_bundle(tmp_path: Path, count: int) -> None:
    path = bundle(tmp_path / NAME, {f"E{number}.THF": b"" for number in range(count)})
    with pytest.raises(RecordsError, match=f"holds {count} THF files instead of one"):
        read_records(path, crs=LAMBERT)


@pytest.mark.parametrize(("geo", "stated"), [(b"RELSA06:NTFLAM\n", "NTFLAM"), (b"", "nothing")])
def test_an_unknown_crs_is_refused(tmp_path: Path, geo: bytes, stated: str) -> None:
    path = bundle(tmp_path / NAME, {"E0000A01.THF": b"", "ED.GEO": geo})
    with pytest.raises(RecordsError, match=f"states as CRS {stated}, which is not known"):
        read_records(path, crs=LAMBERT)


def test_rubbish_inside_is_refused(tmp_path: Path) -> None:
    path = bundle(tmp_path / NAME, {"E0000A01.THF": b"BOMT 12:E0000A01.THF", "ED.GEO": b"RELSA06:LAMB93\n"})
    with pytest.raises(RecordsError, match="cannot be read as EDIGEO"):
        read_records(path, crs=LAMBERT)


def test_a_link_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with tarfile.open(path, "w:bz2") as archive:
        link = tarfile.TarInfo("E0000A01.THF")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(RecordsError, match=r"holds 'E0000A01.THF', which is no plain file"):
        read_records(path, crs=LAMBERT)


def test_a_member_outside_the_folder_is_refused(tmp_path: Path) -> None:
    path = bundle(tmp_path / NAME, {"../escaped.THF": b"x"})
    message = r"holds '\.\./escaped\.THF', which leads out of the archive; download the sheet again"
    with pytest.raises(RecordsError, match=message):
        read_records(path, crs=LAMBERT)
    assert not (tmp_path.parent / "escaped.THF").exists()


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = bundle(tmp_path / NAME, {"ED.VEC": bytes(20 * 1024**2)})
    with pytest.raises(RecordsError, match="unpacks to more than 16 MiB"):
        read_records(path, crs=LAMBERT)


def test_edigeo_and_etalab_side_by_side_are_refused(tmp_path: Path) -> None:
    bundle(tmp_path / NAME, {})
    (tmp_path / "cadastre-13029-batiments.json").write_text("{}")
    with pytest.raises(RecordsError, match="both EDIGEO and Etalab"):
        read_records(tmp_path, crs=LAMBERT)
