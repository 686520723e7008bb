from __future__ import annotations
import json, sys, time, cProfile, pstats
from pathlib import Path
from typing import Any
def test_x(vigibati: Any, scene: Any, checkpoint: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    for i in range(3):
        t=time.time(); c=time.process_time()
        p=cProfile.Profile()
        p.enable()
        ran = vigibati("detect", scene.ortho, *scene.cadastre, "--checkpoint", checkpoint, "--out", tmp_path / "d.gpkg", "--json")
        p.disable()
        print(time.time()-t,time.process_time()-c)
    pstats.Stats(p).sort_stats("cumtime").print_stats(45)
    assert 0
