"""The network under training, as Lightning sees it."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn

from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips import Sample
from vigibati.inference.network import build_network
from vigibati.training.losses import masked_bce_dice

MEAN = (0.485, 0.456, 0.406)
"""Mean per band on values scaled to 0-1: ImageNet's, so that pretrained encoders fit without a change."""

STD = (0.229, 0.224, 0.225)
"""Standard deviation per band, from the same source."""


class SegmentationModule(lightning.LightningModule):
    """Optimises one network by one recipe and measures IoU per class on validation chips."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.network: nn.Module = build_network(
            architecture=recipe.architecture,
            encoder=recipe.encoder,
            decoder_channels=recipe.decoder_channels,
            bands=len(MEAN),
            classes=len(recipe.class_names),
        ).to(memory_format=torch.channels_last)
        self.register_buffer("_mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        weights = recipe.positive_weights or (1.0,) * len(recipe.class_names)
        self.register_buffer("_positive_weights", torch.tensor(weights), persistent=False)
        self._counts = torch.zeros(3, len(recipe.class_names))  # intersection, prediction, truth

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (B, C, H, W) of uint8 images (B, 3, H, W)."""
        scaled = (image.float() / 255 - self.get_buffer("_mean")) / self.get_buffer("_std")
        logits: torch.Tensor = self.network(scaled.contiguous(memory_format=torch.channels_last))
        return logits

    def _loss(self, logits: torch.Tensor, batch: Sample) -> torch.Tensor:
        return masked_bce_dice(logits, batch.target, batch.known, self.get_buffer("_positive_weights"))

    def training_step(self, batch: Sample, _batch_index: int) -> torch.Tensor:
        """Return the loss of one batch."""
        loss = self._loss(self(batch.image), batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.image))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Forget the counts of the last validation."""
        self._counts.zero_()

    def validation_step(self, batch: Sample, _batch_index: int) -> None:
        """Count the pixels of one batch."""
        logits = self(batch.image)
        self.log("val_loss", self._loss(logits, batch), batch_size=len(batch.image))
        found, truth = (logits > 0).float() * batch.known, batch.target * batch.known
        over = (0, 2, 3)
        self._counts += torch.stack([(found * truth).sum(over), found.sum(over), truth.sum(over)]).cpu()

    def on_validation_epoch_end(self) -> None:
        """Log the IoU of each class over all known pixels."""
        shared, found, truth = self._counts
        union = (found + truth - shared).clamp(min=1)
        for name, value in zip(self.recipe.class_names, shared / union, strict=True):
            self.log(f"val_iou_{name}", value, prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with one rise and one cosine fall of the rate over the whole run."""
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.recipe.learning_rate, weight_decay=self.recipe.weight_decay
        )
        scheduler: Any = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=self.recipe.learning_rate,
            total_steps=self.recipe.epochs * self.recipe.steps_per_epoch,
            pct_start=0.1,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
