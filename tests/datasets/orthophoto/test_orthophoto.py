from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.enums import ColorInterp

from vigibati.configs.errors import RasterError, SettingsError
from vigibati.datasets.grid import Pixels, Window
from vigibati.datasets.orthophoto.orthophoto import Orthophoto, open_ortho

_X, _Y = 700000.0, 6600000.0


def _picture(height: int, width: int, *, seed: int = 0, bands: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 250, (bands, height, width), dtype=np.uint8)


def _write(
    path: Path, values: np.ndarray, *, x: float = _X, y: float = _Y, pixel: float = 0.2, **options: object
) -> Path:
    profile = {
        "driver": "GTiff",
        "count": len(values),
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": values.dtype,
        "crs": "EPSG:2154",
        "transform": Affine(pixel, 0, x, 0, -pixel, y),
    }
    with rasterio.open(path, "w", **{**profile, **options}) as file:
        file.write(values)
    return path


def _whole(ortho: Orthophoto) -> Pixels:
    return ortho.read(Window(0, 0, ortho.grid.width, ortho.grid.height))


def test_a_window_holds_the_pixels_of_the_file(tmp_path: Path) -> None:
    values = _picture(90, 140)
    with open_ortho([_write(tmp_path / "a.tif", values)], gsd_m=0.2) as ortho:
        assert (ortho.grid.width, ortho.grid.height, ortho.grid.crs.to_epsg()) == (140, 90, 2154)
        assert (ortho.grid.transform.c, ortho.grid.transform.f) == (_X, _Y)
        pixels = ortho.read(Window(60, 10, 70, 75))
    assert np.array_equal(pixels.values, values[:, 10:85, 60:130])
    assert pixels.valid.all()


def test_a_window_beyond_the_grid_is_filled_with_no_image(tmp_path: Path) -> None:
    values = _picture(3, 5)
    with open_ortho([_write(tmp_path / "a.tif", values)]) as ortho:
        pixels = ortho.read(Window(-2, -1, 9, 6))
        nowhere = ortho.read(Window(100, 100, 4, 4))
    wanted = np.zeros((3, 6, 9), dtype=np.uint8)
    wanted[:, 1:4, 2:7] = values
    assert np.array_equal(pixels.values, wanted)
    assert np.array_equal(pixels.valid, wanted.any(axis=0))
    assert not nowhere.valid.any()


def test_jpeg_2000_reads_like_tiff(tmp_path: Path) -> None:
    values = _picture(64, 80)
    tiff = _write(tmp_path / "a.tif", values)
    path = tmp_path / "a.jp2"
    rasterio.shutil.copy(tiff, path, driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES")
    with open_ortho([path]) as ortho:
        assert np.array_equal(_whole(ortho).values, values)
        assert ortho.grid.bounds == pytest.approx((_X, _Y - 12.8, _X + 16, _Y))


def test_a_mosaic_has_a_gap_and_the_first_file_on_top(tmp_path: Path) -> None:
    first, second = _picture(10, 10, seed=1), _picture(10, 10, seed=2)
    third = _picture(10, 10, seed=3)
    paths = [
        _write(tmp_path / "first.tif", first),
        _write(tmp_path / "gap.tif", second, x=_X + 13 * 0.2, y=_Y + 2 * 0.2),
        _write(tmp_path / "under.tif", third, x=_X - 4 * 0.2, y=_Y - 5 * 0.2),
    ]
    with open_ortho(paths) as ortho:
        pixels = _whole(ortho)
        assert ortho.paths == tuple(paths)
        assert ortho.grid.transform.c == pytest.approx(_X - 0.8)
        assert ortho.grid.transform.f == pytest.approx(_Y + 0.4)
    wanted = np.zeros((3, 17, 27), dtype=np.uint8)
    wanted[:, 7:17, 0:10] = third
    wanted[:, 2:12, 4:14] = first
    wanted[:, 0:10, 17:27] = second
    assert np.array_equal(pixels.values, wanted)
    assert np.array_equal(pixels.valid, wanted.any(axis=0))
    assert not pixels.valid[:, 14:17].any()


def test_black_in_the_first_file_does_not_hide_the_second(tmp_path: Path) -> None:
    black, seen = np.zeros((3, 64, 64), dtype=np.uint8), _picture(64, 64)
    with open_ortho([_write(tmp_path / "a.tif", black), _write(tmp_path / "b.tif", seen)]) as ortho:
        assert np.array_equal(_whole(ortho).values, seen)


def test_only_black_cells_of_64_pixels_are_no_image(tmp_path: Path) -> None:
    values = _picture(128, 150)
    values[:, :64, :64] = 0
    values[:, 70:120, 70:120] = 0
    values[:, 64:, 128:] = 0
    with open_ortho([_write(tmp_path / "a.tif", values)]) as ortho:
        whole = _whole(ortho).valid
        part = ortho.read(Window(50, 50, 90, 70)).valid
    wanted = np.ones((128, 150), dtype=bool)
    wanted[:64, :64] = wanted[64:, 128:] = False
    assert np.array_equal(whole, wanted)
    assert np.array_equal(part, wanted[50:120, 50:140])


def test_alpha_nodata_and_masks_are_no_image(tmp_path: Path) -> None:
    values = _picture(20, 30)
    hidden = np.zeros((20, 30), dtype=bool)
    hidden[3:9, 5:21] = True
    shown = np.where(hidden, 0, 255).astype(np.uint8)
    alpha = _write(
        tmp_path / "alpha.tif", np.concatenate([values, shown[None]]), photometric="rgb", alpha="yes"
    )
    nodata = _write(tmp_path / "nodata.tif", np.where(hidden, 255, values).astype(np.uint8), nodata=255)
    inside = _write(tmp_path / "inside.tif", values)
    beside = _write(tmp_path / "beside.tif", values)
    for path, internal in ((inside, True), (beside, False)):
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal), rasterio.open(path, "r+") as file:
            file.write_mask(shown)
    assert (tmp_path / "beside.tif.msk").is_file()
    for path in (alpha, nodata, inside, beside):
        with open_ortho([path]) as ortho:
            pixels = _whole(ortho)
        assert np.array_equal(pixels.valid, ~hidden), path.name
        assert np.array_equal(pixels.values, np.where(hidden, 0, values)), path.name


def test_a_mask_beside_the_file_must_be_a_tiff_of_its_size(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.tif", _picture(5, 6))
    side = tmp_path / "a.tif.msk"
    side.write_text("<VRTDataset/>")
    with pytest.raises(RasterError, match=r"a\.tif\.msk: is a VRT"):
        open_ortho([path])
    _write(side, _picture(6, 5, bands=1))
    with pytest.raises(RasterError, match=r"is no 8-bit mask of 6 x 5 pixels; remove or remake it"):
        open_ortho([path])


def test_bands_are_found_by_their_colour(tmp_path: Path) -> None:
    values = _picture(7, 9, bands=4)
    path = _write(tmp_path / "a.tif", values, photometric="rgb")
    with rasterio.open(path, "r+") as file:
        file.colorinterp = (ColorInterp.blue, ColorInterp.undefined, ColorInterp.red, ColorInterp.green)
    with open_ortho([path]) as ortho:
        assert np.array_equal(_whole(ortho).values, values[[2, 3, 0]])


@pytest.mark.parametrize(
    ("values", "options", "cause"),
    [
        (_picture(4, 4, bands=1), {}, r"lacks a red, green or blue band \(it has gray\)"),
        (_picture(4, 4, bands=2), {}, r"lacks a red, green or blue band"),
        (
            _picture(4, 4).astype(np.uint16),
            {"photometric": "rgb"},
            "holds uint16 values.*black and white: --scale LOW HIGH",
        ),
        (_picture(4, 4).astype(np.float32), {"photometric": "rgb"}, "holds float32 values"),
        (_picture(4, 4), {"crs": None}, "has no CRS; say which with --crs EPSG:2154"),
        (_picture(4, 4), {"crs": "EPSG:4326"}, "does not count in metres.*gdalwarp -t_srs"),
        (
            _picture(4, 4),
            {"transform": Affine(0.2, 0.01, _X, 0.01, -0.2, _Y)},
            "is rotated or sheared.*gdalwarp",
        ),
        (_picture(4, 4), {"transform": Affine(0.2, 0, _X, 0, 0.2, _Y)}, "is not stored north up.*gdalwarp"),
        (_picture(4, 4), {"transform": Affine.identity()}, "says nowhere where it lies"),
        (
            _picture(4, 4),
            {"transform": Affine(0.5, 0, _X, 0, -0.5, _Y)},
            r"has pixels of 0\.50 m, 0\.20 m are needed",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_refuses_with_cause_and_cure(
    tmp_path: Path, values: np.ndarray, options: dict[str, object], cause: str
) -> None:
    path = _write(tmp_path / "ortho.tif", values, **options)
    with pytest.raises(RasterError, match=cause) as caught:
        open_ortho([path], gsd_m=0.2)
    assert str(caught.value).startswith(f"{path}: ")


def test_refuses_a_palette(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.tif", _picture(4, 4, bands=1), photometric="palette")
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {1: (255, 0, 0, 255)})
    with pytest.raises(
        RasterError, match="holds a palette, not colours; expand it: gdal_translate -expand rgb"
    ):
        open_ortho([path])


def test_all_bad_files_are_named_at_once(tmp_path: Path) -> None:
    good = _write(tmp_path / "good.tif", _picture(4, 4))
    (tmp_path / "empty.tif").touch()
    with pytest.raises(RasterError, match=r"2 of 3 files: .*empty\.tif: is empty.*none\.tif: cannot be read"):
        open_ortho([tmp_path / "empty.tif", good, tmp_path / "none.tif"])
    with pytest.raises(RasterError, match="no file was given"):
        open_ortho([])


def test_files_in_several_crs_are_listed(tmp_path: Path) -> None:
    paths = [
        _write(tmp_path / "a.tif", _picture(4, 4)),
        _write(tmp_path / "b.tif", _picture(4, 4), crs="EPSG:3946"),
        _write(tmp_path / "c.tif", _picture(4, 4)),
    ]
    with pytest.raises(
        RasterError, match=r"differ in CRS: EPSG:2154 \(a\.tif, c\.tif\), EPSG:3946 \(b\.tif\)"
    ):
        open_ortho(paths)


def test_a_damaged_block_is_named(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "a.tif", _picture(256, 256), compress="deflate", tiled=True, blockxsize=128, blockysize=128
    )
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    path.write_bytes(content)
    with (
        open_ortho([path]) as ortho,
        pytest.raises(RasterError, match=r"a\.tif: is damaged near column 0, row 0"),
    ):
        _whole(ortho)


def test_pixels_within_a_tenth_are_kept_and_others_resampled(tmp_path: Path) -> None:
    values = np.repeat(np.repeat(_picture(30, 20), 4, axis=1), 4, axis=2)
    near = _write(tmp_path / "near.tif", values, pixel=0.219)
    fine = _write(tmp_path / "fine.tif", values, pixel=0.05)
    with open_ortho([near], gsd_m=0.2) as ortho:
        assert ortho.grid.gsd_m == pytest.approx(0.219)
        assert np.array_equal(_whole(ortho).values, values)
    with open_ortho([fine], gsd_m=0.2) as ortho:
        assert (ortho.grid.width, ortho.grid.height) == (20, 30)
        assert ortho.grid.gsd_m == pytest.approx(0.2)
        assert ortho.grid.bounds == pytest.approx((_X, _Y - 6, _X + 4, _Y))
        whole = _whole(ortho)
        part = ortho.read(Window(3, 5, 9, 20))
    assert whole.valid.all()
    assert np.array_equal(part.values, whole.values[:, 5:25, 3:12])


def test_a_resampled_edge_stays_where_it_was(tmp_path: Path) -> None:
    values = np.full((3, 300, 300), 50, dtype=np.uint8)
    values[:, 90:, 150:] = 250
    path = _write(tmp_path / "a.tif", values, pixel=0.15)
    with open_ortho([path], gsd_m=0.2) as ortho:
        bright = _whole(ortho).values[0] > 150
        rows, columns = np.nonzero(bright)
        x, y = ortho.grid.transform @ (int(columns.min()), int(rows.min()))
    assert abs(x - (_X + 150 * 0.15)) <= 0.1
    assert abs(y - (_Y - 90 * 0.15)) <= 0.1


def test_files_half_a_pixel_apart_are_brought_onto_one_grid(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(0, 200, 4, dtype=np.uint8), (3, 40, 50))
    paths = [
        _write(tmp_path / "a.tif", ramp),
        _write(tmp_path / "b.tif", ramp, x=_X + 50.5 * 0.2),
    ]
    with open_ortho(paths) as ortho:
        pixels = _whole(ortho)
    assert ortho.grid.width == 101
    # Halfway between two steps of 4 lies 2 more or less; pixel 50 is half covered and counts.
    assert pixels.values[0, 5, 51:60].tolist() == [4 * k + 2 for k in range(9)]
    assert pixels.valid[:, :100].all()


def test_a_folder_is_a_mosaic_with_the_first_name_on_top(tmp_path: Path) -> None:
    first, second = _picture(10, 10, seed=1), _picture(10, 10, seed=2)
    _write(tmp_path / "b.tif", second, x=_X + 5 * 0.2)
    _write(tmp_path / "a.tif", first)
    with open_ortho([tmp_path]) as ortho:
        assert [path.name for path in ortho.paths] == ["a.tif", "b.tif"]
        assert np.array_equal(_whole(ortho).values, np.concatenate([first, second[..., 5:]], axis=2))


def test_gaps_are_told_from_the_headers(tmp_path: Path) -> None:
    # Two tiles of 10 x 10 at opposite corners of 30 x 20, a third of 10 x 20 between: two holes.
    paths = [
        _write(tmp_path / "a.tif", _picture(10, 10)),
        _write(tmp_path / "b.tif", _picture(10, 10), x=_X + 4, y=_Y - 2),
        _write(tmp_path / "c.tif", _picture(20, 10), x=_X + 2),
    ]
    with open_ortho(paths) as ortho:
        assert (ortho.gaps.share, ortho.gaps.count) == (pytest.approx(200 / 600), 2)
    with open_ortho(paths[:1]) as ortho:
        assert (ortho.gaps.share, ortho.gaps.count) == (0, 0)


def test_few_files_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigibati.datasets.orthophoto.orthophoto._OPEN_FILES", 2)
    values = _picture(8, 40)
    paths = [
        _write(tmp_path / f"{col}.tif", values[..., col : col + 8], x=_X + col * 0.2)
        for col in range(0, 40, 8)
    ]
    with open_ortho(paths) as ortho:
        for _ in range(2):
            assert np.array_equal(_whole(ortho).values, values)
            assert len(ortho._readers) == 2


def test_infrared_is_found_by_its_colour_and_unused_unless_asked_for(tmp_path: Path) -> None:
    values = _picture(7, 9, bands=4)
    path = _write(tmp_path / "rgbi.tif", values, photometric="rgb")
    with rasterio.open(path, "r+") as file:
        file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.nir)
    with open_ortho([path]) as ortho:
        assert ortho.bands == ("red", "green", "blue")
        assert np.array_equal(_whole(ortho).values, values[:3])
    with open_ortho([path], bands=("nir", "red", "green")) as ortho:
        assert ortho.bands == ("nir", "red", "green")
        assert np.array_equal(_whole(ortho).values, values[[3, 0, 1]])
    with open_ortho([path], bands=("red", "green", "blue", "nir")) as ortho:
        assert np.array_equal(_whole(ortho).values, values)


def test_an_order_of_bands_is_taken_at_its_word(tmp_path: Path) -> None:
    values = _picture(7, 9, bands=4)
    nameless = _write(tmp_path / "a.tif", values, photometric="minisblack")
    with pytest.raises(RasterError, match=r"lacks a nir, red or green band .*: --bands 1,2,3$"):
        open_ortho([nameless], bands=("nir", "red", "green"))
    with open_ortho([nameless], band_order=(4, 2, 1)) as ortho:
        assert np.array_equal(_whole(ortho).values, values[[3, 1, 0]])
    # Infrared stored as alpha: as a band it hides nothing.
    values[3, 2, 3] = 0
    alpha = _write(tmp_path / "b.tif", values, photometric="rgb", alpha="yes")
    with open_ortho([alpha]) as ortho:
        assert not _whole(ortho).valid[2, 3]
    with open_ortho([alpha], band_order=(4, 1, 2)) as ortho:
        assert _whole(ortho).valid.all()
        assert np.array_equal(_whole(ortho).values, values[[3, 0, 1]])
    with pytest.raises(RasterError, match=r"has 4 bands, --bands asks for number 5"):
        open_ortho([alpha], band_order=(1, 2, 5))


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"bands": ("red", "swir")}, "bands: 'swir' is no band; use red, green, blue, nir"),
        ({"band_order": (1, 2)}, "--bands: 1, 2 does not say which bands are red, green, blue; give 3"),
        ({"band_order": (0, 1, 2)}, "--bands: 0, 1, 2 does not say"),
        ({"scale": (200, 200)}, "--scale: 200 is not below 200; give the value of black, then"),
    ],
)
def test_refuses_bands_and_scales_that_do_not_hold(options: dict[str, Any], cause: str) -> None:
    with pytest.raises(SettingsError, match=cause):
        open_ortho([Path("a.tif")], **options)


def test_sixteen_bits_are_scaled_and_clipped_after_nodata(tmp_path: Path) -> None:
    values = np.full((3, 4, 4), 1000, dtype=np.uint16)
    values[:, 0] = [100, 200, 210, 5000]
    values[:, 1] = [1200, 65535, 704, 696]
    values[0, 2, 0] = 65535
    path = _write(tmp_path / "a.tif", values, photometric="rgb", nodata=65535)
    with open_ortho([path], scale=(200, 1220)) as ortho:
        pixels = _whole(ortho)
    # 1020 steps onto 255: four to one, the nearest, clipped at both ends.
    assert pixels.values[1, 0].tolist() == [0, 0, 2, 255]
    assert pixels.values[1, 1].tolist() == [250, 0, 126, 124]
    assert pixels.values[:, 2, 0].tolist() == [255, 200, 200]
    # Nodata in one band alone is a value.
    wanted = np.ones((4, 4), dtype=bool)
    wanted[1, 1] = False
    assert np.array_equal(pixels.valid, wanted)


def test_eight_bits_are_not_scaled(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.tif", np.full((3, 4, 4), 90, dtype=np.uint8), photometric="rgb")
    with open_ortho([path], scale=(200, 1220)) as ortho:
        assert np.unique(_whole(ortho).values).tolist() == [90]


def test_numbers_that_are_none_are_no_image(tmp_path: Path) -> None:
    values = np.full((3, 4, 4), 0.5, dtype=np.float32)
    values[:, 1, 2] = np.nan
    path = _write(tmp_path / "a.tif", values, photometric="rgb", nodata=np.nan)
    with open_ortho([path], scale=(0, 1)) as ortho:
        pixels = _whole(ortho)
    assert pixels.values[:, 0, 0].tolist() == [128] * 3
    assert np.flatnonzero(~pixels.valid).tolist() == [6]
