"""How records are registered, compared and dated, whatever the law; values lie in ``presets/methods``."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from vigibati.configs.schema import Schema


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


class VintageRules(Schema):
    """When an older image is said to show a case; between the two bounds it says nothing. Chosen."""

    seen_from: float = Field(gt=0, lt=1, description="Probability inside the outline from which it is there.")
    not_seen_below: float = Field(gt=0, lt=1, description="Probability below which it is not there yet.")

    @model_validator(mode="after")
    def _bounds_hold(self) -> Self:
        if self.not_seen_below > self.seen_from:
            raise ValueError("not_seen_below must not exceed seen_from")
        return self


class MethodRules(Schema):
    """A method preset."""

    registration: RegistrationRules
    cases: CaseRules
    vintages: VintageRules
