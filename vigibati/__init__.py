"""VigiBâti: buildings that the orthophoto shows and the cadastre does not know.

The verbs of the command line are functions here, on the same names: ``vigibati.detect(...)``, and for
``bench withheld`` and ``records info`` ``bench_withheld`` and ``records_info``. They take paths as text or
path objects, write what their verb writes and return what came of it. ``docs/api.md`` shows them at work.

Names are loaded when they are first used, so that comparing and reviewing never needs torch. What needs an
extra that is not installed is not listed by ``dir``, and says which one when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from vigibati.configs.extras import extras_told

if TYPE_CHECKING:
    from vigibati.adaptation.adapt import adapt
    from vigibati.adaptation.report import AdaptReport
    from vigibati.adaptation.run_setup import AdaptSettings
    from vigibati.benchmark.planted import bench_planted
    from vigibati.benchmark.withheld import bench_withheld
    from vigibati.cadastre.benchmark.case_scores import Score
    from vigibati.cadastre.readers.hints import RecordsHints
    from vigibati.cadastre.registration.offsets import Offsets
    from vigibati.configs.errors import (
        CheckpointError,
        DeviceError,
        InputError,
        MissingExtraError,
        OutputError,
        RasterError,
        RecordsError,
        SettingsError,
        VigibatiError,
    )
    from vigibati.configs.progress import SILENT, Progress
    from vigibati.configs.recipe import Recipe, SourceRecipe, load_recipe
    from vigibati.datasets.chips.cut import CutReport, Cutting
    from vigibati.datasets.chips.flair_chips import FlairReport, flair_chips
    from vigibati.datasets.grid import PixelGrid, Pixels, Window
    from vigibati.datasets.orthophoto.orthophoto import Orthophoto, open_ortho
    from vigibati.datasets.orthophoto.prepare import PrepareReport, prepare
    from vigibati.datasets.synth.chips import synth_chips
    from vigibati.datasets.synth.synthesise import SynthReport
    from vigibati.detection.detect import detect
    from vigibati.detection.report import DetectReport
    from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint
    from vigibati.inference.segmentation.picture import predict
    from vigibati.inference.segmentation.settings import Shard
    from vigibati.modelling.calibrate import calibrate
    from vigibati.modelling.evaluate import evaluate
    from vigibati.modelling.export import export
    from vigibati.modelling.train import train
    from vigibati.training.publishing.export_onnx import ExportReport
    from vigibati.workflow.chips import chips
    from vigibati.workflow.compare import CompareReport, compare
    from vigibati.workflow.options import ContextPaths, ImageOptions, RunOptions
    from vigibati.workflow.records_info import records_info
    from vigibati.workflow.register import register
    from vigibati.workflow.segment import SegmentResult, merge, segment
    from vigibati.workflow.synthetic import synth
    from vigibati.workflow.vectorise import vectorise

    __version__: str

__all__ = [
    "SILENT",
    "AdaptReport",
    "AdaptSettings",
    "Checkpoint",
    "CheckpointError",
    "CompareReport",
    "ContextPaths",
    "CutReport",
    "Cutting",
    "DetectReport",
    "DeviceError",
    "ExportReport",
    "FlairReport",
    "ImageOptions",
    "InputError",
    "MissingExtraError",
    "Offsets",
    "Orthophoto",
    "OutputError",
    "PixelGrid",
    "Pixels",
    "PrepareReport",
    "Progress",
    "RasterError",
    "Recipe",
    "RecordsError",
    "RecordsHints",
    "RunOptions",
    "Score",
    "SegmentResult",
    "SettingsError",
    "Shard",
    "SourceRecipe",
    "SynthReport",
    "VigibatiError",
    "Window",
    "__version__",
    "adapt",
    "bench_planted",
    "bench_withheld",
    "calibrate",
    "chips",
    "compare",
    "detect",
    "evaluate",
    "export",
    "flair_chips",
    "load_checkpoint",
    "load_recipe",
    "merge",
    "open_ortho",
    "predict",
    "prepare",
    "records_info",
    "register",
    "segment",
    "synth",
    "synth_chips",
    "train",
    "vectorise",
]

_CORE = {
    "benchmark.planted": ("bench_planted",),
    "benchmark.withheld": ("bench_withheld",),
    "cadastre.benchmark.case_scores": ("Score",),
    "cadastre.readers.hints": ("RecordsHints",),
    "cadastre.registration.offsets": ("Offsets",),
    "configs.errors": (
        "CheckpointError",
        "DeviceError",
        "InputError",
        "MissingExtraError",
        "OutputError",
        "RasterError",
        "RecordsError",
        "SettingsError",
        "VigibatiError",
    ),
    "configs.progress": ("SILENT", "Progress"),
    "configs.recipe": ("Recipe", "SourceRecipe", "load_recipe"),
    "datasets.chips.cut": ("CutReport", "Cutting"),
    "datasets.chips.flair_chips": ("FlairReport", "flair_chips"),
    "datasets.grid": ("PixelGrid", "Pixels", "Window"),
    "datasets.orthophoto.orthophoto": ("Orthophoto", "open_ortho"),
    "datasets.orthophoto.prepare": ("PrepareReport", "prepare"),
    "datasets.synth.chips": ("synth_chips",),
    "datasets.synth.synthesise": ("SynthReport",),
    "inference.segmentation.settings": ("Shard",),
    "workflow.chips": ("chips",),
    "workflow.compare": ("CompareReport", "compare"),
    "workflow.options": ("ContextPaths", "ImageOptions", "RunOptions"),
    "workflow.records_info": ("records_info",),
    "workflow.register": ("register",),
    "workflow.synthetic": ("synth",),
    "workflow.vectorise": ("vectorise",),
}
# What needs the extra [model].
_MODEL = {
    "adaptation.adapt": ("adapt",),
    "adaptation.report": ("AdaptReport",),
    "adaptation.run_setup": ("AdaptSettings",),
    "detection.detect": ("detect",),
    "detection.report": ("DetectReport",),
    "inference.model.checkpoint": ("Checkpoint", "load_checkpoint"),
    "inference.segmentation.picture": ("predict",),
    "modelling.calibrate": ("calibrate",),
    "modelling.evaluate": ("evaluate",),
    "modelling.export": ("export",),
    "modelling.train": ("train",),
    "training.publishing.export_onnx": ("ExportReport",),
    "workflow.segment": ("SegmentResult", "merge", "segment"),
}
_HOMES = {name: module for module, names in (_CORE | _MODEL).items() for name in names}


# A type checker reads the imports above; to it a name that is not there shall be an error.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:  # noqa: ANN401
        if name == "__version__":
            return import_module("importlib.metadata").version("vigibati")
        if name not in _HOMES:
            raise AttributeError(f"module 'vigibati' has no attribute '{name}'")
        with extras_told():
            return getattr(import_module(f"vigibati.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    absent = set() if find_spec("torch") else {name for names in _MODEL.values() for name in names}
    return sorted({*__all__, "__doc__"} - absent)
