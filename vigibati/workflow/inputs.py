"""What a comparison reads beside the image, checked before any long work begins."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyproj

from vigibati.cadastre.cases.decisions import touched_mask
from vigibati.cadastre.crs import working_crs
from vigibati.cadastre.readers import (
    read_parcels,
    read_permits,
    read_protected,
    read_records,
    read_risk_zones,
    read_zones,
)
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.repair import repair_polygons
from vigibati.cadastre.sheets import assign_sheets, check_overlap, elsewhere
from vigibati.cadastre.tables import RecordSet
from vigibati.configs.errors import InputError, RasterError, RecordsError
from vigibati.configs.paths import as_path, as_paths
from vigibati.configs.territory import Territory
from vigibati.workflow.layer_files import read_layer
from vigibati.workflow.options import ContextPaths

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class CadastralInputs:
    """Records with their sheets, and the context that was given, in one projected CRS.

    Attributes:
        record_set: As read, with the repairs that were made.
        records: Its records, each with a ``sheet_id``.
        parcels: Parcels, from their own file or from the records' source; None if neither has any.
        zones: Planning zones; None if not given.
        paths: Every file that was read.
        risk: Risk plans, a table each.
        protected: Protected sectors, a table each file.
        permits: Permits; None if not given.
        previous: Cases of an earlier run; None if not given.
    """

    record_set: RecordSet
    records: gpd.GeoDataFrame
    parcels: gpd.GeoDataFrame | None
    zones: gpd.GeoDataFrame | None
    paths: tuple[Path, ...]
    risk: tuple[gpd.GeoDataFrame, ...] = ()
    protected: tuple[gpd.GeoDataFrame, ...] = ()
    permits: pd.DataFrame | None = None
    previous: gpd.GeoDataFrame | None = None


def read_cadastral_inputs(
    *,
    records: Path,
    parcels: Path | None,
    crs: pyproj.CRS,
    hints: RecordsHints = NO_HINTS,
    context: ContextPaths = ContextPaths(),
    territory: Territory | None = None,
) -> CadastralInputs:
    """Read and check everything cadastral.

    Args:
        records: Path of the records.
        parcels: Path of the parcels, or None to take those of the records' source.
        crs: Projected CRS in which everything comes back.
        hints: What overrides the files of the records; the CRS that is declared holds for the parcels too.
        context: Further files about the places.
        territory: Whose legal CRSs and parcels are meant; those of France when None.

    Raises:
        InputError: Something cannot be read, or the parcels are of another place than the records.
    """
    previous = as_path(context.previous)
    record_set = read_records(records, crs=crs, hints=hints, territory=territory)
    own_parcels = record_set.parcels
    if parcels is not None:
        own_parcels = read_parcels(parcels, crs=crs, declared_crs=hints.declared_crs)
        _refuse_elsewhere(own_parcels, parcels, record_set.records, records)
    told = partial(_told_if_elsewhere, records=record_set.records)
    zone_layers = [told(read_zones(path, crs=crs), path) for path in as_paths(context.zones)]
    permits = [read_permits(path, territory=territory) for path in as_paths(context.permits)]
    return CadastralInputs(
        record_set=record_set,
        records=assign_sheets(
            record_set.records, sheets=record_set.sheets, parcels=own_parcels, territory=territory
        ),
        parcels=own_parcels,
        zones=pd.concat(zone_layers, ignore_index=True) if zone_layers else None,
        paths=tuple(dict.fromkeys([*record_set.paths, *([parcels] if parcels else []), *context.all])),
        risk=tuple(
            told(plan, path) for path in as_paths(context.risk) for plan in read_risk_zones(path, crs=crs)
        ),
        protected=tuple(told(read_protected(path, crs=crs), path) for path in as_paths(context.protected)),
        permits=pd.concat(permits, ignore_index=True) if permits else None,
        previous=None if previous is None else _read_previous(previous, crs),
    )


def read_with_footprints(
    footprints: Path,
    *,
    records: Path,
    parcels: Path | None,
    hints: RecordsHints = NO_HINTS,
    context: ContextPaths = ContextPaths(),
    territory: Territory | None = None,
) -> tuple[gpd.GeoDataFrame, CadastralInputs]:
    """Read footprints, and everything cadastral in the CRS to work in at their place.

    Args:
        footprints: GeoPackage of ``vigibati vectorise``.
        records: Path of the records.
        parcels: Path of the parcels, or None to take those of the records' source.
        hints: What overrides the files of the records.
        context: Further files about the places.
        territory: Whose legal CRSs and parcels are meant; those of France when None.

    Returns:
        Footprints and inputs, in one projected CRS.

    Raises:
        InputError: Something cannot be read, the footprints have no CRS, or some were found and not one
            record lies within their extent.
    """
    table = read_layer(footprints, layer="footprints", made_by="vectorise")
    if table.crs is None:
        raise RasterError(footprints, "has no CRS", "make it again from an orthophoto that has one")
    found = table.to_crs(working_crs(table.crs, tuple(table.total_bounds), territory=territory))
    inputs = read_cadastral_inputs(
        records=records, parcels=parcels, crs=found.crs, hints=hints, context=context, territory=territory
    )
    if len(found):
        west, south, east, north = found.total_bounds
        check_overlap(
            inputs.records,
            (west, south, east, north),
            bounds_crs=found.crs,
            path=records,
            of="footprints",
        )
    return found, inputs


def tell_of_earlier_decisions(inputs: CadastralInputs, path: Path | None) -> None:
    """Log how many cases of an earlier list a person has touched, because a new list does not repeat that.

    Args:
        inputs: With the earlier list.
        path: Path of that list, named in the log.
    """
    if inputs.previous is not None and (count := int(touched_mask(inputs.previous).sum())):
        _LOG.warning(
            "%s: %d cases that a person decided keep their numbers; the decisions stay in that file",
            path,
            count,
        )


def _refuse_elsewhere(
    parcels: gpd.GeoDataFrame, parcels_path: Path, records: gpd.GeoDataFrame, records_path: Path
) -> None:
    # Outside the parcels nothing is concluded: with those of another town no case would be left.
    if cause := elsewhere(parcels, records, what="parcels"):
        cure = "give parcels and records of one place, or declare their CRS (--records-crs EPSG:2154)"
        raise RecordsError(parcels_path, f"{cause}; the records are {records_path}", cure)


def _told_if_elsewhere(zones: gpd.GeoDataFrame, path: Path, *, records: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return zones as they are, with a warning if they are of another place than the records."""
    if cause := elsewhere(zones, records, what="zones"):
        _LOG.warning("%s: %s; was it meant for this place?", path, cause)
    return zones


def _read_previous(path: Path, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    cases = read_layer(path, layer="cases", made_by="detect")
    missing = {"case_id", "kind"} - set(cases.columns)
    if missing or cases.crs is None:
        cause = f"lacks the column {', '.join(sorted(missing))}" if missing else "has no CRS"
        raise InputError(path, f"is no list of cases: it {cause}", "give a file that 'vigibati detect' wrote")
    # What a person drew has no number that could be kept, and what a person redrew may cross itself.
    kept, repairs = repair_polygons(cases[cases["case_id"].notna()], ids="case_id", crs=crs)
    if repairs.altered:
        _LOG.warning("%s: %s", path, repairs.describe())
    return kept.drop_duplicates("case_id")
