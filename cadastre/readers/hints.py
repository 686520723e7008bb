"""What the user says of records, where their files do not say it or say it wrongly."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from vigibati.configs.errors import SettingsError
from vigibati.configs.records_mapping import RecordsMapping

FORMATS: Final = ("bdtopo", "edigeo", "etalab", "inspire", "osm", "vector")
"""Names of the formats; "vector" is any polygon layer whose columns are guessed or mapped."""


@dataclass(frozen=True, slots=True)
class RecordsHints:
    """Overrides of what is found in a source of records.

    Attributes:
        declared_crs: CRS that overrides what the source says, such as "EPSG:2154".
        source_format: One of FORMATS; None to go by the content.
        mapping: Layer and columns of a vector file; where it names no column, or None, these go by the
            format, or by their names.

    Raises:
        SettingsError: The format is unknown, or does not go with the mapping.
    """

    declared_crs: str | None = None
    source_format: str | None = None
    mapping: RecordsMapping | None = None

    def __post_init__(self) -> None:
        if self.source_format is None:
            return
        if self.source_format not in FORMATS:
            near = get_close_matches(self.source_format, FORMATS, n=1)
            cure = f"did you mean '{near[0]}'?" if near else f"use one of {', '.join(FORMATS)}"
            raise SettingsError("--records-format", f"'{self.source_format}' is unknown", cure)
        if self.mapping is not None and self.source_format == "edigeo":
            cause = (
                "does not go with the format edigeo, which has no layers to choose and columns that are known"
            )
            raise SettingsError("--records-mapping", cause, "leave one of the two out")
        if self.columns is not None and self.source_format != "vector":
            cause = f"does not go with the format {self.source_format}, whose columns are known"
            raise SettingsError("--records-mapping", cause, "leave one of the two out")

    @property
    def layer(self) -> str | None:
        """Layer to read where a file holds several; None for the only one."""
        return None if self.mapping is None else self.mapping.layer

    @property
    def columns(self) -> RecordsMapping | None:
        """The mapping if it names columns; it then stands in place of every format."""
        return self.mapping if self.mapping is not None and self.mapping.names_columns else None

    @classmethod
    def given(
        cls, *, declared_crs: str | None, source_format: str | None, mapping: Path | None
    ) -> RecordsHints:
        """Take the options of the command line; the mapping is read from its file.

        Raises:
            SettingsError: The format is unknown, or the mapping cannot be read.
        """
        read = None if mapping is None else RecordsMapping.read(mapping)
        return cls(declared_crs=declared_crs, source_format=source_format, mapping=read)


NO_HINTS: Final = RecordsHints()
"""Everything is found in the source."""
