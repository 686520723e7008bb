from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from vigibati.configs.errors import RasterError
from vigibati.datasets.orthophoto.safe_open import open_raster

_TRANSFORM = Affine(0.2, 0, 700000, 0, -0.2, 6600000)
_VRT = """<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1"
subClass="VRTRawRasterBand"><SourceFilename>{target}</SourceFilename></VRTRasterBand></VRTDataset>"""


def _write(path: Path, *, side: int = 600, **options: object) -> Path:
    values = np.random.default_rng(3).integers(0, 255, (3, side, side), dtype=np.uint8)
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8"}
    with rasterio.open(
        path, "w", **{**profile, "crs": "EPSG:2154", "transform": _TRANSFORM, **options}
    ) as file:
        file.write(values)
    return path


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"<html><body>404</body></html>", r"not a GeoTIFF or JPEG 2000 \(starts with '<html'\)"),
        (b"  \n<!DOCTYPE html>", r"not a GeoTIFF or JPEG 2000 \(starts with '<!DOCTYPE'\)"),
        (b"\x89PNG\r\n\x1a\n", r"not a GeoTIFF or JPEG 2000 \(starts with '.x89PNG"),
        (b"", r"is empty \(0 bytes\)"),
        (b"II*\x00garbage", "cannot be opened"),
        (_VRT.format(target="/etc/passwd").encode(), "is a VRT, which can point to any file"),
    ],
)
def test_refuses_what_is_no_image(tmp_path: Path, content: bytes, cause: str) -> None:
    path = tmp_path / "ortho.tif"
    path.write_bytes(content)
    with pytest.raises(RasterError, match=cause) as caught:
        open_raster(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_refuses_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(RasterError, match=r"none\.tif: cannot be read \(No such file"):
        open_raster(tmp_path / "none.tif")
    with pytest.raises(RasterError, match="is a folder"):
        open_raster(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["/vsicurl/http://127.0.0.1:9/a.tif", "/vsizip/a.zip/a.tif", "s3://bucket/a.tif", "HTTP://x/a.tif"],
)
def test_refuses_remote_and_virtual_files(name: str) -> None:
    with pytest.raises(RasterError, match="is not a file of this machine; download it first"):
        open_raster(Path(name))


@pytest.mark.parametrize(
    "options", [{}, {"compress": "deflate", "tiled": True, "blockxsize": 256, "blockysize": 256}]
)
def test_a_cut_file_is_refused_before_any_pixel_is_read(tmp_path: Path, options: dict[str, object]) -> None:
    path = _write(tmp_path / "whole.tif", **options)
    cut = tmp_path / "cut.tif"
    cut.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.97)])
    open_raster(path).close()
    with pytest.raises(RasterError, match=r"cut\.tif: (is cut short: \d+ bytes|cannot be opened)"):
        open_raster(cut)


def test_a_sparse_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    profile = {"width": 200_000, "height": 200_000, "count": 1, "dtype": "uint8", "sparse_ok": True}
    profile["transform"] = _TRANSFORM
    with rasterio.open(path, "w", driver="GTiff", tiled=True, blockxsize=4096, blockysize=4096, **profile):
        pass
    with pytest.raises(RasterError, match=r"declares 200000 x 200000 pixels in \d+ bytes"):
        open_raster(path)


def test_blocks_larger_than_memory_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "block.tif"
    profile = {"width": 30_000, "height": 30_000, "count": 1, "dtype": "uint8", "sparse_ok": True}
    profile["transform"] = _TRANSFORM
    with rasterio.open(
        path, "w", driver="GTiff", tiled=True, blockxsize=30_000, blockysize=30_000, **profile
    ) as file:
        assert file.block_shapes[0] == (30_000, 30_000)
    with path.open("ab") as handle:
        handle.write(bytes(20_000))
    with pytest.raises(RasterError, match=r"has blocks of 30000 x 30000 pixels, 858 MiB each"):
        open_raster(path)


@pytest.mark.parametrize("name", ["été l'an 1.tif", "-9.tif", 'a "b".TIFF', "no_suffix"])
def test_names_do_not_matter(tmp_path: Path, name: str) -> None:
    with open_raster(_write(tmp_path / name, side=8)) as dataset:
        assert dataset.shape == (8, 8)
