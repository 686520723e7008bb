"""What a network is punished for."""

from __future__ import annotations

import torch
from torch.nn import functional


def masked_bce_dice(
    logits: torch.Tensor,
    target: torch.Tensor,
    label_weight: torch.Tensor,
    positive_weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean of binary cross-entropy and of one minus the soft Dice coefficient.

    Unknown pixels weigh nothing. Dice is taken per class over the whole batch, so that a chip
    without any building does not dominate; a class without a known pixel adds nothing.

    Args:
        logits: (B, C, H, W), before the sigmoid.
        target: (B, C, H, W), 1.0 where the class is there, in between where that is uncertain.
        label_weight: (B, C, H, W), weight of the target: 0 where it is not to be believed.
        positive_weights: (C,), weight of target pixels in the cross-entropy. A rare class needs it:
            where nothing is found yet, Dice has no slope.

    Reference:
        Milletari et al., V-Net, 2016 (https://arxiv.org/abs/1606.04797): Dice with squares.
    """
    over = (0, 2, 3)
    weights = None if positive_weights is None else positive_weights.view(-1, 1, 1)
    entropy = functional.binary_cross_entropy_with_logits(
        logits, target, reduction="none", pos_weight=weights
    )
    support = label_weight.sum(over)  # (C,)
    bce = (entropy * label_weight).sum(over) / support.clamp(min=1)
    probabilities = torch.sigmoid(logits) * label_weight
    truth = target * label_weight
    shared = (probabilities * truth).sum(over)
    total = (probabilities.square() + truth.square()).sum(over)
    dice = 1 - (2 * shared + 1) / (total + 1)
    present = (support > 0).float()
    return ((bce + dice) * present).sum() / present.sum().clamp(min=1)


def contour(target: torch.Tensor) -> torch.Tensor:
    """Return where objects begin and end: one pixel on either side of every boundary.

    Args:
        target: (B, C, H, W), 1.0 where the class is there.

    Returns:
        (B, C, H, W), 1.0 where the 3 × 3 neighbourhood holds both values. The edge of the chip is
        no boundary.
    """
    highest = functional.max_pool2d(target, 3, stride=1, padding=1)
    lowest = -functional.max_pool2d(-target, 3, stride=1, padding=1)
    return highest - lowest
