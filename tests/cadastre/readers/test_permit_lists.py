from __future__ import annotations

from pathlib import Path

import pytest

from vigibati.cadastre.readers import read_permits
from vigibati.configs.errors import RecordsError

SITADEL = """Liste des permis de construire (été 2024)
TYPE_DAU;NUM_DAU;ETAT_DAU;COMM;DATE_REELLE_AUTORISATION;SEC_CADASTRE1;NUM_CADASTRE1;SEC_CADASTRE2;NUM_CADASTRE2;ADR
PC;01302921K0012;2;13029;2021-05-10;A;12p;AB;3;été
DP;01302922K0001;5;13029;10/05/2022;A;0012;;;
PC;cancelled;4;13029;2020-01-01;A;12;;;
PC;no parcel;2;13029;2020-01-01;;;;;
PC;corsican;6;2A004;20200101;0B;1;;;
PC;;2;13029;2020-01-01;A;12;;;
"""
EXPECTED = [
    ("130290A0012", "01302922K0001", "DP", "2022-05-10"),
    ("130290A0012", "01302921K0012", "PC", "2021-05-10"),
    ("13029AB0003", "01302921K0012", "PC", "2021-05-10"),
    ("2A0040B0001", "corsican", "PC", "2020-01-01"),
]


def read(path: Path, content: bytes) -> list[tuple[str, ...]]:
    path.write_bytes(content)
    table = read_permits(path).astype("object")
    return [tuple(row) for row in table.where(table.notna(), None).itertuples(index=False)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_sitadel_in_any_separator_and_encoding(tmp_path: Path, separator: str, encoding: str) -> None:
    text = SITADEL.replace(";", separator)
    assert read(tmp_path / "p.csv", text.encode(encoding)) == EXPECTED


def test_columns_in_lower_case_and_windows_line_ends(tmp_path: Path) -> None:
    title, header, rest = SITADEL.split("\n", 2)
    text = f"{title}\n{header.lower()}\n{rest}".replace("\n", "\r\n")
    assert read(tmp_path / "p.csv", text.encode()) == EXPECTED


HEADER = "COMM;TYPE_DAU;NUM_DAU;ETAT_DAU;DATE_REELLE_AUTORISATION;SEC_CADASTRE1;NUM_CADASTRE1"


def test_na_is_a_section_and_a_short_row_has_empty_cells(tmp_path: Path) -> None:
    rows = ("13029;PC;1;2;2021-05-10;NA;12", "13029;PC;NULL;2;2020-05-10;NB;12", "13029;PC;short")
    assert read(tmp_path / "p.csv", "\n".join((HEADER, *rows)).encode()) == [
        ("13029NA0012", "1", "PC", "2021-05-10"),
        ("13029NB0012", "NULL", "PC", "2020-05-10"),
    ]


def test_a_spreadsheet_made_decimals_of_the_numbers(tmp_path: Path) -> None:
    rows = ("13029.0;PC;7.0;2.0;20210510.0;AB;12.0", "13029.0;PC;8;4.0;20210510.0;AB;13.0")
    read_rows = read(tmp_path / "p.csv", "\n".join((HEADER, *rows)).encode())
    assert read_rows == [("13029AB0012", "7", "PC", "2021-05-10")]


@pytest.mark.parametrize(
    "state",
    [
        *("4", "Annulé", "Refusé", "Rejet tacite", "RETIRE", "Retiré", "Retrait", "Périmé", "Caduc"),
        *("caduque", "Sans suite", "Classé sans suite", "Irrecevable", "Abandonné"),
    ],
)
def test_what_is_not_in_force_is_left_out(tmp_path: Path, state: str) -> None:
    rows = (f"13029;PC;1;{state};2021-05-10;AB;12", "13029;PC;2;Autorisé;2021-05-10;AB;13")
    assert [row[1] for row in read(tmp_path / "p.csv", "\n".join((HEADER, *rows)).encode())] == ["2"]


def test_permits_without_a_parcel_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = (
        "13029;PC;1;2;;AB;12",
        "13029;PC;2;2;;;",
        "13029;PC;3;4;;;",
        "13029;PC;;2;;AB;12",
        "13029;PC;4;2;;B-1;7",
    )
    read(tmp_path / "p.csv", "\n".join((HEADER, *rows)).encode())
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'p.csv'}: 3 of 4 permits name no number or no known parcel, left out"
    ]


def test_a_plain_table_with_the_identifier_of_the_parcel(tmp_path: Path) -> None:
    lines = ('"13029 000 0A 0012",PC 013 029 21 K0012,2021-05-10', "13029000AB0003,x,soon", "here,y,")
    text = "\n".join(("parcel_id,num_permis,date", *lines))
    assert read(tmp_path / "p.csv", text.encode()) == [
        ("130290000A0012", "PC 013 029 21 K0012", "PC", "2021-05-10"),
        ("13029000AB0003", "x", None, None),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; download it again"),
        (
            b"NUM_DAU;COMM\n1;13029\n",
            r"lacks the columns NUM_CADASTRE1, SEC_CADASTRE1 \(columns: NUM_DAU, COMM\)",
        ),
        (b"parcel_id;date\n", r"lacks the columns NUM_DAU"),
        (b"nothing here\n", "lacks the columns COMM, NUM_CADASTRE1, SEC_CADASTRE1, NUM_DAU"),
        (b"NUM_DAU;parcel_id\n", "holds no permit"),
        (b"NUM_DAU;parcel_id\n1;here\n", "none of its 1 rows names a permit in force and a parcel"),
        (b"PK\x03\x04rest", "is no text .*; save it as CSV"),
        (b"NUM_DAU;parcel_id\n1;\x00\n", "is no text"),
        (
            b"NUM_DAU;parcel_id\n1;130290000A0012\n2;\x81\x8d\n",
            "is in an unknown encoding .*; save it as UTF-8",
        ),
        (b'NUM_DAU;parcel_id\n1;"130290000A0012\n', "cannot be read as CSV"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(content)
    with pytest.raises(RecordsError, match=message):
        read_permits(path)


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=r"none\.csv: is not there"):
        read_permits(tmp_path / "none.csv")
