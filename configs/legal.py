"""What the law of a country says of sizes and delays, with its articles; values lie in ``presets/laws``."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from vigibati.configs.schema import Schema

CaseKind = Literal["new_building", "extension", "not_seen", "pool"]
CASE_KINDS: tuple[CaseKind, ...] = get_args(CaseKind)

Formality = Literal["none", "declaration", "permit"]
"""What is usually asked for before building, from least to most."""

Weight = Annotated[float, Field(ge=0, le=1)]


class FormalityRule(Schema):
    """Which formality is usual for a kind and size of works; the first rule that fits a case holds."""

    kinds: tuple[CaseKind, ...] = Field(min_length=1, description="Kinds of case that it is about.")
    up_to_m2: float | None = Field(
        default=None, gt=0, description="Largest area, itself included; the rule has no end without it."
    )
    zones: tuple[str, ...] = Field(
        default=(), description="Beginnings of the zone kind to which it is limited; everywhere if empty."
    )
    protected: bool = Field(default=False, description="Whether it holds in protected sectors alone.")
    formality: Formality = Field(description="What is usually asked for.")
    article: str = Field(min_length=1, description="Article of the law that says so.")
    verify: bool = Field(
        description="Whether our source is secondary, so that the article is to be verified."
    )


class DeadlineRule(Schema):
    """A delay after which an action is closed; counted from completion, which no image dates."""

    action: Literal["criminal", "civil"] = Field(description="What is closed afterwards.")
    years: int = Field(gt=0, description="Length in years.")
    article: str = Field(min_length=1, description="Article of the law that says so.")
    verify: bool = Field(
        description="Whether our source is secondary, so that the article is to be verified."
    )


class PermitRules(Schema):
    """Which permits explain a case on their parcel."""

    building_types: tuple[str, ...] = Field(
        min_length=1,
        description="Types that may explain something new: permit PC or PA, declaration DP.",
    )
    declaration_types: tuple[str, ...] = Field(
        description="Those among them that do not explain what usually needs a permit even at the least area "
        "that it may have: DP.",
    )
    demolition_types: tuple[str, ...] = Field(description="Types that may explain what is gone: PD.")
    stale_years: int = Field(
        gt=0,
        description="A permit granted this many years or more before the last image without the case does "
        "not explain it: works must begin within three years, twice prolonged by one (R.424-17, R.424-21, to "
        "be verified), and are given time to be finished.",
    )


class PriorityRules(Schema):
    """How cases are ordered: probability × legal weight × context, all between 0 and 1.

    Context is the largest of the weights of zone, risk zone and protected sector, times those of a
    permit and of elapsed delays where they apply.
    """

    legal_weight: dict[CaseKind, tuple[Weight, ...]] = Field(
        description="Weight per kind of case, one per size band. The bands follow the French thresholds: "
        "5 m² (no formality below), 20 m² (permit above), 40 m² (permit above, for extensions in a U "
        "zone); the weights are a choice."
    )
    zone_weight: dict[str, Weight] = Field(
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

    @field_validator("legal_weight")
    @classmethod
    def _every_kind_has_weights(
        cls, weights: dict[CaseKind, tuple[Weight, ...]]
    ) -> dict[CaseKind, tuple[Weight, ...]]:
        if missing := [kind for kind in CASE_KINDS if kind not in weights]:
            raise ValueError(
                f"legal_weight must name {', '.join(CASE_KINDS)}; {', '.join(missing)} is missing"
            )
        return weights

    @field_validator("zone_weight")
    @classmethod
    def _an_unknown_zone_has_a_weight(cls, weights: dict[str, Weight]) -> dict[str, Weight]:
        if "" not in weights:
            raise ValueError("zone_weight must have a value for '' (zone unknown)")
        return weights


class LegalRules(Schema):
    """What the law of a country says, and what its places weigh."""

    version: Literal[1] = Field(description="Version of this schema.")
    name: str = Field(description="Name of the preset, kept in provenance.")
    bands_m2: tuple[float, ...] = Field(
        min_length=1,
        description="Bounds of the size bands; a bound belongs to the band below it, as in the law.",
    )
    legal: tuple[FormalityRule, ...] = Field(
        description="Usual formalities, in the order in which they are tried; no rule, no word about it."
    )
    deadlines: tuple[DeadlineRule, ...] = Field(
        description="Delays to act, told where older images date a case."
    )
    permits: PermitRules
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


class LawPreset(LegalRules):
    """A law preset, as its file is written."""

    territory: str = Field(
        description="Its territory: a name in ``presets/territories``, or a path, seen from this file."
    )
    method: dict[str, dict[str, float]] = Field(
        default={},
        description="What the method must do otherwise there: values in place of those of "
        "``presets/methods/default.yaml``, such as ``cases: {min_area_m2: 18}``.",
    )
