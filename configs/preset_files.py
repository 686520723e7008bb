"""Where presets lie: those of the package by name, those of the user by path."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from vigibati.configs.errors import SettingsError
from vigibati.configs.paths import StrPath

_PRESETS: Final = Path(__file__).with_name("presets")
_FOLDERS: Final = {"rules": "laws", "method": "methods", "territory": "territories"}


def preset_path(
    given: StrPath, *, of: Literal["rules", "method", "territory"], beside: Path = Path()
) -> Path:
    """Return the file of a preset.

    Args:
        given: Name of a preset of the package, or path of a file; a name goes before a file that bears it.
        of: What it is a preset of.
        beside: Folder from which a path is seen.

    Raises:
        SettingsError: It is neither.
    """
    shipped = {path.stem: path for path in sorted((_PRESETS / _FOLDERS[of]).glob("*.yaml"))}
    path = shipped.get(str(given), beside / given)
    if not path.is_file():
        cure = f"the presets are {', '.join(shipped)}; give one of them, or the path of a YAML file"
        where = "" if beside == Path() else f" of {beside}"
        raise SettingsError(f"{of} '{given}'", f"is not a preset, nor a file{where}", cure)
    return path
