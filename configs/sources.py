"""Credits of the training sources, so that a model card names them without being told."""

from __future__ import annotations

from importlib.resources import files

import yaml

from vigibati.configs.schema import Schema


class SourceCredit(Schema):
    """Origin and terms of one source."""

    place: str
    credit: str
    licence: str
    note: str


def source_credits() -> dict[str, SourceCredit]:
    """Return the credits of the sources that are known by name."""
    resource = files("vigibati.configs") / "sources.yaml"
    values = yaml.safe_load(resource.read_text(encoding="utf-8"))
    return {name: SourceCredit.checked(value, subject="sources.yaml") for name, value in values.items()}
