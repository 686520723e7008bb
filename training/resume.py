"""A training goes on with what it was begun with, and with nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vigibati.configs.atomic_files import whole_file
from vigibati.configs.errors import OutputError, SettingsError
from vigibati.configs.recipe import Recipe

_PLAN = "plan.json"


def enter(out: Path, recipe: Recipe, *, data_sha256: str, start_sha256: str | None) -> None:
    """Begin a training in a folder, or make sure that it was begun with the same.

    Args:
        out: Folder of the run.
        recipe: What is trained and how.
        data_sha256: Fingerprint of its chips.
        start_sha256: Of the weights that it starts from; None where the recipe says from which.

    Raises:
        SettingsError: It was begun with another recipe, other chips or other weights.
        OutputError: The folder cannot be made.
    """
    plan = {"chips": data_sha256, "start": start_sha256, "recipe": recipe.model_dump(mode="json")}
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(out, f"cannot be made ({error.strerror})", "give the name of a folder") from error
    path = out / _PLAN
    if not path.is_file():
        with whole_file(path) as part:
            part.write_text(json.dumps(plan, indent=2) + "\n", encoding="utf-8")
        return
    differing = _differing(json.loads(path.read_text(encoding="utf-8")), plan)
    if differing:
        cause = f"was begun with another {', '.join(differing)}"
        raise SettingsError(out, cause, "give what it was begun with, or another --out")


def _differing(begun: dict[str, Any], plan: dict[str, Any]) -> list[str]:
    differing = [name for name in ("chips", "start") if begun[name] != plan[name]]
    before, now = begun["recipe"], plan["recipe"]
    names = dict.fromkeys([*before, *now])
    # A field that only one version knows counts as one that differs.
    return differing + [f"{name} of the recipe" for name in names if before.get(name) != now.get(name)]
