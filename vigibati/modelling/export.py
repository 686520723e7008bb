"""A checkpoint given to other programs."""

from __future__ import annotations

from pathlib import Path

from vigibati.configs.paths import StrPath
from vigibati.configs.progress import SILENT, Progress
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.training.publishing.export_onnx import ExportReport
from vigibati.training.publishing.export_onnx import export as export_onnx


def export(
    onnx: StrPath,
    *,
    checkpoint: StrPath | None = None,
    tile_px: int = 1024,
    progress: Progress = SILENT,
) -> ExportReport:
    """Write a model as ONNX for the QGIS plugin Deepness, checked against the network, and a STAC item.

    Args:
        onnx: ONNX file to write; the STAC item beside it gets the suffix ``.stac.json``.
        checkpoint: Folder of the checkpoint; the shipped one when None.
        tile_px: Side of the tiles that the file takes, a multiple of 32.
        progress: Told of finished steps.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        MissingExtraError: The extra ``export`` is not installed.
        SettingsError: ``tile_px`` does not fit.
        OutputError: The file cannot be written, or differs from the network.
    """
    return export_onnx(load_checkpoint(checkpoint), Path(onnx), tile_px=tile_px, progress=progress)
