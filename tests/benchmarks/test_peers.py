from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up there.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def models(root: Path) -> ModuleType:
    return loaded(root / "benchmarks" / "peers" / "models.py")


@pytest.fixture(scope="module")
def network(root: Path) -> ModuleType:
    return loaded(root / "benchmarks" / "peers" / "network.py")


@pytest.fixture(scope="module")
def driver(root: Path) -> ModuleType:
    return loaded(root / "benchmarks" / "peers" / "run.py")


def test_the_near_free_network_sees_brightness_alone(models: ModuleType) -> None:
    # 220 * 3 = 660 is where it begins; the three pixels around it lie on their own side.
    sums = torch.tensor([[220, 220, 220], [220, 220, 219], [255, 255, 150], [255, 255, 149], [0, 0, 0]])
    pixels = sums.T[None, :, :, None] / 255
    seen = models.checkpoint("near-free").network(pixels)[0, 0, :, 0].sigmoid()
    assert (seen > 0.55).tolist() == [True, False, True, False, False]
    assert (seen < 0.45).tolist() == [False, True, False, True, True]


@pytest.mark.parametrize("name", ["near-free", "shipped"])
def test_peers_are_given_the_same_network(
    models: ModuleType, network: ModuleType, tmp_path: Path, name: str
) -> None:
    models.export(name, tmp_path)
    ours, pixels = models.checkpoint(name), torch.rand(3, 3, 512, 512)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (ours.contract.mean, ours.contract.std))
    with torch.inference_mode():
        wanted = ours.network((pixels - mean) / std)
        logit = network.Network(tmp_path / f"{name}-logit.pt2").eval()(pixels)
        classes = network.Network(tmp_path / f"{name}-classes.pt2").eval()(pixels)
    assert wanted.shape == (3, 1, 512, 512)
    torch.testing.assert_close(logit, wanted, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(classes.softmax(dim=1)[:, 1:], wanted.sigmoid(), rtol=1e-4, atol=1e-4)


def test_the_fastest_run_counts_with_the_largest_memory(driver: ModuleType) -> None:
    runs = [
        {"seconds": 8.0, "seconds_with_start": 9.0, "cpu_seconds": 3.0, "peak_mib": 700.0},
        {"seconds": 4.0, "seconds_with_start": 11.0, "cpu_seconds": 5.0, "peak_mib": 600.0},
    ]
    best = driver._best(runs, 64.0)
    assert (best["seconds"], best["seconds_with_start"], best["mpx_per_s"]) == (4.0, 9.0, 16.0)
    assert (best["cpu_seconds"], best["peak_mib"], best["seconds_of_all"]) == (3.0, 700.0, [8.0, 4.0])


def test_errors_tell_no_folder_of_the_machine(driver: ModuleType) -> None:
    text = "Traceback\n  File x\nOSError: /home/someone/venvs/geoai/model.pt: no such file\n\n"
    assert driver._last_line(text) == "OSError: model.pt: no such file"
    assert driver._last_line("") == "without a word"


def test_tiles_of_the_mosaic_go_round_the_raster(root: Path) -> None:
    scale_run = loaded(root / "benchmarks" / "scale_run.py")
    pixels = np.arange(12).reshape(1, 3, 4)
    # Rows 2, 0 and columns 3, 0, 1, 2, 3 of the numbers 0-11 in three rows.
    assert scale_run._repeated(pixels, 2, 3, (2, 5)).tolist() == [[[11, 8, 9, 10, 11], [3, 0, 1, 2, 3]]]
