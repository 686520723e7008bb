"""What a checkpoint promises, so that inference never guesses what training did."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from vigibati.configs.schema import Schema

STRIDE_PX: Final = 32
"""Encoders halve the picture five times: sides of windows are multiples of it, and windows start on them,
so that the pooling of every window falls on the same pixels of the ground."""


class TrainingSource(Schema):
    """One origin of training chips."""

    name: str = Field(description="Name of the source in the chip manifest.")
    chips: int = Field(ge=0, description="Number of training chips.")
    megapixels: float = Field(ge=0, description="Their size, in millions of pixels.")
    share: float = Field(ge=0, le=1, description="Share of the training samples that were drawn from it.")


class Calibration(Schema):
    """How the network's own certainty of one class is turned into a frequency."""

    temperature: float = Field(gt=0, description="What logits are divided by before the sigmoid.")
    object_slope: float = Field(
        gt=0, description="Factor on the logit of the mean probability over an object."
    )
    object_offset: float = Field(description="Added to it; the sum is the logit that the object is real.")


class ModelContract(Schema):
    """Everything that inference needs beside the weights, read back and compared at load."""

    contract_version: Literal[1] = 1
    name: str = Field(description="Name of the model, shown in provenance.")
    architecture: str = Field(description="Architecture of segmentation-models-pytorch, such as 'unet'.")
    encoder: str = Field(description="Encoder name of segmentation-models-pytorch.")
    decoder_channels: tuple[int, ...] | None = Field(
        default=None, description="Channels of the decoder stages; None for the architecture's own."
    )
    bands: tuple[Literal["red", "green", "blue", "nir"], ...] = Field(description="Input bands, in order.")
    mean: tuple[float, ...] = Field(description="Mean per band, on values scaled to 0-1.")
    std: tuple[float, ...] = Field(description="Standard deviation per band, on values scaled to 0-1.")
    gsd_m: float = Field(gt=0, description="Metres on the ground per pixel that the model was trained for.")
    class_names: tuple[str, ...] = Field(min_length=1, description="One output band per class, in order.")
    contour: bool = Field(
        default=False, description="True = one more band follows the classes: the contour of the first."
    )
    thresholds: tuple[float, ...] = Field(description="Probability from which a pixel belongs to the class.")
    calibrations: tuple[Calibration, ...] | None = Field(
        default=None, description="One per class, from 'vigibati calibrate'; None = not calibrated."
    )
    margin_px: int = Field(
        ge=0, description="Pixels cut from each side of a window because they lack context."
    )
    sources: tuple[TrainingSource, ...] = Field(description="Where the training chips come from.")
    data_sha256: str = Field(description="SHA-256 over the chip manifests and every chip they name.")
    weights_sha256: str = Field(description="SHA-256 of the weights file next to the contract.")
    trained_with: str = Field(description="Version of the software that trained it.")
    recipe: str = Field(description="Name of the training recipe.")

    @property
    def object_calibrations(self) -> dict[str, tuple[float, float]]:
        """By class, slope and offset from the logit of a mean probability to that of a frequency."""
        pairs = ((each.object_slope, each.object_offset) for each in self.calibrations or ())
        return dict(zip(self.class_names, pairs, strict=False))

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if not len(self.bands) == len(self.mean) == len(self.std):
            raise ValueError("bands, mean and std must have the same length")
        if len(self.class_names) != len(self.thresholds):
            raise ValueError("class_names and thresholds must have the same length")
        if self.calibrations is not None and len(self.calibrations) != len(self.class_names):
            raise ValueError("calibrations must hold one entry per class")
        if any(value <= 0 for value in self.std):
            raise ValueError("std must be positive")
        if any(not 0 < value < 1 for value in self.thresholds):
            raise ValueError("thresholds must lie between 0 and 1")
        return self
