"""From the rasters of units to one cloud-optimised GeoTIFF."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

import rasterio
import rasterio.shutil
from rasterio.errors import RasterioError

from vigibati.configs.atomic_files import check_writable
from vigibati.configs.contract import ModelContract
from vigibati.configs.errors import OutputError
from vigibati.datasets.encoding import NO_IMAGE
from vigibati.datasets.grid import PixelGrid, Window
from vigibati.datasets.orthophoto.atomic_raster import whole_raster
from vigibati.inference.segmentation.report import Counts
from vigibati.inference.segmentation.run_spec import RunSpec
from vigibati.inference.segmentation.tiling import BLOCK_PX

_WRITING: Final = {
    "GDAL_NUM_THREADS": "ALL_CPUS",
    # In bytes, as rasterio takes it; a twentieth of the memory of the machine otherwise.
    "GDAL_CACHEMAX": 128 * 2**20,
    # Overviews lie in a temporary file first: packed by GDAL's own choice they cost more than all the rest.
    "COG_TMP_COMPRESSION": "PACKBITS",
}
_RUN, _COUNTS, _THRESHOLDS = "VIGIBATI_RUN", "VIGIBATI_COUNTS", "VIGIBATI_THRESHOLDS"


def write_raster_of_units(
    out: Path, *, units: Sequence[tuple[Window, Path]], spec: RunSpec, counts: Counts
) -> None:
    """Write one COG with overviews from the rasters of units; where there is none, no image.

    Args:
        out: The COG; it appears whole or not at all.
        units: Where each raster lies on the grid.
        spec: The run; model, thresholds, calibration and fingerprint become tags.
        counts: What the units add up to, which becomes a tag too.

    Raises:
        OutputError: The file cannot be written.
    """
    # A mosaic that only this call knows, of files that it names itself: no copy of the pixels on the way.
    tags = {**raster_tags(spec.contract), _RUN: spec.run, _COUNTS: counts.model_dump_json()}
    write_cog(_mosaic(units, spec.grid, spec.contract.class_names, tags), out)


def write_cog(source: str | Path, out: Path) -> None:
    """Write a raster of probabilities anew as a COG with overviews.

    Args:
        source: Any raster that GDAL opens, with its bands, tags and nodata value.
        out: The COG; it appears whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    with whole_raster(out) as part, rasterio.Env(**_WRITING):
        rasterio.shutil.copy(
            source,
            part,
            driver="COG",
            COMPRESS="DEFLATE",
            LEVEL=1,
            BLOCKSIZE=BLOCK_PX,
            OVERVIEW_RESAMPLING="AVERAGE",
            BIGTIFF="IF_SAFER",
            SPARSE_OK=True,
        )


def read_counts(path: Path, *, run: str) -> Counts | None:
    """Return what a raster says of the run that wrote it; None where there is none of that run."""
    try:
        with rasterio.open(path, driver="GTiff") as raster:
            tags: dict[str, str] = raster.tags()
    except RasterioError:
        return None
    return Counts.model_validate_json(tags[_COUNTS]) if tags.get(_RUN) == run else None


def check_raster_place(out: Path) -> None:
    """Refuse a place that cannot take a raster of probabilities, before the work for it is done.

    Raises:
        OutputError: The file cannot be written there, or one that is no such raster would be lost.
    """
    check_writable(out)
    if not out.exists():
        return
    try:
        with rasterio.open(out, driver="GTiff") as raster:
            is_ours = _THRESHOLDS in raster.tags()
    except RasterioError:
        is_ours = False
    if not is_ours:
        raise OutputError(out, "exists and is no raster of probabilities", "give another name to --out")


def raster_tags(contract: ModelContract) -> dict[str, str]:
    """Return what a raster of probabilities says of the model that made it."""
    names = contract.class_names
    tags = {
        "VIGIBATI_MODEL": contract.name,
        _THRESHOLDS: json.dumps(dict(zip(names, contract.thresholds, strict=True))),
    }
    if contract.calibrations is not None:
        pairs = [(each.object_slope, each.object_offset) for each in contract.calibrations]
        tags["VIGIBATI_CALIBRATION"] = json.dumps(dict(zip(names, pairs, strict=True)))
    return tags


def _mosaic(
    units: Sequence[tuple[Window, Path]], grid: PixelGrid, names: Sequence[str], tags: Mapping[str, str]
) -> str:
    root = Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    SubElement(root, "SRS").text = grid.crs.to_wkt()
    SubElement(root, "GeoTransform").text = ", ".join(repr(value) for value in grid.transform.to_gdal())
    metadata = SubElement(root, "Metadata")
    for key, value in tags.items():
        SubElement(metadata, "MDI", key=key).text = value
    for number, name in enumerate(names, start=1):
        band = SubElement(root, "VRTRasterBand", dataType="Byte", band=str(number))
        SubElement(band, "Description").text = name
        SubElement(band, "NoDataValue").text = str(NO_IMAGE)
        for window, path in units:
            _add_source(band, window, path, number)
    return tostring(root, encoding="unicode")


def _add_source(band: Element, window: Window, path: Path, number: int) -> None:
    source = SubElement(band, "SimpleSource")
    SubElement(source, "SourceFilename", relativeToVRT="0").text = str(path.absolute())
    SubElement(source, "SourceBand").text = str(number)
    size = {"xSize": str(window.width), "ySize": str(window.height)}
    SubElement(source, "SrcRect", {"xOff": "0", "yOff": "0", **size})
    SubElement(source, "DstRect", {"xOff": str(window.col), "yOff": str(window.row), **size})
