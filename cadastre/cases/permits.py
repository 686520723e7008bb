"""Which permits may explain a case: those granted on its parcel."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from vigibati.cadastre.case_kinds import RECORD_KINDS
from vigibati.cadastre.cases.decisions import touched_mask
from vigibati.cadastre.cases.formality import formality_rows
from vigibati.cadastre.choices import AUTHORISED, OPEN
from vigibati.cadastre.parcel_names import without_prefix
from vigibati.configs.rules import ComparisonRules
from vigibati.configs.territory import ParcelNames


def with_permits(
    cases: gpd.GeoDataFrame,
    permits: pd.DataFrame | None,
    *,
    parcels: gpd.GeoDataFrame | None,
    rules: ComparisonRules,
) -> gpd.GeoDataFrame:
    """Name the newest permit on the parcel of each case, and take it for the explanation if it can be.

    A permit to build may explain what is new, a permit to demolish what is gone. Only the former changes
    a status, from "to review" to "authorised", and only where no person has touched the case: it is no
    explanation if it is older by ``stale_years`` than the last image that does not show the case, or a
    mere declaration where even the least area usually needs a permit. Then it is named all the same.

    Args:
        cases: From `enrich`, with ``last_not_seen`` where older images were read.
        permits: `PERMIT_COLUMNS`, from `read_permits`, of one list or of several one after the other: the
            order does not matter, and what two lists name counts once. None where none are known.
        parcels: All parcels that are known: a permit that names no prefix is passed over where two
            parcels share its commune, section and number.
        rules: Its ``permits`` (types and age), ``legal`` and ``territory`` are used.

    Returns:
        A copy with ``permit``, such as ``PC 01302921K0012 (2021-05-10) + 2``, null where there is none, and
        ``status``.
    """
    status = cases["status"].fillna(OPEN) if "status" in cases else pd.Series(OPEN, index=cases.index)
    if permits is None or cases.empty:
        return cases.assign(permit=pd.Series(np.nan, index=cases.index, dtype="str"), status=status)
    permits = permits.sort_values("permit_date", ascending=False, kind="stable")
    permits = permits.drop_duplicates(["parcel_key", "permit_number"])
    known = cases["parcel_id"] if parcels is None else parcels["parcel_id"]
    is_missing = cases["kind"].isin(RECORD_KINDS)
    types = rules.permits
    building = permits[permits["permit_type"].isin(types.building_types)]
    demolition = permits[permits["permit_type"].isin(types.demolition_types)]
    names = rules.territory.parcel
    named = _newest(building, cases, known, names)
    enough = _newest(building[~building["permit_type"].isin(types.declaration_types)], cases, known, names)
    large = _needs_permit(cases, rules)
    explaining = named.where(~large, enough.assign(more=named["more"]))
    found = explaining.where(explaining["permit_number"].notna(), named)
    found = found.where(~is_missing, _newest(demolition, cases, known, names))
    year = pd.to_numeric(found["permit_date"].str[:4])
    believed = explaining["permit_number"].notna() & ~is_missing
    if "last_not_seen" in cases:
        absent = cases["last_not_seen"].astype("float64")
        believed &= ~(absent - year >= types.stale_years)
    believed &= (status == OPEN) & ~touched_mask(cases)
    return cases.assign(permit=_words(found), status=status.where(~believed, AUTHORISED))


def _needs_permit(cases: gpd.GeoDataFrame, rules: ComparisonRules) -> pd.Series[bool]:
    row = formality_rows(cases, cases["area_low_m2"].to_numpy(dtype=float), rules.legal)
    permit = np.array([*(rule.formality == "permit" for rule in rules.legal), False])
    return pd.Series(permit[row], index=cases.index)


def _newest(
    permits: pd.DataFrame, cases: gpd.GeoDataFrame, known: pd.Series[str], names: ParcelNames
) -> pd.DataFrame:
    """Return the newest permit on each case's parcel, and how many more there are, aligned with the cases.

    ``permits`` come newest first.
    """
    by_parcel = permits.groupby("parcel_key", sort=False)
    newest = by_parcel.head(1).set_index("parcel_key").assign(more=by_parcel.size() - 1)
    whole = cases["parcel_id"]
    of_whole = newest.reindex(whole).set_index(cases.index)
    known = known.drop_duplicates()
    short = without_prefix(known, names)
    alone = short[~short.duplicated(keep=False)]
    key = without_prefix(whole, names).where(lambda keys: keys.isin(alone))
    of_short = newest.reindex(key).set_index(cases.index)
    # The newer of the two, in the rare list that names some parcels with and some without prefix.
    first = of_short["permit_number"].isna() | (of_whole["permit_date"] >= of_short["permit_date"])
    return of_whole.where(first & of_whole["permit_number"].notna(), of_short)


def _words(found: pd.DataFrame) -> pd.Series[str]:
    # Sitadel's numbers may begin with the type.
    kind, number = found["permit_type"], found["permit_number"]
    named = pd.Series(
        np.where(number.str[:2] == kind, number, kind + " " + number), index=found.index, dtype="str"
    )
    dated = named + (" (" + found["permit_date"] + ")").fillna("")
    more = found["more"].fillna(0).astype(int)
    return dated.where(more == 0, dated + " + " + more.astype("str"))
