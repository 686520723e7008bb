"""The one base of every schema, and the one way in which a file becomes a value."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from vigibati.configs.errors import SettingsError


class Schema(BaseModel):
    """Frozen, and closed to unknown keys, so that a typing error is never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a YAML or JSON file (safe load: no tags, no code).

        Raises:
            SettingsError: The file is missing, is not YAML, or does not fit the schema;
                the message names the first key that does not.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                path, f"cannot be read ({error})", "give an existing YAML or JSON file"
            ) from error
        try:
            values = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        except (json.JSONDecodeError, yaml.YAMLError) as error:
            raise SettingsError(path, f"does not parse ({error})", "mend the syntax") from error
        return cls.checked(values, subject=path)

    @classmethod
    def checked(cls, values: object, *, subject: str | Path) -> Self:
        """Validate parsed values, naming ``subject`` in the error.

        Raises:
            SettingsError: The values do not fit the schema.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "top level"
            known = _keys_beside(cls, first["loc"])
            near = get_close_matches(str(first["loc"][-1]), known, n=1) if first["loc"] else []
            mistyped = first["type"] == "extra_forbidden" and near
            cure = f"did you mean '{near[0]}'?" if mistyped else f"the keys are {', '.join(known)}"
            said = first["msg"].removeprefix("Value error, ")
            raise SettingsError(subject, f"key '{key}': {said}", cure) from error


def _keys_beside(schema: type[Schema], place: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the schema knows where an error lies."""
    for part in place[:-1]:
        field = schema.model_fields.get(str(part))
        # The key of a mapping or the number of an item: its schema was found one step before.
        schema = schema if field is None else (_schema_in(field.annotation) or schema)
    return list(schema.model_fields)


def _schema_in(annotation: object) -> type[Schema] | None:
    if isinstance(annotation, type) and issubclass(annotation, Schema):
        return annotation
    inner = [_schema_in(each) for each in get_args(annotation)]
    return next((each for each in inner if each is not None), None)
