"""From the files of an orthophoto and its footprints to labelled training chips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vigibati.configs.errors import SettingsError
from vigibati.configs.paths import StrPath, StrPaths, as_paths
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.chips.cut import CutReport, Cutting, cut_chips
from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.workflow.options import ImageOptions
from vigibati.workflow.training_labels import read_labels


def chips(
    ortho: StrPaths,
    *,
    footprints: StrPaths,
    out: StrPath,
    class_names: Sequence[str] = ("building",),
    gsd_m: float | None = None,
    cutting: Cutting = Cutting(),
    whole_image: bool = False,
    image: ImageOptions = ImageOptions(),
    records_crs: str | None = None,
    progress: Progress = SILENT,
) -> CutReport:
    """Cut labelled training chips, split by place, with a manifest for ``train``.

    Chips that reach beyond what the first layer of footprints covers are left out: ground without outlines
    is unknown there, not empty.

    Args:
        ortho: Files of one orthophoto, folders of such files, or lists of them.
        footprints: Outlines of what stands there: polygon layers or cadastral records.
        out: Folder to fill: ``chips.csv``, images, masks.
        class_names: Class of each of ``footprints``, in the same order.
        gsd_m: Metres per pixel of the chips; the image's when None.
        cutting: Name of the place, sizes and split.
        whole_image: Whether the footprints are complete all over the image.
        image: How the files of the orthophoto are read.
        records_crs: CRS that overrides what the footprints say.
        progress: Listener; the stage counts chips.

    Raises:
        RasterError: The image cannot be used.
        RecordsError: A layer cannot be read, or holds nothing of its class.
        SettingsError: There are not as many classes as layers, or none.
        InputError: No chip comes of it.
        OutputError: The folder cannot be written to.
    """
    layers = as_paths(footprints)
    if not as_paths(ortho) or not layers:
        cause = "an orthophoto and --footprints are needed, or --flair"
        raise SettingsError("chips", cause, "name both, such as: ortho.tif --footprints cadastre/")
    with open_ortho(ortho, gsd_m=gsd_m, crs=image.crs, band_order=image.bands, scale=image.scale) as opened:
        labels = read_labels(layers, class_names, crs=opened.grid.crs, declared_crs=records_crs)
        return cut_chips(
            opened,
            labels.outlines,
            Path(out),
            cover=None if whole_image else labels.cover,
            cutting=cutting,
            progress=progress,
        )
