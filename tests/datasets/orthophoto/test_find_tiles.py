from __future__ import annotations

from pathlib import Path

import pytest

from vigibati.configs.errors import RasterError
from vigibati.datasets.orthophoto.find_tiles import find_tiles


def _touch(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return [folder / name for name in names]


def test_a_folder_stands_for_its_images_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    wanted = _touch(folder, "1.TIF", "2.jp2", "3.tiff", "4.j2k")
    _touch(folder, "1.TIF.msk", "1.TIF.aux.xml", "2.tfw", "2.jp2.ovr", ".5.part.tif", "tiles.vrt", "0.txt")
    (folder / "6.tif").mkdir()
    assert find_tiles([folder]) == wanted
    other = tmp_path / "other.tif"
    assert find_tiles([other, folder, other]) == [other, *wanted]


def test_a_list_names_files_from_its_own_folder(tmp_path: Path) -> None:
    tiles = _touch(tmp_path / "été", "b.tif", "a.tif")
    far = _touch(tmp_path / "far", "c.jp2")
    text = f"\ufeff# the eastern ones first\n\n  été/b.tif\r\nété/a.tif\n{far[0]}\nété\n"
    (tmp_path / "list.txt").write_text(text, encoding="utf-8")
    (tmp_path / "plain").write_text("été/a.tif")
    assert find_tiles([tmp_path / "list.txt"]) == [*tiles, *far]
    assert find_tiles([Path(f"@{tmp_path}/list.txt")]) == [*tiles, *far]
    assert find_tiles([Path(f"@{tmp_path}/plain")]) == tiles[1:]


def test_empty_folders_and_lists_are_errors(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    _touch(folder, "a.png")
    with pytest.raises(RasterError, match=r"tiles: holds no GeoTIFF or JPEG 2000 \(\.tif, .*; give the"):
        find_tiles([folder])
    (tmp_path / "list.txt").write_text("# none\n\n")
    with pytest.raises(RasterError, match=r"list\.txt: names no file; write one path a line"):
        find_tiles([tmp_path / "list.txt"])
    with pytest.raises(RasterError, match=r"none: cannot be read \(No such file or directory\)"):
        find_tiles([Path(f"@{tmp_path}/none")])
    (tmp_path / "list.txt").write_bytes(b"\xe9t\xe9.tif")
    with pytest.raises(RasterError, match=r"list\.txt: is no list of files in UTF-8"):
        find_tiles([tmp_path / "list.txt"])
