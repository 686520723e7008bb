"""VigiBâti: buildings that the orthophoto shows and the cadastre does not know.

The verbs of the command line are functions here, on the same names: ``vigibati.detect(...)``.
They are loaded when they are first used, so that comparing and reviewing never needs torch.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vigibati.cadastre.compare import compare
    from vigibati.cadastre.register import register
    from vigibati.datasets.synth.synthesise import synthesise
    from vigibati.inference.segment import segment
    from vigibati.inference.vectorise import vectorise
    from vigibati.pipeline import detect
    from vigibati.training.evaluate import evaluate
    from vigibati.training.train import train

__version__ = version("vigibati")

__all__ = ["compare", "detect", "evaluate", "register", "segment", "synthesise", "train", "vectorise"]

_HOMES = {
    "compare": "vigibati.cadastre.compare",
    "detect": "vigibati.pipeline",
    "evaluate": "vigibati.training.evaluate",
    "register": "vigibati.cadastre.register",
    "segment": "vigibati.inference.segment",
    "synthesise": "vigibati.datasets.synth.synthesise",
    "train": "vigibati.training.train",
    "vectorise": "vigibati.inference.vectorise",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (the type checker reads the imports above)
    if name not in _HOMES:
        raise AttributeError(f"module 'vigibati' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
