from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyproj import CRS
from shapely.geometry import MultiPolygon, box

from vigibati.configs.errors import OutputError
from vigibati.datasets.grid import PixelGrid, Pixels, Window
from vigibati.datasets.pictures import quicklook as module
from vigibati.datasets.pictures.drawing import round_length_m
from vigibati.datasets.pictures.quicklook import Outlines, crop, quicklook

LEFT, TOP, GSD = 700_000.0, 6_600_000.0, 0.5


@dataclass
class Painted:
    """An orthophoto in memory: red grows to the east, green to the south; no image beyond ``image``."""

    width: int
    height: int
    image: tuple[int, int] | None = None

    @property
    def grid(self) -> PixelGrid:
        return PixelGrid(CRS(2154), Affine(GSD, 0, LEFT, 0, -GSD, TOP), self.width, self.height)

    def read(self, window: Window) -> Pixels:
        columns = np.arange(window.col, window.col + window.width)
        rows = np.arange(window.row, window.row + window.height)
        values = np.zeros((3, window.height, window.width), dtype=np.uint8)
        values[0] = np.clip(columns * 200 // self.width, 0, 255)
        values[1] = np.clip(rows * 100 // self.height, 0, 255)[:, None]
        right, bottom = self.image or (self.width, self.height)
        valid = ((rows >= 0) & (rows < bottom))[:, None] & (columns >= 0) & (columns < right)
        return Pixels(values, valid)


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).astype(int)


def test_each_pixel_is_the_mean_of_what_it_covers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Numbered(Painted):
        def read(self, window: Window) -> Pixels:
            all_values = np.broadcast_to(np.arange(36, dtype=np.uint8).reshape(6, 6), (3, 6, 6))
            part = (
                slice(window.row, window.row + window.height),
                slice(window.col, window.col + window.width),
            )
            valid = np.ones((6, 6), dtype=np.bool_)
            valid[:2, :2] = False
            valid[0, 5] = False
            return Pixels(all_values[:, *part], valid[part])

    expected = np.array([[235, 6, 8], [16, 18, 20], [28, 30, 32]])
    expected[0, 2] = round((4 + 10 + 11) / 3)
    for block_px in (4, 16, 10_000):
        monkeypatch.setattr(module, "_BLOCK_PX", block_px)
        picture = np.asarray(module._reduced(Numbered(6, 6), 3, 3)).astype(int)
        # A mean of 3.5 may go either way.
        assert np.abs(picture[..., 1] - expected).max() <= 1


@settings(max_examples=40)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    share=st.floats(0.05, 1),
    block_px=st.integers(60, 4000),
)
def test_the_picture_does_not_depend_on_blocks(width: int, height: int, share: float, block_px: int) -> None:
    ortho = Painted(width, height, image=(max(1, width - 3), height))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_PX", 10**9)
        whole = np.asarray(module._reduced(ortho, *size))
        patch.setattr(module, "_BLOCK_PX", block_px)
        assert np.array_equal(np.asarray(module._reduced(ortho, *size)), whole)


def test_outlines_lie_where_they_belong(tmp_path: Path) -> None:
    ortho = Painted(800, 800)
    # Pixels 100..200 across and 50..100 down, in a picture of half the size.
    house = box(LEFT + 100 * GSD, TOP - 100 * GSD, LEFT + 200 * GSD, TOP - 50 * GSD)
    plain, drawn = tmp_path / "plain.png", tmp_path / "drawn.png"
    quicklook(ortho, (), plain, size_px=400)
    quicklook(ortho, [Outlines("A", "#ff00ff", [MultiPolygon([house])], width_px=3)], drawn, size_px=400)
    changed = np.abs(opened(drawn) - opened(plain)).sum(axis=-1) > 60
    # The legend lies in the lower left corner.
    rows, columns = np.nonzero(changed[:60])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx((24, 51, 49, 100), abs=1)
    assert not changed[32:44, 56:94].any()


def test_labels_stand_at_the_corner_and_may_be_fewer(tmp_path: Path) -> None:
    ortho = Painted(400, 400)
    places = [box(LEFT + x, TOP - 60, LEFT + x + 20, TOP - 40) for x in (20, 120)]
    for name, labels in (("bare", ()), ("one", ("8",)), ("two", ("8", "8"))):
        quicklook(ortho, [Outlines("A", "blue", places, labels)], tmp_path / f"{name}.png", size_px=400)
    one, two = opened(tmp_path / "one.png"), opened(tmp_path / "two.png")
    rows, columns = np.nonzero(np.abs(one - two).sum(axis=-1) > 60)
    assert 270 <= columns.min() <= columns.max() <= 310
    assert 55 <= rows.min() <= rows.max() <= 90
    assert not np.array_equal(one, opened(tmp_path / "bare.png"))


def test_where_there_is_no_image_it_is_grey(tmp_path: Path) -> None:
    quicklook(Painted(300, 300, image=(150, 300)), (), tmp_path / "x.png", size_px=300)
    picture = opened(tmp_path / "x.png")
    assert (picture[:150, 151:] == 235).all()
    assert (picture[:150, :150, 2] == 0).all()


def test_a_small_orthophoto_is_enlarged(tmp_path: Path) -> None:
    quicklook(Painted(40, 20), (), tmp_path / "x.png", size_px=400)
    assert opened(tmp_path / "x.png").shape == (200, 400, 3)


def test_memory_does_not_grow_with_the_orthophoto(tmp_path: Path) -> None:
    tracemalloc.start()
    quicklook(Painted(6000, 5000), (), tmp_path / "x.png", size_px=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6  # the whole image would take 90 MB, and its mask 30 MB


def test_a_crop_shows_the_pixels_themselves(tmp_path: Path) -> None:
    ortho = Painted(400, 400)
    place = box(LEFT + 100 * GSD, TOP - 230 * GSD, LEFT + 120 * GSD, TOP - 200 * GSD)
    crop(ortho, place.bounds, tmp_path / "x.png", margin_m=20)
    picture = opened(tmp_path / "x.png")
    assert picture.shape == (30 + 80, 20 + 80, 3)
    expected = ortho.read(Window(60, 160, 100, 110)).values.transpose(1, 2, 0)
    assert np.array_equal(picture[:60], expected[:60])


def test_a_crop_may_reach_outside(tmp_path: Path) -> None:
    crop(Painted(400, 400), (LEFT - 5, TOP - 5, LEFT + 5, TOP + 5), tmp_path / "x.png", margin_m=45)
    picture = opened(tmp_path / "x.png")
    assert (picture[:98, :98] == 235).all()
    assert (picture[:98, 101:] == 235).all()
    assert (picture[101:150, 101:, 2] == 0).all()


@pytest.mark.parametrize(
    ("longest_m", "shown_m"),
    [(1, 1), (1.9, 1), (4.9, 2), (5, 5), (99, 50), (100, 100), (0.7, 0.5), (2300, 2000)],
)
def test_round_lengths(longest_m: float, shown_m: float) -> None:
    assert round_length_m(longest_m) == pytest.approx(shown_m)


def test_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"end the name in \.png"):
        quicklook(Painted(10, 10), (), tmp_path / "x.jpg")
    (tmp_path / "x.png").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        crop(Painted(10, 10), (LEFT, TOP - 2, LEFT + 2, TOP), tmp_path / "x.png")
