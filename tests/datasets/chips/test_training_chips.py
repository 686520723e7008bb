from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vigibati.configs.errors import InputError
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip, manifest_sha256, read_manifests
from vigibati.datasets.chips.training_chips import Sample, TrainingChips, emphasised, labelled, stack
from vigibati.datasets.chips.validation_chips import ValidationChips


def make_chip(folder: Path, name: str, *, source: str = "town", gsd_m: float = 0.2, side: int = 64) -> Chip:
    rows, columns = np.mgrid[0:side, 0:side]
    image = np.stack([rows, columns, rows + columns], axis=-1).astype(np.uint8)
    mask = np.zeros((side, side), np.uint8)
    mask[: side // 2, : side // 4] = 1
    Image.fromarray(image).save(folder / f"{name}.png")
    Image.fromarray(mask).save(folder / f"{name}_mask.png")
    return Chip(folder / f"{name}.png", folder / f"{name}_mask.png", source, "train", gsd_m)


def write_manifest(folder: Path, text: str) -> Path:
    path = folder / "chips.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_manifest_paths_are_relative_to_it(tmp_path: Path) -> None:
    make_chip(tmp_path, "a")
    path = write_manifest(tmp_path, "path,mask,source,split,gsd_m\na.png,a_mask.png,town,val,0.25\n")
    (chip,) = read_manifests([path])
    assert (chip.source, chip.split, chip.gsd_m) == ("town", "val", 0.25)
    assert chip.read_image().shape == (64, 64, 3)
    assert chip.read_mask().sum() == 32 * 16


def test_one_bit_masks_hold_class_one(tmp_path: Path) -> None:
    chip = make_chip(tmp_path, "a")
    Image.fromarray(np.array([[True, False]])).save(chip.mask)
    assert chip.read_mask().tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,mask,source\n", r"columns \['split', 'gsd_m'\] are missing"),
        ("path,mask,source,split,gsd_m\n", "names no chip"),
        ("path,mask,source,split,gsd_m\nb.png,b.png,town,val,0.2\n", "names b.png, which is not there"),
    ],
)
def test_bad_manifests_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_manifests([write_manifest(tmp_path, text)])


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such chip manifest"):
        read_manifests([tmp_path / "none.csv"])


def test_fingerprint_follows_the_pixels(tmp_path: Path) -> None:
    chip = make_chip(tmp_path, "a")
    before = manifest_sha256([chip])
    assert before == manifest_sha256([chip])
    Image.fromarray(np.full((64, 64), 1, np.uint8)).save(chip.mask)
    assert manifest_sha256([chip]) != before


def test_unlabelled_classes_are_known_only_where_another_class_is() -> None:
    mask = torch.tensor([[0, 1, 2]])
    sample = labelled(torch.zeros(3, 1, 3, dtype=torch.uint8), mask, ("building", "pool"), ("building",))
    assert sample.target.tolist() == [[[0, 1, 0]], [[0, 0, 1]]]
    assert sample.label_weight.tolist() == [[[1, 1, 1]], [[0, 1, 1]]]


def test_image_and_mask_move_together(tmp_path: Path, recipe: Callable[..., Recipe]) -> None:
    chip = make_chip(tmp_path, "a", side=64)
    image = np.zeros((64, 64, 3), np.uint8)
    image[:32, :16] = 200
    Image.fromarray(image).save(chip.image)
    chips = TrainingChips([chip], recipe())
    for key in range(12):
        sample = chips[key]
        assert sample.image.shape == (3, 32, 32)
        bright = sample.image.float().mean(dim=0) > 60
        # Resampling may move the border by a pixel, not more.
        assert float((bright != (sample.target[0] > 0)).float().mean()) < 0.15


def soft_chip(folder: Path, *, target: int, weight: int) -> Chip:
    """A bright corner, and labels of two classes: the first as given there, the second half there."""
    chip = make_chip(folder, "soft")
    image = np.zeros((64, 64, 3), np.uint8)
    planes = np.zeros((4, 64, 64), np.uint8)
    image[:32, :16], planes[0, :32, :16], planes[1] = 200, target, weight
    planes[2:] = 100
    Image.fromarray(image).save(chip.image)
    Image.fromarray(planes.reshape(-1, 64)).save(folder / "planes.png")
    return replace(chip, soft=folder / "planes.png")


def test_soft_labels_are_targets_and_weights_that_move_with_the_image(
    tmp_path: Path, recipe: Callable[..., Recipe]
) -> None:
    chips = TrainingChips([soft_chip(tmp_path, target=150, weight=10)], recipe())
    for key in range(12):
        sample = chips[key]
        assert sample.target.shape == sample.label_weight.shape == (2, 32, 32)
        bright = sample.image.float().mean(dim=0) > 60
        assert float((bright != (sample.target[0] > 0)).float().mean()) < 0.15
        assert set(sample.target[0].unique().tolist()) <= {0, 0.75}
        assert sample.label_weight[0].unique().tolist() == pytest.approx([0.2])
        assert sample.target[1].unique().tolist() == [0.5]
        assert sample.label_weight[1].unique().tolist() == [2]


def test_soft_labels_belong_to_the_fingerprint(tmp_path: Path) -> None:
    chip = soft_chip(tmp_path, target=150, weight=10)
    before = manifest_sha256([chip])
    assert before != manifest_sha256([replace(chip, soft=None)])
    soft_chip(tmp_path, target=151, weight=10)
    assert manifest_sha256([chip]) != before


def test_a_chip_without_soft_labels_has_none_to_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no soft labels"):
        make_chip(tmp_path, "a").read_soft()


def test_what_is_hardly_likely_is_no_small_object() -> None:
    target = torch.zeros(1, 8, 8)
    target[0, 1, 1], target[0, 6, 6] = 0.4, 0.9
    sample = Sample(torch.zeros(3, 8, 8, dtype=torch.uint8), target, torch.ones(1, 8, 8))
    known = emphasised(sample, 3, 0.5).label_weight[0]
    assert (known[1, 1], known[6, 6]) == (1, 3)


def test_a_draw_can_be_repeated(tmp_path: Path, recipe: Callable[..., Recipe]) -> None:
    chips = TrainingChips([make_chip(tmp_path, "a")], recipe())
    assert torch.equal(chips[5].image, chips[5].image)
    assert not torch.equal(chips[5].image, chips[6].image)


def test_validation_chips_come_at_the_recipes_ground_size(
    tmp_path: Path, recipe: Callable[..., Recipe]
) -> None:
    coarse = ValidationChips([make_chip(tmp_path, "a", gsd_m=0.25, side=40)], recipe())[0]
    assert coarse.image.shape == (3, 64, 64)  # 40 px at 0.25 m are 50 at 0.2 m, padded to 64
    assert float(coarse.label_weight[0].sum()) == 50 * 50
    assert float(coarse.target[0].sum()) == pytest.approx(40 * 40 / 8 / 0.64, rel=0.05)
    assert stack([coarse, coarse]).image.shape == (2, 3, 64, 64)


@pytest.mark.parametrize(("side", "gsd_m"), [(5, 0.2), (40, 0.02), (1, 0.2)])
def test_chips_smaller_than_a_crop_are_mirrored_as_often_as_it_takes(
    tmp_path: Path, side: int, gsd_m: float, recipe: Callable[..., Recipe]
) -> None:
    chip = make_chip(tmp_path, "a", side=side, gsd_m=gsd_m)
    for key in range(4):
        sample = TrainingChips([chip], recipe())[key]
        assert sample.image.shape == (3, 32, 32)
        assert sample.target.shape == (2, 32, 32)
    measured = ValidationChips([chip], recipe())[0]
    assert measured.image.shape == (3, 32, 32)
    assert float(measured.label_weight[0].sum()) == max(1, round(side * gsd_m / 0.2)) ** 2


def test_small_objects_and_their_surroundings_count_more() -> None:
    mask = torch.zeros(40, 40, dtype=torch.uint8)
    mask[4:8, 4:10] = 1  # 24 pixels of a square metre
    mask[20:30, 20:30] = 1  # 100 of them
    mask[2:4, 30:33] = 2
    sample = labelled(torch.zeros(3, 40, 40, dtype=torch.uint8), mask, ("building", "pool"), ("building",))
    weighted = emphasised(sample, 3.0, 1.0)
    expected = torch.ones(40, 40)
    expected[3:9, 4:10] = expected[4:8, 3:11] = 3
    assert torch.equal(weighted.label_weight[0], expected)
    assert torch.equal(weighted.label_weight[1], sample.label_weight[1])
    assert torch.equal(weighted.target, sample.target)
    assert emphasised(sample, 1.0, 1.0) is sample
