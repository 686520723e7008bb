from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from vigibati.configs.paths import StrPaths, as_path, as_paths


def test_text_becomes_a_path_and_nothing_stays_nothing() -> None:
    assert as_path("a/b.tif") == as_path(PurePosixPath("a/b.tif")) == Path("a/b.tif")
    assert as_path(None) is None


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ("ortho.tif", (Path("ortho.tif"),)),
        (Path("ortho.tif"), (Path("ortho.tif"),)),
        (["b.tif", Path("a.tif")], (Path("b.tif"), Path("a.tif"))),
        ((), ()),
    ],
)
def test_one_path_is_a_list_of_one(given: StrPaths, paths: tuple[Path, ...]) -> None:
    assert as_paths(given) == paths
