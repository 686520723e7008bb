"""Columns of the published layers: their order, types, names in plain words and place in the form."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from vigibati.cadastre.choices import UNTOUCHED
from vigibati.cadastre.repair import repair_polygons
from vigibati.cadastre.words import Phrase

_LOG = logging.getLogger(__name__)
_RESERVED: Final = frozenset({"fid", "ogc_fid", "geom", "rowid", "oid", "_rowid_"})


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute of a published layer.

    Args:
        name: Name in the table.
        dtype: pandas type of the column where no value is known.
        alias: Name in plain words; unique within its layer.
        group: Heading of the form under which it stands.
        choices: Name of the list of allowed values in `CHOICES`.
        default: Value of a new row; only columns of a decision have one.
        editable: Whether a reviewer may change it.
        in_table: Whether it is shown in the table of QGIS, beside the form.
        long_text: Whether it is given several lines in the form.
    """

    name: str
    dtype: str
    alias: Phrase
    group: str = "case"
    choices: str | None = None
    default: str | None = None
    editable: bool = False
    in_table: bool = True
    long_text: bool = False


_CASES: Final = (
    Column("rank", "Int32", Phrase("Rang", "Rank")),
    Column("kind", "str", Phrase("Nature du cas", "Kind of case"), choices="case_kind"),
    Column("reasons", "str", Phrase("Pourquoi ce cas", "Why this case"), long_text=True),
    Column("area_m2", "float64", Phrase("Surface (m²)", "Area (m²)")),
    Column("size_band", "str", Phrase("Tranche de surface", "Size band")),
    Column(
        "status",
        "str",
        Phrase("Verdict", "Verdict"),
        "decision",
        choices="status",
        default=UNTOUCHED["status"],
        editable=True,
    ),
    Column(
        "control",
        "str",
        Phrase("Suite donnée", "Follow-up"),
        "decision",
        choices="control",
        default=UNTOUCHED["control"],
        editable=True,
    ),
    Column("comment", "str", Phrase("Commentaire", "Comment"), "decision", editable=True, long_text=True),
    Column("decided_by", "str", Phrase("Décidé par", "Decided by"), "decision"),
    Column("decided_at", "datetime64[ms, UTC]", Phrase("Décidé le", "Decided on"), "decision"),
    Column(
        "p_building", "float64", Phrase("Probabilité selon le modèle (0–1)", "Probability (0–1)"), "evidence"
    ),
    Column("p_case", "float64", Phrase("Chance d’être réel (0–1)", "Chance to be real (0–1)"), "evidence"),
    Column(
        "covered",
        "float64",
        Phrase("Part déjà au cadastre (0–1)", "Share already recorded (0–1)"),
        "evidence",
    ),
    Column(
        "area_low_m2",
        "float64",
        Phrase("Surface, au moins (m²)", "Area, at least (m²)"),
        "evidence",
        in_table=False,
    ),
    Column(
        "area_high_m2",
        "float64",
        Phrase("Surface, au plus (m²)", "Area, at most (m²)"),
        "evidence",
        in_table=False,
    ),
    Column(
        "offset_m",
        "float64",
        Phrase("Décalage du cadastre (m)", "Offset of the records (m)"),
        "evidence",
        in_table=False,
    ),
    Column("tolerance_m", "float64", Phrase("Tolérance (m)", "Tolerance (m)"), "evidence", in_table=False),
    Column("image_date", "str", Phrase("Date de l’image", "Date of the image"), "evidence"),
    Column("records_date", "str", Phrase("Date du cadastre", "Date of the records"), "evidence"),
    Column("first_seen", "Int32", Phrase("Vu la première fois en", "First seen in"), "evidence"),
    Column(
        "last_not_seen", "Int32", Phrase("Absent pour la dernière fois en", "Last not seen in"), "evidence"
    ),
    Column("commune", "str", Phrase("Commune (code INSEE)", "Municipality (INSEE code)"), "context"),
    Column("parcel_id", "str", Phrase("Parcelle", "Parcel"), "context"),
    Column("zone", "str", Phrase("Zone du plan", "Zone of the plan"), "context"),
    Column("zone_kind", "str", Phrase("Type de zone (U, AU, A, N)", "Kind of zone (U, AU, A, N)"), "context"),
    Column("risk_zone", "str", Phrase("Zone de risque", "Risk zone"), "context"),
    Column("protected", "str", Phrase("Secteur protégé", "Protected sector"), "context"),
    Column("permit", "str", Phrase("Autorisation sur la parcelle", "Permission on the parcel"), "context"),
    Column(
        "formality", "str", Phrase("Formalité d’ordinaire", "Usual formality"), "context", choices="formality"
    ),
    Column("priority", "float64", Phrase("Priorité", "Priority"), "context"),
    Column(
        "expected_precision",
        "float64",
        Phrase("Précision attendue jusqu’à ce rang (0–1)", "Expected precision down to this rank (0–1)"),
        "context",
    ),
    Column("in_budget", "bool", Phrase("Dans les visites prévues", "Within the planned visits"), "context"),
    Column(
        "case_id",
        "str",
        Phrase("Numéro stable du cas", "Stable number of the case"),
        "context",
        in_table=False,
    ),
    Column("run_id", "str", Phrase("Numéro du calcul", "Number of the run"), "context", in_table=False),
)
_FOOTPRINTS: Final = (
    Column("footprint_id", "Int64", Phrase("Numéro", "Number")),
    Column("kind", "str", Phrase("Nature", "Kind"), choices="footprint_kind"),
    Column("probability", "float64", Phrase("Probabilité selon le modèle (0–1)", "Probability (0–1)")),
    Column("area_m2", "float64", Phrase("Surface (m²)", "Area (m²)")),
    Column("at_edge", "bool", Phrase("Coupé par le bord de l’image", "Cut by the edge of the image")),
)
_MOVED: Final = (
    Column(
        "offset_m",
        "float64",
        Phrase("Déplacé sur l’image de (m)", "Moved onto the image by (m)"),
        in_table=False,
    ),
    Column("tolerance_m", "float64", Phrase("Tolérance (m)", "Tolerance (m)"), in_table=False),
    Column("overhang_m", "float64", Phrase("Débord des toits (m)", "Overhang of roofs (m)")),
)
_RECORDS: Final = (
    Column("record_id", "str", Phrase("Identifiant", "Identifier")),
    Column("kind", "str", Phrase("Nature", "Kind"), choices="record_kind"),
    Column("source", "str", Phrase("Source", "Source")),
    Column("sheet_id", "str", Phrase("Feuille", "Sheet")),
    Column("sheet_quality", "str", Phrase("Qualité de la feuille", "Quality of the sheet")),
    Column("sheet_scale", "float64", Phrase("Échelle de la feuille (1/…)", "Scale of the sheet (1/…)")),
    Column("accuracy_m", "float64", Phrase("Précision annoncée (m)", "Stated accuracy (m)")),
    Column("created", "str", Phrase("Créé le", "Created")),
    Column("updated", "str", Phrase("Mis à jour le", "Updated")),
    *_MOVED,
)
_PARCELS: Final = (
    Column("parcel_id", "str", Phrase("Parcelle", "Parcel")),
    Column("area_declared_m2", "float64", Phrase("Contenance (m²)", "Declared area (m²)")),
    *_MOVED,
)

LAYOUTS: Final[Mapping[str, tuple[Column, ...]]] = {
    "cases": _CASES,
    "footprints": _FOOTPRINTS,
    "records": _RECORDS,
    "parcels": _PARCELS,
}
"""Layers in the order in which they are drawn, the first on top, with their columns."""


def arrange(table: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Return ``table`` with the columns of ``layer`` first, in their order and complete.

    A column that is absent or holds nothing is added empty with its type; decisions get
    their default; further columns follow, renamed with a final underscore where SQLite or
    GDAL reserve the name. Outlines that do not hold are mended or left out by
    ``repair_polygons``, and what was done is logged.

    Args:
        table: Any table with polygons; its CRS is kept.
        layer: A key of ``LAYOUTS``.
    """
    columns = LAYOUTS[layer]
    known = {column.name for column in columns}
    extra = [name for name in table.columns if name not in known and name != table.geometry.name]
    filled = {column.name: _filled(table, column) for column in columns}
    filled |= {f"{name}_" if name.lower() in _RESERVED else name: table[name] for name in extra}
    arranged = gpd.GeoDataFrame(filled, geometry=table.geometry.array, crs=table.crs)
    if "rank" in known:
        arranged = arranged.sort_values("rank", kind="stable")
    return _sound(arranged, layer).reset_index(drop=True)


def _filled(table: gpd.GeoDataFrame, column: Column) -> pd.Series[Any]:
    if column.name not in table.columns or table[column.name].isna().all():
        value = False if column.dtype == "bool" else column.default
        return pd.Series(value, index=table.index, dtype=column.dtype)
    series: pd.Series[Any] = table[column.name]
    if column.dtype.startswith("datetime"):
        return pd.to_datetime(series, utc=True).dt.as_unit("ms")
    return series if column.default is None else series.fillna(column.default)


def _sound(table: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    sound, repairs = repair_polygons(table, ids=LAYOUTS[layer][0].name, crs=table.crs)
    if repairs.counts:
        _LOG.warning("layer %s: %s", layer, repairs.describe())
    return sound
