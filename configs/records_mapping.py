"""Which column of a file of records means what; YAML of the user, and the formats that have fixed columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from vigibati.configs.schema import Schema

ANY_OTHER: Final = "*"
"""Key of a table of values for every value that is there and is not listed."""

RecordKind = Literal["durable", "light", "pool", "unknown", "skip"]

_TRUTH: Final = {"true": "1", "yes": "1", "on": "1", "false": "0", "no": "0", "off": "0"}
_WHOLE: Final = re.compile(r"0*(\d+)(\.0+)?")


def plain_value(value: object) -> str:
    """Return the text by which values are compared: without case, outer spaces and leading zeros.

    "01", 1 and 1.0 are one value; so are "yes", "true" and true, which YAML does not keep apart.
    """
    text = str(value).strip().casefold()
    text = _TRUTH.get(text, text)
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _several(value: object) -> object:
    return (value,) if isinstance(value, (str, Mapping)) else value


def _plain_keys(values: object) -> object:
    return {plain_value(key): kind for key, kind in values.items()} if isinstance(values, Mapping) else values


Columns = Annotated[tuple[str, ...], BeforeValidator(_several)]


class KindColumn(Schema):
    """One column that tells the kind, and what its values mean."""

    column: str = Field(description="Name of the column, in any case.")
    values: Annotated[dict[str, RecordKind], BeforeValidator(_plain_keys)] = Field(
        min_length=1,
        description="Kind of each value: durable, light, pool, unknown, or skip to leave the row out; "
        "'*' stands for every other value.",
    )


class RecordsMapping(Schema):
    """Columns of a file of records; of several names, the first that the file has is taken."""

    layer: str | None = Field(default=None, description="Layer to read, where the file holds several.")
    record_id: Columns = Field(default=(), description="Column that identifies each record.")
    kind: Annotated[tuple[KindColumn, ...], BeforeValidator(_several)] = Field(
        default=(), description="Columns that tell the kind; the first one that knows the value decides."
    )
    other_kind: RecordKind = Field(default="unknown", description="Kind where no column knows the value.")
    created: Columns = Field(default=(), description="Date on which the record was drawn.")
    updated: Columns = Field(default=(), description="Date of its last change.")
    accuracy_m: Columns = Field(default=(), description="Planimetric accuracy in metres.")
    sheet_id: Columns = Field(default=(), description="Sheet, or any unit that was surveyed at one time.")

    @property
    def names_columns(self) -> bool:
        """Whether it says more than which layer to read."""
        return bool(self.model_fields_set - {"layer"})
