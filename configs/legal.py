"""What the law of a country says of sizes and delays, as facts with their article; values live in presets."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from vigibati.configs.schema import Schema

CaseKind = Literal["new_building", "extension", "not_seen", "pool"]
CASE_KINDS: tuple[CaseKind, ...] = ("new_building", "extension", "not_seen", "pool")

Formality = Literal["none", "declaration", "permit"]
"""What is usually asked for before building, from least to most."""


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


class VintageRules(Schema):
    """When an older image is said to show a case; between the two bounds it says nothing. Chosen."""

    seen_from: float = Field(gt=0, lt=1, description="Probability inside the outline from which it is there.")
    not_seen_below: float = Field(gt=0, lt=1, description="Probability below which it is not there yet.")

    @model_validator(mode="after")
    def _bounds_hold(self) -> Self:
        if self.not_seen_below > self.seen_from:
            raise ValueError("not_seen_below must not exceed seen_from")
        return self
