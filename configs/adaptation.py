"""How a model is adapted to a territory whose records are its labels."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vigibati.configs.recipe import Augmentation
from vigibati.configs.schema import Schema


class Adaptation(Schema):
    """Settings of ``vigibati adapt``; the network and its pixel size are those of the checkpoint."""

    adaptation_version: Literal[1] = 1
    steps: int = Field(
        default=300, ge=1, description="Training steps of a fold in a round; --minutes replaces it."
    )
    steps_per_epoch: int = Field(
        default=25, ge=1, description="Steps after which an interrupted training can go on."
    )
    crop_px: int = Field(default=256, ge=32, multiple_of=32, description="Side of the square training crop.")
    batch_size: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=0.0004, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    ema_decay: float = Field(default=0.98, ge=0, lt=1, description="Of the moving average of the weights.")
    small_object_weight: float = Field(
        default=3, ge=1, description="How much more buildings below 40 m² count, and half a metre around."
    )
    contour_weight: float = Field(
        default=0.1, gt=0, description="Weight of the contour in the loss, where the network has that head."
    )
    chip_px: int = Field(default=512, ge=64, description="Side of the pieces that the territory is cut into.")
    most_chips: int = Field(
        default=1500, ge=1, description="Pieces to learn from at most, drawn from the whole territory."
    )
    built_share: float = Field(
        default=0.75, gt=0, lt=1, description="Share of the crops that come from pieces with records."
    )
    guard_m: float = Field(
        default=25, ge=0, description="Around a fold, labels of other folds this near are not learnt either."
    )
    least_sigma_m: float = Field(
        default=0.2, gt=0, description="Least standard deviation of where a wall lies against its record."
    )
    off_record_weight: float = Field(
        default=0.2, ge=0, le=1, description="Weight of what is seen and not recorded."
    )
    unseen_weight: float = Field(
        default=0.2, ge=0, le=1, description="Weight of records that two rounds of models do not see."
    )
    unseen_below: float = Field(
        default=0.3, gt=0, lt=1, description="Mean probability below which a record is not seen."
    )
    unlabelled_weight: float = Field(
        default=0.5,
        ge=0,
        description="Weight of classes that the records do not hold: there the model keeps its own view.",
    )
    decided_weight: float = Field(
        default=2, ge=1, le=5, description="Weight of what a person decided, for ever."
    )
    augmentation: Augmentation = Augmentation(scale=0.15, haze=0.1)
    seed: int = 7
