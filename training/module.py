"""The network under training, as Lightning sees it."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn
from torchmetrics.classification import MultilabelJaccardIndex

from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.training_chips import Sample
from vigibati.inference.model.network import build_network
from vigibati.training.losses import contour, masked_bce_dice

_UNKNOWN = -1
_LIKELY = 0.5


class NotFiniteError(Exception):
    """The loss of a batch is no finite number.

    Attributes:
        epoch: Epoch of the batch, from 0.
        batch: Its number in the epoch, from 0.
    """

    def __init__(self, epoch: int, batch: int) -> None:
        super().__init__(f"batch {batch} of epoch {epoch}")
        self.epoch, self.batch = epoch, batch


class SegmentationModule(lightning.LightningModule):
    """Optimises one network by one recipe and measures IoU per class on validation chips."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self._classes = len(recipe.class_names)
        self.network: nn.Module = build_network(
            architecture=recipe.architecture,
            encoder=recipe.encoder,
            decoder_channels=recipe.decoder_channels,
            bands=len(recipe.mean),
            classes=self._classes + (recipe.contour_weight > 0),
        ).to(memory_format=torch.channels_last)
        self.register_buffer("_mean", torch.tensor(recipe.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(recipe.std).view(1, 3, 1, 1), persistent=False)
        weights = recipe.positive_weights or (1.0,) * len(recipe.class_names)
        self.register_buffer("_positive_weights", torch.tensor(weights), persistent=False)
        self._iou = MultilabelJaccardIndex(
            self._classes, average=None, ignore_index=_UNKNOWN, validate_args=False
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (B, C, H, W) of uint8 images (B, 3, H, W), one plane per class."""
        return self._planes(image)[:, : self._classes]

    def _planes(self, image: torch.Tensor) -> torch.Tensor:
        scaled = (image.float() / 255 - self.get_buffer("_mean")) / self.get_buffer("_std")
        planes: torch.Tensor = self.network(scaled.contiguous(memory_format=torch.channels_last))
        return planes

    def loss(self, batch: Sample) -> torch.Tensor:
        """Return the loss of a batch."""
        return self._loss(self._planes(batch.image), batch)

    def _loss(self, planes: torch.Tensor, batch: Sample) -> torch.Tensor:
        weights = self.get_buffer("_positive_weights")
        loss = masked_bce_dice(planes[:, : self._classes], batch.target, batch.label_weight, weights)
        if not self.recipe.contour_weight:
            return loss
        edge = contour((batch.target[:, :1] >= _LIKELY).float())
        edge_loss = masked_bce_dice(planes[:, self._classes :], edge, batch.label_weight[:, :1])
        return loss + self.recipe.contour_weight * edge_loss

    def training_step(self, batch: Sample, batch_index: int) -> torch.Tensor:
        """Return the loss of one batch.

        Raises:
            NotFiniteError: It is no finite number; the weights are still those of the batch before.
        """
        loss = self.loss(batch)
        if not bool(torch.isfinite(loss)):
            raise NotFiniteError(self.current_epoch, batch_index)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.image))
        return loss

    def validation_step(self, batch: Sample, _batch_index: int) -> None:
        """Count the pixels of one batch."""
        planes = self._planes(batch.image)
        self.log("val_loss", self._loss(planes, batch), batch_size=len(batch.image))
        truth = torch.where(batch.label_weight > 0, batch.target, _UNKNOWN).long()
        self._iou.update((planes[:, : self._classes] > 0).long(), truth)

    def on_validation_epoch_end(self) -> None:
        """Log the IoU of each class over all known pixels."""
        for name, value in zip(self.recipe.class_names, self._iou.compute().reshape(-1), strict=True):
            self.log(f"val_iou_{name}", value)
        self._iou.reset()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with one rise and one cosine fall of the rate over the whole run."""
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.recipe.learning_rate, weight_decay=self.recipe.weight_decay
        )
        total = self.recipe.epochs * self.recipe.steps_per_epoch
        scheduler: Any = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=self.recipe.learning_rate,
            total_steps=total,
            # A rise of exactly one step has no length, by which torch divides.
            pct_start=max(0.1, min(1.5 / total, 0.75)),
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
