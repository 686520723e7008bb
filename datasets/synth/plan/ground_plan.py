"""The ground plan: what stands where in a made-up commune, in metres of EPSG:2154."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shapely.geometry import LineString, Polygon, box

EPSG = 2154
"""Lambert-93, the legal projected CRS of metropolitan France."""

Roof = Literal["gable", "hip", "flat", "lean_to"]
Material = Literal["tile", "slate", "metal", "gravel", "concrete"]
BuildingPlanting = Literal["recorded", "undeclared_house", "extension", "shed"]
PoolPlanting = Literal["recorded", "pool"]
RoadSurface = Literal["asphalt", "gravel", "earth", "paving"]
Crop = Literal[
    "meadow",
    "wheat",
    "stubble",
    "maize",
    "rapeseed",
    "vineyard",
    "bare",
    "wood",
    "garden",
    "orchard",
    "asphalt",
]
TrapKind = Literal[
    "greenhouse", "tarpaulin", "trampoline", "parking", "silage", "pallets", "patio", "solar_field"
]
ZoneKind = Literal["U", "AUc", "A", "N"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Rectangle on the ground, in metres of EPSG:2154."""

    minx: float
    miny: float
    maxx: float
    maxy: float

    @property
    def width_m(self) -> float:
        """Extent towards the east."""
        return self.maxx - self.minx

    @property
    def height_m(self) -> float:
        """Extent towards the north."""
        return self.maxy - self.miny

    def polygon(self) -> Polygon:
        """Return the rectangle as a geometry."""
        return box(self.minx, self.miny, self.maxx, self.maxy)


@dataclass(frozen=True, slots=True)
class Building:
    """One roof as seen from above.

    Args:
        outline: Edge of the roof, without holes.
        height_m: Height of the eaves above the ground; decides the length of the shadow.
        roof: Form of the roof.
        material: Cover of the roof.
        durable: True for masonry, False for a light construction (cadastral type 02).
        planted: "recorded" for what the cadastre knows; otherwise what was planted.
        since: First year in which it stands.
        until: First year in which it no longer stands, or None.
        detail: Seed of the texture, of chimneys, skylights and panels.
        ridge_rad: Direction of the ridge, counter-clockwise from the east; None for the long
            side of the smallest rectangle around the outline.
        wings: Rectangles of which the outline is made, each with its own ridge; empty for one.
    """

    outline: Polygon
    height_m: float
    roof: Roof
    material: Material
    durable: bool
    planted: BuildingPlanting
    since: int
    until: int | None = None
    detail: int = 0
    ridge_rad: float | None = None
    wings: tuple[Polygon, ...] = ()

    def stands(self, year: int) -> bool:
        """Return whether it can be seen in an image of that year."""
        return self.since <= year and (self.until is None or year < self.until)


@dataclass(frozen=True, slots=True)
class Pool:
    """A swimming pool; the outline is the water, without its stone surround."""

    outline: Polygon
    planted: PoolPlanting
    since: int
    detail: int = 0

    def stands(self, year: int) -> bool:
        """Return whether it can be seen in an image of that year."""
        return self.since <= year


@dataclass(frozen=True, slots=True)
class Tree:
    """One crown; a hedge is a row of small ones."""

    x_m: float
    y_m: float
    radius_m: float
    height_m: float
    detail: int = 0


@dataclass(frozen=True, slots=True)
class Road:
    """A way with its surface; markings only on asphalt wider than 5.5 m."""

    centre: LineString
    width_m: float
    surface: RoadSurface


@dataclass(frozen=True, slots=True)
class Field:
    """Ground of one kind: a crop, a meadow, a wood, a garden, or a street without centre line."""

    outline: Polygon
    crop: Crop
    detail: int = 0


@dataclass(frozen=True, slots=True)
class Trap:
    """Something that looks like a building or a pool from above and is none."""

    outline: Polygon
    kind: TrapKind
    detail: int = 0


@dataclass(frozen=True, slots=True)
class Car:
    """A parked car; the heading is counter-clockwise from the east, in radians."""

    x_m: float
    y_m: float
    heading: float
    detail: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """A cadastral parcel; ``number`` is unique within its section."""

    outline: Polygon
    section: str
    number: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A cadastral sheet: one section letter or two, and the ground it covers."""

    section: str
    outline: Polygon


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone of the local urban plan."""

    outline: Polygon
    typezone: ZoneKind
    libelle: str


@dataclass(frozen=True, slots=True)
class DemolishedRecord:
    """A building that the records still hold and that no image shows."""

    outline: Polygon


@dataclass(frozen=True, slots=True)
class GroundPlan:
    """Everything that stands, grows and is recorded within the bounds.

    Args:
        bounds: The rectangle that is rendered.
        seed: Decides every random choice of plan and picture.
    """

    bounds: Bounds
    seed: int
    buildings: tuple[Building, ...] = ()
    pools: tuple[Pool, ...] = ()
    trees: tuple[Tree, ...] = ()
    roads: tuple[Road, ...] = ()
    fields: tuple[Field, ...] = ()
    traps: tuple[Trap, ...] = ()
    cars: tuple[Car, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    zones: tuple[Zone, ...] = ()
    demolished: tuple[DemolishedRecord, ...] = ()

    def standing(self, year: int) -> tuple[Building, ...]:
        """Return the buildings that can be seen in an image of that year."""
        return tuple(building for building in self.buildings if building.stands(year))


def outlines(things: Iterable[Building | Pool | Field | Trap | Parcel]) -> list[Polygon]:
    """Return the outlines of things, in order."""
    return [thing.outline for thing in things]
