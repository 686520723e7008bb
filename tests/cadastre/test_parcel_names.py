from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigibati.cadastre.parcel_names import parcel_part, without_prefix
from vigibati.configs.territory import ParcelNames, load_territory

FRENCH = load_territory().parcel
BELGIAN = ParcelNames(pattern=r"(?P<sheet>(?P<commune>[0-9]{5})[A-Z])[0-9]{4}/[0-9]{2}[A-Z_][0-9]{3}")
PLAIN = ParcelNames(pattern="(?P<commune>[A-Z]+) [0-9]+")


def ids(*values: str | None) -> pd.Series[str]:
    return pd.Series(values, dtype="str", index=range(10, 10 + len(values)))


@pytest.mark.parametrize(
    ("names", "parcel", "commune", "sheet"),
    [
        (FRENCH, "13029000AB0012", "13029", "13029000AB"),
        (FRENCH, "2A0040000B0001", "2A004", "2A0040000B"),
        (FRENCH, "13029AB0012", None, None),
        (FRENCH, "13029000AB0012\n", None, None),
        (FRENCH, "7541401CS5274S", None, None),
        (FRENCH, None, None, None),
        (BELGIAN, "21305A0001/00A000", "21305", "21305A"),
        (BELGIAN, "13029000AB0012", None, None),
        (PLAIN, "BARNARP 12", "BARNARP", None),
    ],
)
def test_an_identifier_tells_commune_and_sheet(
    names: ParcelNames, parcel: str | None, commune: str | None, sheet: str | None
) -> None:
    given_ids = ids(parcel)
    for part, expected in (("commune", commune), ("sheet", sheet)):
        found = parcel_part(given_ids, part, names)  # type: ignore[arg-type]
        assert found.index.equals(given_ids.index)
        assert str(found.dtype) == "str"
        assert found.tolist() == [expected] or (expected is None and found.isna().all())


def test_no_parcels_tell_nothing() -> None:
    assert parcel_part(ids(), "commune", FRENCH).empty
    assert without_prefix(ids(), FRENCH).empty


def test_the_prefix_is_left_out_where_there_is_one() -> None:
    found = without_prefix(ids("13029123AB0012", "x", None), FRENCH)
    assert found.fillna("-").tolist() == ["13029AB0012", "x", "-"]
    assert without_prefix(ids("21305A0001/00A000"), BELGIAN).tolist() == ["21305A0001/00A000"]


@given(st.from_regex(FRENCH.pattern, fullmatch=True))
def test_what_is_left_without_prefix_is_the_short_form(parcel: str) -> None:
    (short,) = without_prefix(ids(parcel), FRENCH)
    assert short == parcel[:5] + parcel[8:]
    assert ids(short).str.fullmatch(FRENCH.short_pattern or "").all()
