"""How a model is trained: one versioned file that repeats a training."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from vigibati.configs.paths import StrPath
from vigibati.configs.schema import Schema


class SourceRecipe(Schema):
    """How one source of the chip manifests takes part."""

    weight: float = Field(gt=0, description="Sampling weight, relative to the other sources.")
    labels: tuple[str, ...] = Field(
        min_length=1, description="Classes that are labelled there; the others are unknown, not absent."
    )


class Augmentation(Schema):
    """Random changes of a training chip, as ranges around 'no change'."""

    scale: float = Field(
        default=0.2, ge=0, lt=1, description="Ground size per pixel is changed by ± this share."
    )
    brightness: float = Field(default=0.25, ge=0, lt=1)
    contrast: float = Field(default=0.25, ge=0, lt=1)
    saturation: float = Field(default=0.3, ge=0, lt=1)
    hue: float = Field(default=0.03, ge=0, le=0.5)
    blur_probability: float = Field(default=0.15, ge=0, le=1)
    haze: float = Field(default=0, ge=0, lt=1, description="Largest share of white light mixed in.")
    band_dropout: float = Field(
        default=0, ge=0, le=1, description="Probability that one band is replaced by the mean of the others."
    )
    paste_from: str | None = Field(
        default=None, description="Source whose small buildings are pasted into chips of every source."
    )
    paste_probability: float = Field(default=0.3, ge=0, le=1)


class Recipe(Schema):
    """One training run."""

    recipe_version: Literal[1] = 1
    name: str
    architecture: str = Field(description="Architecture of segmentation-models-pytorch.")
    encoder: str = Field(description="Encoder of segmentation-models-pytorch.")
    weights: Literal["none", "imagenet"] = Field(
        default="none", description="What the encoder starts from: random weights, or those of ImageNet."
    )
    mean: tuple[float, float, float] = Field(
        default=(0.485, 0.456, 0.406), description="Taken from red, green, blue on the scale 0-1."
    )
    std: tuple[float, float, float] = Field(
        default=(0.229, 0.224, 0.225), description="What the bands are then divided by."
    )
    decoder_channels: tuple[int, ...] | None = None
    class_names: tuple[str, ...] = Field(min_length=1)
    positive_weights: tuple[float, ...] | None = Field(
        default=None,
        description="How much more a pixel of each class counts than one beside it; 1 when None.",
    )
    contour_weight: float = Field(
        default=0,
        ge=0,
        description="Weight in the loss of a second head, the contour of the first class; 0 = no such head.",
    )
    small_object_weight: float = Field(
        default=1,
        ge=1,
        description="How much more objects of the first class below 40 m² count, and half a metre around.",
    )
    gsd_m: float = Field(gt=0, description="Metres per pixel that every chip is brought to.")
    margin_px: int = Field(ge=0, description="Margin that inference cuts from each window.")
    crop_px: int = Field(ge=32, multiple_of=32, description="Side of the square training crop.")
    batch_size: int = Field(ge=1)
    steps_per_epoch: int = Field(ge=1)
    epochs: int = Field(ge=1)
    validate_every: int = Field(default=1, ge=1, description="Epochs between two validations.")
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop after so many validations without a better IoU of the first class; None = never.",
    )
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    ema_decay: float = Field(ge=0, lt=1, description="Decay of the moving average of the weights.")
    seed: int
    sources: dict[str, SourceRecipe]
    augmentation: Augmentation = Augmentation()

    @model_validator(mode="after")
    def _one_weight_per_class(self) -> Self:
        weights = self.positive_weights
        if weights is not None and (len(weights) != len(self.class_names) or min(weights) <= 0):
            raise ValueError("positive_weights must hold one positive number per class")
        return self

    @model_validator(mode="after")
    def _labels_are_classes(self) -> Self:
        for name, source in self.sources.items():
            unknown = set(source.labels) - set(self.class_names)
            if unknown:
                raise ValueError(f"source '{name}' labels {sorted(unknown)}, which are not in class_names")
        donor = self.augmentation.paste_from
        if donor is not None and donor not in self.sources:
            raise ValueError(f"paste_from is '{donor}', which is no source")
        return self


def load_recipe(recipe: StrPath | Recipe) -> Recipe:
    """Return the recipe of a file (YAML or JSON); one that is read already stays as it is.

    Raises:
        SettingsError: The file cannot be read, or does not fit the schema.
    """
    return recipe if isinstance(recipe, Recipe) else Recipe.read(Path(recipe))
