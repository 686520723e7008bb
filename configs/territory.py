"""What a territory calls its own: its legal CRSs, and how it names its parcels."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_serializer, field_validator, model_validator

from vigibati.configs.errors import SettingsError
from vigibati.configs.paths import StrPath
from vigibati.configs.preset_files import preset_path
from vigibati.configs.schema import Schema


class ParcelNames(Schema):
    """How the identifier of a parcel is made; those of another form say nothing but themselves."""

    pattern: str = Field(
        description="Regular expression of a whole identifier. Its group ``commune`` is the key of the "
        "commune; ``sheet``, where there is one, the sheet or section, surveyed at one time; ``prefix`` "
        "what some lists of permits leave out."
    )
    short_pattern: str | None = Field(
        default=None, description="Regular expression of an identifier without its ``prefix``."
    )
    label: str = Field(
        default='"parcel_id"',
        description="QGIS expression of the label of a parcel; the whole identifier if left out.",
    )

    @field_validator("pattern", "short_pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is no regular expression ({error})") from error
        return pattern

    @model_validator(mode="after")
    def _groups_hold(self) -> Self:
        groups = set(re.compile(self.pattern).groupindex)
        if "commune" not in groups or groups - {"commune", "sheet", "prefix"}:
            raise ValueError("pattern must have a group (?P<commune>...), and may have sheet and prefix")
        if ("prefix" in groups) != (self.short_pattern is not None):
            raise ValueError("a group prefix and a short_pattern go together")
        return self


class Territory(Schema):
    """A territory preset."""

    version: Literal[1] = Field(description="Version of this schema.")
    name: str = Field(description="Name of the territory.")
    legal_crs: tuple[int, ...] = Field(
        min_length=1,
        description="EPSG codes of its legal projected CRSs. Images in Web Mercator and records in degrees "
        "are brought to one of them.",
    )
    outline: Path | None = Field(
        default=None,
        description="GeoJSON in degrees, beside this file: the polygons in which the CRS of a feature's "
        "``epsg`` is legal. Without it the first of ``legal_crs`` holds everywhere.",
    )
    other_crs: tuple[int, ...] = Field(
        default=(),
        description="EPSG codes of further CRSs that are recognised where an image spells them oddly. Images "
        "are opened without rules: those of `usual_territory` alone are looked for.",
    )
    parcel: ParcelNames

    @field_serializer("outline")
    def _name_alone(self, outline: Path | None) -> str | None:
        return None if outline is None else outline.name

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a territory, whose outline is then known by its whole path.

        Raises:
            SettingsError: The file does not fit the schema, or its outline is not there.
        """
        found = super().read(path)
        if found.outline is None:
            return found
        outline = path.parent / found.outline
        if not outline.is_file():
            raise SettingsError(
                path, f"key 'outline': {outline} is not there", "give a GeoJSON beside this file"
            )
        return found.model_copy(update={"outline": outline})


def load_territory(name: StrPath = "france", *, beside: Path = Path()) -> Territory:
    """Read a territory.

    Args:
        name: Name of a territory that comes with the package, or path of a YAML file.
        beside: Folder from which a path is seen.

    Raises:
        SettingsError: There is no such preset, or it does not fit the schema.
    """
    return Territory.read(preset_path(name, of="territory", beside=beside))


@cache
def usual_territory() -> Territory:
    """Return the territory of what is read without rules: France."""
    return load_territory()
