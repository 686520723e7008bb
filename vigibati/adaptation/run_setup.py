"""Where an adaptation keeps what, how long each training is, and whether an earlier call began the same."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from vigibati.configs.adaptation import Adaptation
from vigibati.configs.atomic_files import whole_file
from vigibati.configs.errors import OutputError, SettingsError
from vigibati.inference.fingerprints import fingerprint, fingerprint_files
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.inference.model.device import choose_device
from vigibati.training.finetune import finetuning, seconds_per_step
from vigibati.training.trainer import Hardware
from vigibati.workflow.place import Place

_PLAN = "plan.json"
_TIMED = "steps.json"
_WRITTEN = (
    "work",
    "checkpoint",
    "fold_*",
    "folds.gpkg",
    "footprints.gpkg",
    "probabilities.tif",
    "report.json",
    _TIMED,
    _PLAN,
)
# What registering, labels and calibration take beside the trainings.
_RESERVE = 0.1


@dataclass(frozen=True, slots=True)
class AdaptSettings:
    """How a model is adapted.

    Attributes:
        folds: Parts of the territory; each is seen by a model that learnt from the others alone.
        rounds: Models of a fold, each learning from what the one before sees.
        minutes: Time for everything; as many steps as ``learning`` says when None.
        device: auto, cpu, cuda or openvino; trainings run on the processor with the last.
        learning: Everything about labels and training.
    """

    folds: int = 4
    rounds: int = 2
    minutes: float | None = None
    device: str = "auto"
    learning: Adaptation = field(default_factory=Adaptation)

    @property
    def trainings(self) -> int:
        """How many models are trained: those of the folds, and the one that unites them."""
        return self.folds * self.rounds + 1

    @property
    def hardware(self) -> Hardware:
        """What trainings run on."""
        name = "cpu" if self.device == "openvino" else self.device
        # Chips are small; a process to read them would cost more at each start than it saves.
        return Hardware(choose_device(name).type, workers=0)


def enter(out: Path, place: Place, *, settings: AdaptSettings, restart: bool) -> None:
    """Make sure that a folder is empty, or was begun with the same inputs and settings.

    Args:
        out: Folder of the adaptation.
        place: What it is adapted to, and the model to start from.
        settings: How.
        restart: Whether what lies there is thrown away.

    Raises:
        SettingsError: It was begun with others.
        OutputError: It holds something else, or cannot be made.
    """
    image, inputs = place.image, place.inputs
    parts = {
        "image": fingerprint(
            [fingerprint_files(image.paths), image.grid.crs.to_wkt(), tuple(image.grid.transform)]
        ),
        "records": fingerprint_files([path for path in inputs.paths if path.is_file()])
        + fingerprint([len(inputs.records), list(inputs.records.total_bounds)]),
        "checkpoint": place.model.contract.weights_sha256,
        "folds": settings.folds,
        "rounds": settings.rounds,
        "minutes": settings.minutes,
        "settings": settings.learning.model_dump(mode="json"),
    }
    path = out / _PLAN
    ours = path.is_file()
    if restart and ours:
        _clear(out)
    if out.exists() and not out.is_dir():
        raise OutputError(out, "is a file", "give the name of a folder")
    if path.is_file():
        begun = json.loads(path.read_text(encoding="utf-8"))
        differing = [name for name, value in parts.items() if begun.get(name) != value]
        if differing:
            raise SettingsError(
                out, f"was begun with another {', '.join(differing)}", "give another --out, or --restart"
            )
    elif not ours and out.is_dir() and any(out.iterdir()):
        raise OutputError(out, "is not empty and holds no adaptation", "give the name of a new folder")
    with whole_file(path) as part:
        part.write_text(json.dumps(parts, indent=2) + "\n", encoding="utf-8")


def _clear(out: Path) -> None:
    """Remove what adaptations write, and nothing else."""
    for pattern in _WRITTEN:
        for path in out.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def steps_of(out: Path, settings: AdaptSettings, model: Checkpoint, *, started: float, look_s: float) -> int:
    """Return how many steps each training takes, the same for every call in a folder.

    Args:
        out: Folder of the adaptation.
        settings: How; without ``minutes`` it says the steps.
        model: To start from.
        started: Of the adaptation, on the monotonic clock.
        look_s: What it took a model to look at the whole image once.

    Raises:
        SettingsError: There is no time for one epoch of each training.
    """
    learning = settings.learning
    if settings.minutes is None:
        return learning.steps
    path = out / _TIMED
    if path.is_file():
        return int(json.loads(path.read_text(encoding="utf-8"))["steps"])
    step_s = step_seconds(model, settings)
    # Every model but those of the last round, which share the image out, looks at all of it.
    looks_s = look_s * (settings.folds * (settings.rounds - 1) + 1)
    left_s = (1 - _RESERVE) * settings.minutes * 60 - (time.monotonic() - started) - looks_s
    steps = int(left_s / (step_s * settings.trainings))
    if steps < learning.steps_per_epoch:
        least = settings.minutes + (learning.steps_per_epoch * step_s * settings.trainings - left_s) / 60
        cause = (
            f"{settings.minutes:g} are too few for {settings.trainings} trainings at {step_s:.1f} s a step"
        )
        raise SettingsError("--minutes", cause, f"give at least {least:.0f}, or fewer --folds or --rounds")
    with whole_file(path) as part:
        part.write_text(
            json.dumps({"steps": steps, "seconds_per_step": round(step_s, 3)}) + "\n", encoding="utf-8"
        )
    return steps


def step_seconds(model: Checkpoint, settings: AdaptSettings) -> float:
    """Time a training step on this machine."""
    contract = model.contract
    recipe = finetuning(
        contract,
        settings.learning,
        name=contract.name,
        sources={"made up": 1.0},
        labels=contract.class_names,
        steps=1,
    )
    return seconds_per_step(recipe, choose_device(settings.hardware.accelerator))
