"""Thresholds of the comparison and of the ranking, with the source of each; values live in presets."""

from __future__ import annotations

from importlib.resources import as_file, files
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from vigibati.configs.errors import SettingsError
from vigibati.configs.legal import (
    CASE_KINDS,
    CaseKind,
    DeadlineRule,
    FormalityRule,
    PermitRules,
    VintageRules,
)
from vigibati.configs.schema import Schema

__all__ = ["CASE_KINDS", "CaseKind", "ComparisonRules", "load_rules"]


class RegistrationRules(Schema):
    """How records are moved onto the footprints, sheet by sheet."""

    search_m: float = Field(
        gt=0,
        description="Largest shift looked for, in metres per axis. BD TOPO gives 2.5 to 5 m for its sources.",
    )
    sheet_cap_m: float = Field(
        gt=0,
        description="A sheet farther than this from the others is not believed. Two sheets of an old plan, "
        "each off by 3 m, may differ by 6 m.",
    )
    min_support: int = Field(
        ge=1,
        description="Blocks that must agree before a sheet's own shift is believed; chosen, not measured.",
    )
    min_edge_m: float = Field(
        gt=0,
        description="Shorter walls are not used. 2.5 m loses no accuracy of a sheet, but leaves a shed "
        "without walls of its own.",
    )
    simplify_m: float = Field(
        ge=0,
        description="Footprint outlines are simplified by this much first, so that pixel stairs have no say.",
    )
    normals_cosine: float = Field(
        gt=0, lt=1, description="A wall meets an outline only if their outward normals agree to this cosine."
    )
    tolerance_floor_m: float = Field(
        gt=0,
        description="Smallest tolerance of a block: what lets strips of 1.2 m and narrow sheds between walls "
        "be found where records lie well.",
    )
    residual_factor: float = Field(
        gt=0, description="Tolerance = this many root mean square residuals, never under the floor."
    )
    fallback_tolerance_m: float = Field(
        gt=0,
        description="Tolerance where a sheet takes the territory's shift because its own support is thin.",
    )
    unregistered_tolerance_m: float = Field(
        gt=0,
        description="Tolerance where nothing could be registered: usual shifts of French sheets reach 3 m.",
    )


class CaseRules(Schema):
    """What becomes a case."""

    new_below: float = Field(
        gt=0, lt=1, description="Covered share under which a footprint is a new building (0.10, as the RNB)."
    )
    new_min_probability: float = Field(
        ge=0,
        lt=1,
        description="A footprint beside no record is a case from this probability on (0.5): of a calibrated "
        "model, from where it is more likely a building than not. A footprint that meets a record needs "
        "none, because the record vouches for the building.",
    )
    not_seen_below: float = Field(
        gt=0,
        lt=1,
        description="Seen share under which a record is reported as not seen. Between close neighbours, "
        "whose eaves and lean reach over it, 0.40 found 22 of 24 demolished buildings of 5-20 m², 0.30 only "
        "16, with as many false ones (made-up footprints on a real plan).",
    )
    not_seen_slack_m: float = Field(
        gt=0,
        description="Where a record's tolerance is larger than this, footprints are widened by the rest "
        "before it is reported as not seen.",
    )
    opening_m: float = Field(
        gt=0,
        description="What sticks out of the tolerance and is narrower than this is a sliver (0.6 m: on "
        "made-up footprints of real plans 0.8 m lost more of the extensions of 1.2 to 2 m).",
    )
    seed_min_m2: float = Field(ge=0, description="Area that must stick out of the tolerance (2 m²).")
    displaced_max_m: float = Field(
        ge=0,
        description="A footprint that is its record moved by up to this is no extension (4 m: the roof of a "
        "building of 12 m, seen 18° from the vertical).",
    )
    growth_factor: float = Field(
        ge=1,
        description="Seeds grow back by this many tolerances, up to the unbuffered records (1.4, about √2).",
    )
    min_area_m2: float = Field(
        ge=0,
        description="Smallest case after growing back: a little under 5 m², below which nothing is required.",
    )
    min_pool_m2: float = Field(
        ge=0,
        description="Smallest pool case; pools up to 10 m² need no formality (R.421-2 d, to be verified).",
    )
    not_seen_min_m2: float = Field(ge=0, description="Smallest record that is reported as not seen.")
    extended_share: float = Field(
        gt=0,
        lt=1,
        description="Share of recorded buildings expected to have grown unrecorded (0.05); chosen.",
    )
    gone_share: float = Field(
        gt=0,
        lt=1,
        description="Share of records whose building is expected to be gone (0.02, registers being complete "
        "to 97-99 %); chosen.",
    )


class PriorityRules(Schema):
    """How cases are ordered: probability × legal weight × context, all between 0 and 1.

    Context is the largest of the weights of zone, risk zone and protected sector, times those of a
    permit and of elapsed delays where they apply.
    """

    legal_weight: dict[CaseKind, tuple[float, ...]] = Field(
        description="Weight per kind of case, one per size band. The bands follow the French thresholds: "
        "5 m² (no formality below), 20 m² (permit above), 40 m² (permit above, for extensions in a U "
        "zone); the weights are a choice."
    )
    zone_weight: dict[str, float] = Field(
        description="Weight per beginning of the zone kind: U, AU, A, N (CNIG); '' when unknown."
    )
    risk_weight: float = Field(ge=0, le=1, description="Weight in a zone of a risk plan; chosen.")
    protected_weight: float = Field(ge=0, le=1, description="Weight in a protected sector; chosen.")
    context_share: float = Field(
        gt=0,
        le=1,
        description="Share of a case that must lie in a risk zone or protected sector before it counts: a "
        "tenth, so that the mere edge of an outline does not.",
    )
    authorised_weight: float = Field(
        ge=0, le=1, description="Factor where a permit on the parcel may explain the case; chosen."
    )
    elapsed_weight: float = Field(
        ge=0,
        le=1,
        description="Factor where the longest delay had passed before the year of the image, counted from "
        "the image that first shows the case; chosen.",
    )

    @model_validator(mode="after")
    def _weights_hold(self) -> Self:
        if set(self.legal_weight) != set(CASE_KINDS):
            raise ValueError(f"legal_weight must name {', '.join(CASE_KINDS)}")
        if "" not in self.zone_weight:
            raise ValueError("zone_weight must have a value for '' (zone unknown)")
        weights = [
            *self.zone_weight.values(),
            *(value for row in self.legal_weight.values() for value in row),
        ]
        if not all(0 <= value <= 1 for value in weights):
            raise ValueError("weights must lie between 0 and 1")
        return self


class ComparisonRules(Schema):
    """Everything that decides which cases are listed, and in which order."""

    version: Literal[1] = Field(description="Version of this schema.")
    name: str = Field(description="Name of the preset, kept in provenance.")
    bands_m2: tuple[float, ...] = Field(
        min_length=1,
        description="Bounds of the size bands; a bound belongs to the band below it, as in the law.",
    )
    registration: RegistrationRules
    cases: CaseRules
    legal: tuple[FormalityRule, ...] = Field(
        description="Usual formalities, in the order in which they are tried; no rule, no word about it."
    )
    deadlines: tuple[DeadlineRule, ...] = Field(
        description="Delays to act, told where older images date a case."
    )
    permits: PermitRules
    vintages: VintageRules
    priority: PriorityRules

    @model_validator(mode="after")
    def _bands_hold(self) -> Self:
        if self.bands_m2[0] <= 0 or any(low >= high for low, high in pairwise(self.bands_m2)):
            raise ValueError("bands_m2 must be positive and rising")
        if any(len(row) != len(self.bands_m2) + 1 for row in self.priority.legal_weight.values()):
            raise ValueError(
                f"legal_weight needs {len(self.bands_m2) + 1} values per kind, one per size band"
            )
        return self


def load_rules(*, name: str = "france") -> ComparisonRules:
    """Read the preset of a country.

    Args:
        name: File name without suffix in the presets that come with the package.

    Raises:
        SettingsError: No such preset, or it does not fit the schema.
    """
    folder = files("vigibati.configs") / "presets"
    known = sorted(
        entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )
    if name not in known:
        raise SettingsError(f"rules '{name}'", "is not a preset", f"the presets are {', '.join(known)}")
    with as_file(folder / f"{name}.yaml") as path:
        return ComparisonRules.read(path)
