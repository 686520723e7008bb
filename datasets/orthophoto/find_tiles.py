"""The files that a user means by naming files, folders and lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vigibati.configs.errors import RasterError

_SUFFIXES = (".tif", ".tiff", ".jp2", ".j2k")


def find_tiles(named: Sequence[Path]) -> list[Path]:
    """Replace folders and lists by the files that they stand for; other names stay as they are.

    A folder stands for its GeoTIFF and JPEG 2000 files, in the order of their names: ``.tif``,
    ``.tiff``, ``.jp2``, ``.j2k`` in any case, neither hidden ones nor those of its folders. A list is
    a text file, ``*.txt`` or any name behind ``@``, that names a file or a folder a line, relative to its
    own folder; empty lines and those that begin with ``#`` say nothing. What is named twice counts once.

    Raises:
        RasterError: A folder holds no such file, or a list names none or cannot be read.
    """
    tiles: dict[Path, None] = {}
    for path in named:
        places = [path]
        if str(path).startswith("@") or path.suffix.lower() == ".txt":
            places = _listed(Path(str(path).removeprefix("@")))
        for place in places:
            tiles |= dict.fromkeys(_in_folder(place) if place.is_dir() else [place])
    return list(tiles)


def _in_folder(folder: Path) -> list[Path]:
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise RasterError(folder, f"cannot be read ({error.strerror})", "choose another folder") from error
    found = [
        path
        for path in inside
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        cause = f"holds no GeoTIFF or JPEG 2000 ({', '.join(_SUFFIXES)})"
        raise RasterError(folder, cause, "give the folder with the tiles themselves")
    return found


def _listed(path: Path) -> list[Path]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as error:
        raise RasterError(path, f"cannot be read ({error.strerror})", "give an existing list") from error
    except UnicodeDecodeError as error:
        raise RasterError(path, "is no list of files in UTF-8", "write one path a line") from error
    places = [path.parent / line for line in lines if line and not line.startswith("#")]
    if not places:
        raise RasterError(path, "names no file", "write one path a line")
    return places
