from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

from vigibati.configs.errors import RasterError
from vigibati.datasets.grid import Window
from vigibati.datasets.orthophoto import file_reader
from vigibati.datasets.orthophoto.orthophoto import Orthophoto, open_ortho
from vigibati.datasets.orthophoto.strip_reader import StripReader

_X, _Y = 700000.0, 6600000.0
_TILED = {"tiled": True, "blockxsize": 128, "blockysize": 64, "compress": "deflate"}


def _picture(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 250, (3, height, width), dtype=np.uint8)


def _write(path: Path, values: np.ndarray, col: float = 0, row: float = 0, **options: object) -> Path:
    """Write a picture whose corner lies at (col, row) pixels of 0.2 m from a common origin."""
    pixel = options.pop("pixel", 0.2)
    profile = {
        "driver": "GTiff",
        "count": len(values),
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": values.dtype,
        "crs": "EPSG:2154",
        "photometric": "rgb",
        "transform": Affine(pixel, 0, _X + 0.2 * col, 0, -pixel, _Y - 0.2 * row),
    }
    with rasterio.open(path, "w", **{**profile, **options}) as file:
        file.write(values)
    return path


def _aligned(folder: Path) -> list[Path]:
    """Tiles that touch, overlap and leave a gap: tiled, in odd strips, masked, transparent, black."""
    black = _picture(300, 260, 1)
    black[:, 64:192, 0:128] = 0
    hidden = np.full((1, 250, 300), 255, dtype=np.uint8)
    hidden[:, 30:170, 40:200] = 0
    nodata = _picture(200, 220, 4)
    nodata[:, 20:150, 20:90] = 255
    paths = [
        _write(folder / "black.tif", black, 0, 0, **_TILED),
        _write(folder / "strips.tif", _picture(310, 200, 2), 260, 5, blockysize=27, compress="lzw"),
        _write(folder / "alpha.tif", np.concatenate([_picture(250, 300, 3), hidden]), 60, 200, alpha="yes"),
        _write(folder / "nodata.tif", nodata, 380, 290, nodata=255, interleave="band", blockysize=1),
        _write(folder / "under.tif", _picture(330, 310, 5), 0, 150, **_TILED),
        _write(folder / "far.tif", _picture(64, 64, 6), 640, 620),
    ]
    masked = _write(folder / "masked.tif", _picture(128, 128, 7), 440, 40, **_TILED)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(masked, "r+") as file:
        file.write_mask(hidden[0, :128, :128])
    rasterio.shutil.copy(
        _write(folder / "j.tif", _picture(150, 150, 8), 450, 100),
        folder / "j.jp2",
        driver="JP2OpenJPEG",
        QUALITY="100",
        REVERSIBLE="YES",
        BLOCKXSIZE="64",
        BLOCKYSIZE="64",
    )
    return [*paths, masked, folder / "j.jp2"]


def _misaligned(folder: Path) -> list[Path]:
    return [
        _write(folder / "a.tif", _picture(200, 210, 1), 0, 0, **_TILED),
        _write(folder / "half.tif", _picture(220, 200, 2), 209.5, 3.3, **_TILED),
        _write(folder / "finer.tif", _picture(300, 300, 3), 100.2, 150.7, pixel=0.13, **_TILED),
        _write(folder / "coarser.tif", _picture(200, 200, 4), 0, 100, pixel=0.31, blockysize=7),
    ]


@pytest.fixture(scope="module", params=["aligned", "misaligned", "resampled"])
def mosaic(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthophoto]:
    folder = tmp_path_factory.mktemp("mosaic")
    paths = _aligned(folder) if request.param == "aligned" else _misaligned(folder)
    with open_ortho(paths, gsd_m=0.27 if request.param == "resampled" else None) as ortho:
        yield ortho


_STEPS = st.lists(st.tuples(st.integers(0, 130), st.integers(1, 260)), min_size=1, max_size=7)


@settings(max_examples=40)
@given(col=st.integers(-30, 500), width=st.integers(1, 700), first=st.integers(-20, 300), steps=_STEPS)
def test_strips_hold_what_windows_hold(
    mosaic: Orthophoto, col: int, width: int, first: int, steps: list[tuple[int, int]]
) -> None:
    row = first
    with StripReader(mosaic) as reader:
        for down, height in steps:
            row += down
            window = Window(col, row, width, height)
            got, wanted = reader.read(window), mosaic.read(window)
            assert np.array_equal(got.valid, wanted.valid)
            assert np.array_equal(got.values, wanted.values)
        assert reader.damaged == []


@settings(max_examples=30)
@given(data=st.data())
def test_needed_columns_are_as_without(mosaic: Orthophoto, data: st.DataObject) -> None:
    width = mosaic.grid.width
    ends = data.draw(st.lists(st.integers(0, width), min_size=2, max_size=6, unique=True))
    pairs = sorted(ends)
    needed = list(zip(pairs[::2], pairs[1::2], strict=False))
    with StripReader(mosaic) as reader:
        for row in range(-10, mosaic.grid.height, 90):
            window = Window(0, row, width, 130)
            got, wanted = reader.read(window, needed), mosaic.read(window)
            for start, stop in needed:
                assert np.array_equal(got.valid[:, start:stop], wanted.valid[:, start:stop])
                assert np.array_equal(got.values[..., start:stop], wanted.values[..., start:stop])
        assert reader.blocks_decoded >= reader.blocks_needed


def test_threads_change_nothing(mosaic: Orthophoto) -> None:
    width = mosaic.grid.width
    with StripReader(mosaic) as one, StripReader(mosaic, threads=4) as four:
        for row in range(0, mosaic.grid.height, 100):
            window = Window(0, row, width, 120)
            single, several = one.read(window), four.read(window)
            assert np.array_equal(single.values, several.values)
            assert np.array_equal(single.valid, several.valid)
        assert (one.blocks_decoded, one.blocks_needed) == (four.blocks_decoded, four.blocks_needed)


class _Counted:
    """A dataset that counts how often each of its blocks is asked for."""

    def __init__(self, dataset: object, counts: Counter[tuple[str, int, int]], handles: list[int]) -> None:
        self._dataset, self._counts, self._handles = dataset, counts, handles
        handles.append(handles[-1] + 1)

    def __getattr__(self, name: str) -> object:
        return getattr(self._dataset, name)

    def close(self) -> None:
        self._handles.append(self._handles[-1] - 1)
        self._dataset.close()

    def read(self, bands: object, *, window: rasterio.windows.Window, **options: object) -> np.ndarray:
        rows, columns = self._dataset.block_shapes[0]
        for row in range(window.row_off // rows, -(-(window.row_off + window.height) // rows)):
            for col in range(window.col_off // columns, -(-(window.col_off + window.width) // columns)):
                self._counts[self._dataset.name, row, col] += 1
        return self._dataset.read(bands, window=window, **options)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> tuple[Counter[tuple[str, int, int]], list[int]]:
    counts: Counter[tuple[str, int, int]] = Counter()
    handles = [0]
    opened = file_reader.open_checked
    monkeypatch.setattr(
        file_reader, "open_checked", lambda path, driver: _Counted(opened(path, driver), counts, handles)
    )
    return counts, handles


@pytest.mark.parametrize("threads", [1, 3])
def test_every_block_is_decoded_once(
    tmp_path: Path, counts: tuple[Counter[tuple[str, int, int]], list[int]], threads: int
) -> None:
    decoded, handles = counts
    paths = [
        _write(tmp_path / f"{col}_{row}.tif", _picture(330, 450, col + row), col * 450, row * 330, **_TILED)
        for row in range(3)
        for col in range(2)
    ]
    with open_ortho(paths) as ortho, StripReader(ortho, threads=threads) as reader:
        for row in range(0, 990, 100):
            reader.read(Window(0, row - 30, 900, 160))
            # The two files beside each other, and below them two more; none of those passed.
            assert handles[-1] <= 4 * threads
        assert reader.blocks_decoded == reader.blocks_needed == sum(decoded.values())
    # 4 blocks of 128 columns across, 6 of 64 rows down, in 6 files.
    assert len(decoded) == 4 * 6 * 6
    assert set(decoded.values()) == {1}
    assert handles[-1] == 0


def test_blocks_under_another_file_or_not_needed_are_left(
    tmp_path: Path, counts: tuple[Counter[tuple[str, int, int]], list[int]]
) -> None:
    decoded, _ = counts
    upper = _write(tmp_path / "upper.tif", _picture(256, 512, 1), **_TILED)
    lower = _write(tmp_path / "lower.tif", _picture(384, 512, 2), **_TILED)
    wide = _write(tmp_path / "wide.tif", _picture(384, 8192, 3), 512, 0, **_TILED)
    with open_ortho([upper, lower, wide]) as ortho, StripReader(ortho) as reader:
        for row in range(0, 384, 96):
            reader.read(Window(0, row, 8704, 96), [(0, 512), (5000, 5010)])
        assert reader.blocks_decoded == sum(decoded.values())
        # Upper 4 x 4; lower below row 256, 2 x 4; one block column of the last file.
        assert reader.blocks_needed == 16 + 8 + 6
    assert {key[1:] for key in decoded if key[0] == str(lower)} == {(r, c) for r in (4, 5) for c in range(4)}
    # Of the last file one span of 2048 columns is read, 16 blocks.
    assert {key[2] for key in decoded if key[0] == str(wide)} == set(range(32, 48))


def test_a_jump_reads_again_and_gives_the_same(tmp_path: Path) -> None:
    with (
        open_ortho([_write(tmp_path / "a.tif", _picture(256, 512, 1), **_TILED)]) as ortho,
        StripReader(ortho) as reader,
    ):
        for window in (Window(0, 90, 512, 60), Window(0, 0, 512, 60), Window(100, 70, 90, 100)):
            assert np.array_equal(reader.read(window).values, ortho.read(window).values)
        # Two rows of four blocks, one row, and two rows of two blocks that were among the first.
        assert (reader.blocks_decoded, reader.blocks_needed) == (8 + 4 + 4, 8 + 4)


def _damage(path: Path, row: int, col: int) -> None:
    """Overwrite one deflated block with zeros."""
    with rasterio.open(path) as file:
        offset = int(file.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=1))
        size = int(file.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1))
    content = bytearray(path.read_bytes())
    content[offset : offset + size] = bytes(size)
    path.write_bytes(content)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("col", "width", "height"), [(0, 512, 384), (0, 512, 50), (200, 300, 64), (130, 5, 7)]
)
def test_a_damaged_block_is_lost_alone_whatever_is_asked_for(
    tmp_path: Path, col: int, width: int, height: int, threads: int
) -> None:
    path = _write(tmp_path / "a.tif", _picture(384, 512, 1), **_TILED)
    whole = open_ortho([path]).read(Window(0, 0, 512, 384)).values
    _damage(path, 2, 1)
    wanted = np.ones((384, 512), dtype=bool)
    wanted[128:192, 128:256] = False
    with open_ortho([path]) as ortho, StripReader(ortho, threads=threads) as reader:
        for row in range(0, 384, height):
            pixels = reader.read(Window(col, row - 3, width, height + 6))
            inside = slice(3, 3 + min(height, 384 - row))
            part = (slice(row, min(row + height, 384)), slice(col, col + width))
            assert np.array_equal(pixels.valid[inside], wanted[part])
            assert np.array_equal(pixels.values[:, inside], (whole * wanted)[:, *part])
        (line,) = reader.damaged
    assert line.startswith(f"{path}: is damaged near column 128, row 128 (")


def test_the_file_below_shows_through_a_damaged_block(tmp_path: Path) -> None:
    upper = _write(tmp_path / "a.tif", _picture(128, 256, 1), **_TILED)
    lower = _write(tmp_path / "b.tif", _picture(128, 256, 2), **_TILED)
    _damage(upper, 0, 0)
    with open_ortho([upper, lower]) as ortho, StripReader(ortho) as reader:
        pixels = reader.read(Window(0, 0, 256, 128))
    assert pixels.valid.all()
    assert np.array_equal(pixels.values[:, :64, :128], _picture(128, 256, 2)[:, :64, :128])
    assert np.array_equal(pixels.values[:, 64:], _picture(128, 256, 1)[:, 64:])


def test_a_file_that_goes_away_is_an_error(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.tif", _picture(128, 128, 1))
    with open_ortho([path]) as ortho, StripReader(ortho) as reader:
        _write(path, _picture(64, 64, 1))
        with pytest.raises(RasterError, match=r"a\.tif: was replaced while it was read; start again"):
            reader.read(Window(0, 0, 10, 10))
        path.unlink()
        with pytest.raises(RasterError, match=r"a\.tif: cannot be opened"):
            reader.read(Window(0, 0, 10, 10))


def test_sixteen_bits_alpha_and_infrared_come_through(tmp_path: Path) -> None:
    values = np.random.default_rng(5).integers(0, 4000, (5, 200, 300), dtype=np.uint16)
    values[4] = np.where(values[4] < 1000, 0, 65535)
    path = _write(tmp_path / "a.tif", values, alpha="yes", **_TILED)
    options = {"bands": ("nir", "green"), "band_order": (4, 2), "scale": (300, 3000)}
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [*file.colorinterp[:3], ColorInterp.nir, ColorInterp.alpha]
    with open_ortho([path], **options) as ortho, StripReader(ortho) as reader:
        for row in range(0, 200, 70):
            window = Window(0, row, 300, 90)
            got, wanted = reader.read(window), ortho.read(window)
            assert got.values.shape == (2, 90, 300)
            assert np.array_equal(got.values, wanted.values)
            assert np.array_equal(got.valid, wanted.valid)
            assert 0.5 < got.valid[: 200 - row].mean() < 0.9


def test_files_are_only_opened_where_they_lie(
    tmp_path: Path, counts: tuple[Counter[tuple[str, int, int]], list[int]]
) -> None:
    _, handles = counts
    paths = [_write(tmp_path / f"{i}.tif", _picture(64, 64, i), 0, 64 * i) for i in range(20)]
    with open_ortho(paths) as ortho, StripReader(ortho) as reader:
        for row in range(0, 1280, 64):
            reader.read(Window(0, row - 8, 64, 80))
    assert max(handles) == 3
    assert handles[-1] == 0


def test_a_border_between_files_takes_no_second_buffer(tmp_path: Path) -> None:
    """Of the file above only the rows that are still needed stay, while the one below fills its own."""
    one = _write(tmp_path / "0.tif", _picture(1024, 8192, 1), **_TILED)
    two = _write(tmp_path / "1.tif", _picture(1024, 8192, 2), 0, 1024, **_TILED)
    assert _peak([one, two]) < 1.1 * _peak([one])


def _peak(paths: list[Path]) -> int:
    """Return the most memory that is held while strips of 384 rows are read, 64 of them twice."""
    with open_ortho(paths) as ortho, StripReader(ortho) as reader:
        tracemalloc.start()
        for row in range(0, ortho.grid.height, 320):
            reader.read(Window(0, row, 8192, min(384, ortho.grid.height - row)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak
