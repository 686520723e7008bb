"""The page about Python runs as it stands, block by block, in an empty folder."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest


def test_the_blocks_of_the_page_run_in_their_order(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = root / "docs" / "api.md"
    text = page.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    # Its start takes longer than all that is measured here.
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    names: dict[str, Any] = {}
    blocks = list(re.finditer(r"```python\n(.*?)```", text, re.DOTALL))
    for block in blocks:
        # Errors name the line of the page.
        lines = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        exec(compile(lines, str(page), "exec"), names)  # noqa: S102
    said = capsys.readouterr().out
    assert len(blocks) > 5
    assert "nowhere.tif: " in said
    assert len(names["cases"]) == len(names["report"].cases) > 0
    assert names["score"].missed is not None
    assert {path.name for path in tmp_path.iterdir()} >= {
        "cases.gpkg",
        "offsets.gpkg",
        "compared.gpkg",
        "run",
    }
    assert not (tmp_path / "never.gpkg").exists()
