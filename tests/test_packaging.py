"""What is installed: every room and what it reads, with types that a project of one's own finds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

FOLDERS = ("cadastre", "checkpoints", "configs", "datasets", "inference", "training", "vigibati")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built of a copy so that nothing is left in the repository."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(root / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(root / name, source)
    build = ("pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation")
    subprocess.run(
        [sys.executable, "-P", "-m", *build, "--wheel-dir", out, source], check=True, capture_output=True
    )
    (made,) = out.glob("*.whl")
    return made


def test_the_wheel_holds_every_room_and_all_that_they_read(root: Path, wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    names = {path.relative_to(root).as_posix() for path in files if path.suffix != ".pyc"}
    assert held == {name if name.startswith("vigibati/") else f"vigibati/{name}" for name in names}
    assert {"vigibati/py.typed", "vigibati/checkpoints/model.safetensors"} < held
    assert "vigibati/configs/presets/laws/france.yaml" in held


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with all that is installed here but this package."""
    folder = tmp_path_factory.mktemp("project")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    (site,) = (folder / "env").glob("lib/python3*/site-packages")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(("vigibati", "__editable__", "_virtualenv", "distutils")):
            (site / path.name).symlink_to(path)
    return folder


# A minute on two cores: mypy reads torch, once for both.
@pytest.mark.parametrize("way", ["wheel", "editable"])
def test_a_type_checker_finds_the_package_in_a_project(
    root: Path, wheel: Path, project: Path, way: str
) -> None:
    (site,) = (project / "env").glob("lib/python3*/site-packages")
    installed = site / "vigibati" if way == "wheel" else site / "vigibati-stubs"
    if way == "wheel":
        zipfile.ZipFile(wheel).extractall(site)
    else:
        make = str(shutil.which("make"))
        subprocess.run([make, "-s", "-C", root, "stubs", f"SITE={site}"], check=True)
    page = (root / "docs" / "api.md").read_text(encoding="utf-8")
    asked = "reveal_type(report)\nreveal_type(vigibati.predict)\nreveal_type(done.report.megapixels)\n"
    asked += "vigibati.detects  # type: ignore[attr-defined]\n"
    code = "\n".join([*re.findall(r"```python\n(.*?)```", page, re.DOTALL), asked])
    (project / "user.py").write_text(code, encoding="utf-8")
    options = ("--config-file=", "--strict", "--disable-error-code=import-untyped", "--cache-dir=cache")
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "mypy", *options, "--python-executable=env/bin/python", "user.py"],
        cwd=project,
        check=False,
        capture_output=True,
        text=True,
    )
    shutil.rmtree(installed)
    assert ran.returncode == 0, ran.stdout
    revealed = re.findall(r'Revealed type is "(.*)"', ran.stdout)
    assert revealed[0] == "vigibati.detection.report.DetectReport"
    assert re.match(
        r"def \(picture: numpy.ndarray\[.*\], checkpoint: .*, gsd_m: float, device: str =", revealed[1]
    )
    assert revealed[2] == "float"
