"""VigiBâti: buildings that the orthophoto shows and the cadastre does not know.

The verbs of the command line are functions here, on the same names: ``vigibati.detect(...)``.
They are loaded when they are first used, so that comparing and reviewing never needs torch.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vigibati.adaptation.adapt import adapt
    from vigibati.cadastre.comparison.compare import compare
    from vigibati.cadastre.registration.register import register
    from vigibati.datasets.synth.synthesise import synthesise as synth
    from vigibati.detection.detect import detect
    from vigibati.inference.segmentation.merge import merge
    from vigibati.inference.segmentation.segment import segment
    from vigibati.inference.vectorisation.vectorise import vectorise
    from vigibati.training.calibration.calibrate import calibrate
    from vigibati.training.evaluate import evaluate
    from vigibati.training.publishing.export_onnx import export
    from vigibati.training.train import train

__version__ = version("vigibati")

__all__ = [
    "adapt",
    "calibrate",
    "compare",
    "detect",
    "evaluate",
    "export",
    "merge",
    "register",
    "segment",
    "synth",
    "train",
    "vectorise",
]

_HOMES = {
    "adapt": ("vigibati.adaptation.adapt", "adapt"),
    "calibrate": ("vigibati.training.calibration.calibrate", "calibrate"),
    "compare": ("vigibati.cadastre.comparison.compare", "compare"),
    "detect": ("vigibati.detection.detect", "detect"),
    "evaluate": ("vigibati.training.evaluate", "evaluate"),
    "export": ("vigibati.training.publishing.export_onnx", "export"),
    "merge": ("vigibati.inference.segmentation.merge", "merge"),
    "register": ("vigibati.cadastre.registration.register", "register"),
    "segment": ("vigibati.inference.segmentation.segment", "segment"),
    "synth": ("vigibati.datasets.synth.synthesise", "synthesise"),
    "train": ("vigibati.training.train", "train"),
    "vectorise": ("vigibati.inference.vectorisation.vectorise", "vectorise"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (the type checker reads the imports above)
    if name not in _HOMES:
        raise AttributeError(f"module 'vigibati' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
