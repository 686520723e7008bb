from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vigibati.configs.errors import SettingsError
from vigibati.configs.recipe import Recipe
from vigibati.configs.sources import source_credits


def shipped(root: Path) -> list[Path]:
    return sorted((root / "configs" / "recipes").glob("*.yaml"))


def changed(root: Path, **changes: Any) -> dict[str, Any]:
    return {**Recipe.read(root / "configs" / "recipes" / "light.yaml").model_dump(), **changes}


def test_the_shipped_recipes_hold_and_bear_the_names_of_their_files(root: Path) -> None:
    assert shipped(root)
    for path in shipped(root):
        recipe = Recipe.read(path)
        assert recipe.name.replace("-", "_") == path.stem
        assert set(recipe.sources) <= set(source_credits())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop_px": 100}, "key 'crop_px'"),
        ({"crop_px": 0}, "key 'crop_px'"),
        ({"batch_size": 0}, "key 'batch_size'"),
        ({"learning_rate": 0}, "key 'learning_rate'"),
        ({"ema_decay": 1}, "key 'ema_decay'"),
        ({"recipe_version": 2}, "key 'recipe_version'"),
        ({"augmentation": {"hue": 0.6}}, r"key 'augmentation\.hue'"),
        ({"augmentation": {"rotation": 1}}, r"key 'augmentation\.rotation'"),
        ({"sources": {"barnarp": {"weight": 0, "labels": ["building"]}}}, r"key 'sources\.barnarp\.weight'"),
        ({"sources": {"barnarp": {"weight": 1, "labels": []}}}, r"key 'sources\.barnarp\.labels'"),
        (
            {"sources": {"barnarp": {"weight": 1, "labels": ["building", "tree"]}}},
            r"source 'barnarp' labels \['tree'\], which are not in class_names",
        ),
    ],
)
def test_a_recipe_that_does_not_hold_is_refused(root: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Recipe.checked(changed(root, **changes), subject="recipe.yaml")
