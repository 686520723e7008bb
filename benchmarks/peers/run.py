"""Measures VigiBâti beside its peers, from GeoTIFF to polygons: same weights, same raster, same threshold.

Writes benchmarks/results/peers.json. Example: python -P benchmarks/peers/run.py --venvs runs/venvs

Each peer has an environment of its own, made with uv from PEER.txt when it is missing. What
borrowed.txt names is left out of it and taken from the environment of this program, so that one
torch runs all networks.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
RESULT: Final = ROOT / "benchmarks" / "results" / "peers.json"
_REFERENCE: Final = "vigibati"
_SETTINGS: Final = {"threshold": 0.5, "min_area_m2": 4.0, "window_px": 512, "overlap_px": 128, "batch": 8}
_TIMEOUT_S: Final = 1800
# Scripts lie beside each other; nothing is fetched while a tool runs.
_OFFLINE: Final = {"PYTHONPATH": str(HERE), "HF_HUB_OFFLINE": "1", "NO_ALBUMENTATIONS_UPDATE": "1"}


@dataclass(frozen=True, slots=True)
class _Tool:
    script: str
    # None: the environment of this program.
    peer: str | None = None
    options: tuple[str, ...] = ()


TOOLS: Final[Mapping[str, _Tool]] = {
    _REFERENCE: _Tool("ours.py"),
    "vigibati, straight walls": _Tool("ours.py", options=("straight",)),
    "monai": _Tool("with_monai.py", "monai"),
    "geoai": _Tool("with_geoai.py", "geoai"),
    "rastervision": _Tool("with_rastervision.py", "rastervision"),
}
"""What is compared, by name."""

SCENES: Final = ("near-free", "shipped")
"""Networks, each with the raster of its name."""


def main() -> None:
    """Make the environments and the input, run everything, write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--venvs", type=Path, default=ROOT / "runs" / "venvs", help="environments of the peers"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "peers", help="rasters and outputs")
    parser.add_argument("--only", nargs="+", choices=TOOLS, default=list(TOOLS), help="tools to run")
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=list(SCENES))
    parser.add_argument("--repeats", type=int, default=2, help="the fastest of so many runs counts")
    parser.add_argument("--side-px", type=int, default=8192, help="side of the near-free network's raster")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    work = given.work.resolve()
    pythons = {name: _python(TOOLS[name], given.venvs.resolve()) for name in given.only}
    _call(sys.executable, "prepare.py", str(work), str(given.side_px))
    rasters = {"near-free": work / f"near-free-{given.side_px}.tif", "shipped": work / "shipped.tif"}
    scenes = {name: _scene(name, rasters[name], pythons, given.repeats) for name in given.scenes}
    result = {
        "machine": _machine(),
        "settings": _SETTINGS,
        "repeats": given.repeats,
        "reference": _REFERENCE,
        "scenes": scenes,
        "geoai_predict_geotiff": _geoai_predict(work, given.venvs.resolve())
        if "geoai" in given.only
        else None,
    }
    given.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _python(tool: _Tool, venvs: Path) -> Path | str:
    """Return the interpreter of a tool, or why there is none."""
    if tool.peer is None:
        return Path(sys.executable)
    venv = venvs / tool.peer
    python = venv / "bin" / "python"
    if (venv / "ready").is_file():
        return python
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    if uv is None:
        sys.exit("uv: is neither beside this interpreter nor on PATH; install it: pip install uv")
    print(f"{tool.peer}: its environment is being made", flush=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(HERE / f"{tool.peer}.txt")]
    try:
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)], check=True)  # noqa: S603 - fixed words
        subprocess.run(  # noqa: S603 - fixed words
            [*install, "--excludes", str(HERE / "borrowed.txt")], check=True, capture_output=True, text=True
        )
    except subprocess.CalledProcessError as error:
        return f"cannot be installed: {_last_line(error.stderr)}"
    packages = venv / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    # Read after the peer's own packages, which win.
    (packages / "zz_borrowed.pth").write_text(str(_home_of_torch()) + "\n", encoding="utf-8")
    (venv / "ready").touch()
    return python


def _home_of_torch() -> Path:
    found = find_spec("torch")
    if found is None or found.origin is None:
        sys.exit("torch: is not installed here; install the extra [model]")
    return Path(found.origin).parents[1]


def _scene(name: str, raster: Path, pythons: Mapping[str, Path | str], repeats: int) -> dict[str, Any]:
    megapixels = _megapixels(raster)
    runs: dict[str, list[dict[str, Any]]] = {tool: [] for tool in pythons}
    errors = {tool: python for tool, python in pythons.items() if isinstance(python, str)}
    outputs = {
        tool: raster.parent / f"{name}-{tool.replace(', ', '-').replace(' ', '-')}.gpkg" for tool in pythons
    }
    for repeat in range(repeats):
        # Whoever follows whom: the order turns around.
        for tool in list(pythons) if repeat % 2 == 0 else list(reversed(pythons)):
            if tool in errors:
                continue
            try:
                runs[tool].append(_run(tool, pythons[tool], name, raster, outputs[tool]))
            except RuntimeError as error:
                errors[tool] = str(error)
            print(f"{name}, {tool}: {errors.get(tool) or runs[tool][-1]}", flush=True)
    scores = _scores(name, raster, {tool: path for tool, path in outputs.items() if tool not in errors})
    return {
        "raster": {"megapixels": megapixels, "coding": "JPEG, YCbCr, blocks of 512 px, 0.2 m"},
        "tools": {
            tool: {"error": errors[tool]} if tool in errors else _best(runs[tool], megapixels) | scores[tool]
            for tool in pythons
        },
    }


def _run(tool: str, python: Path | str, scene: str, raster: Path, out: Path) -> dict[str, Any]:
    report = out.with_suffix(".json")
    for old in (out, report):
        old.unlink(missing_ok=True)
    task = {"raster": str(raster), "model": scene, "models": str(raster.parent), "out": str(out)}
    words = json.dumps(task | {"report": str(report)} | _SETTINGS)
    begin = time.perf_counter()
    _call(python, TOOLS[tool].script, words, *TOOLS[tool].options)
    with_start = time.perf_counter() - begin
    return json.loads(report.read_text(encoding="utf-8")) | {"seconds_with_start": round(with_start, 3)}


def _best(runs: Sequence[dict[str, Any]], megapixels: float) -> dict[str, Any]:
    fastest = min(runs, key=lambda run: run["seconds"])
    return fastest | {
        "seconds_with_start": min(run["seconds_with_start"] for run in runs),
        "cpu_seconds": min(run["cpu_seconds"] for run in runs),
        "peak_mib": max(run["peak_mib"] for run in runs),
        "mpx_per_s": round(megapixels / fastest["seconds"], 3),
        "seconds_of_all": [run["seconds"] for run in runs],
    }


def _scores(scene: str, raster: Path, outputs: Mapping[str, Path]) -> dict[str, Any]:
    report = raster.with_name(f"{scene}-scores.json")
    given = {
        "raster": str(raster),
        "near_free": scene == "near-free",
        "min_area_m2": _SETTINGS["min_area_m2"],
        "reference": _REFERENCE,
        "outputs": {tool: str(path) for tool, path in outputs.items()},
        "report": str(report),
    }
    _call(sys.executable, "score.py", json.dumps(given))
    return json.loads(report.read_text(encoding="utf-8"))


def _geoai_predict(work: Path, venvs: Path) -> dict[str, Any]:
    python = _python(TOOLS["geoai"], venvs)
    if isinstance(python, str):
        return {"error": python}
    report = work / "geoai-predict.json"
    given = {
        "jpeg": str(work / "small.tif"),
        "lossless": str(work / "small-deflate.tif"),
        "model": str(work / "near-free-logit.pt2"),
        "out": str(work / "geoai-predict.tif"),
        "report": str(report),
    }
    try:
        _call(python, "geoai_predict.py", json.dumps(given))
    except RuntimeError as error:
        return {"error": str(error)}
    return json.loads(re.sub(re.escape(str(work)) + "/", "", report.read_text(encoding="utf-8")))


def _call(python: Path | str, script: str, *words: str) -> None:
    command = [str(python), "-P", str(HERE / script), *words]
    try:
        done = subprocess.run(  # noqa: S603 - our own scripts
            command,
            env=os.environ | _OFFLINE,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"was stopped after {_TIMEOUT_S} s") from None
    if done.returncode:
        raise RuntimeError(f"ended with {done.returncode}: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    """Return what an error says in the end, without the folders of this machine."""
    lines = [line for line in (text or "").splitlines() if line.strip()]
    return re.sub(r"/\S*/", "", lines[-1])[:300] if lines else "without a word"


def _megapixels(raster: Path) -> float:
    code = "import rasterio, sys; d = rasterio.open(sys.argv[1]); print(d.width * d.height / 1e6)"
    command = [sys.executable, "-P", "-c", code, str(raster)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - our own words


def _machine() -> dict[str, Any]:
    cpus = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", cpus.read_text(encoding="utf-8")) if cpus.is_file() else None
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": found[1] if found else platform.processor(),
        "python": platform.python_version(),
        "system": platform.system(),
        # Above the number of cores, others were at work too and the times say little.
        "load_at_the_end": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    main()
