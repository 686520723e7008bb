from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from vigibati.configs.atomic_files import check_writable, sha256_file, whole_file
from vigibati.configs.errors import OutputError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "new" / "result.tif"
    with whole_file(out) as part:
        part.write_text("whole", encoding="utf-8")
        assert (part.parent, part.suffix) == (out.parent, ".tif")
        assert not out.exists()
    assert out.read_text(encoding="utf-8") == "whole"
    assert names(tmp_path) == ["new", "result.tif"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o644


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_what_was_there(tmp_path: Path, failure: type[BaseException]) -> None:
    out = tmp_path / "result.gpkg"
    out.write_text("earlier", encoding="utf-8")

    def fail() -> None:
        with whole_file(out) as part:
            part.write_text("half", encoding="utf-8")
            for end in ("-journal", "-wal", "-shm"):
                Path(f"{part}{end}").touch()
            raise failure

    with pytest.raises(failure):
        fail()
    assert out.read_text(encoding="utf-8") == "earlier"
    assert names(tmp_path) == ["result.gpkg"]


def test_a_place_that_cannot_be_written_is_refused_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    folder = tmp_path / "folder.gpkg"
    folder.mkdir()
    for out, message in (
        (folder, "is a folder; give the name of a file"),
        (file / "out.gpkg", "cannot be made, because .*file is a file; choose another folder"),
        (file / "deep" / "out.gpkg", "cannot be made, because .*file is a file; choose another folder"),
    ):
        with pytest.raises(OutputError, match=message):
            check_writable(out)
        with pytest.raises(OutputError, match=message), whole_file(out):
            pytest.fail("the block must not run")
    # Root, who may run the tests, may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)
    with pytest.raises(OutputError, match="cannot be written to; choose a folder of yours"):
        check_writable(tmp_path / "new" / "out.gpkg")
    assert names(tmp_path) == ["file", "folder.gpkg"]


def test_a_place_that_is_not_there_yet_is_fine_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_writable(tmp_path / "a" / "b" / "out.gpkg")
    monkeypatch.chdir(tmp_path)
    check_writable(Path("out.gpkg"))
    assert names(tmp_path) == []


def test_two_that_write_the_same_file_do_not_meet(tmp_path: Path) -> None:
    # As in containers: every process has the number 1.
    out = tmp_path / "job.json"
    with whole_file(out) as first, whole_file(out) as second:
        first.write_text("first", encoding="utf-8")
        second.write_text("second", encoding="utf-8")
    assert out.read_text(encoding="utf-8") == "first"
    assert names(tmp_path) == ["job.json"]


def test_a_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert sha256_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()
