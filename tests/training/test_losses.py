from __future__ import annotations

import pytest
import torch

from vigibati.training.losses import masked_bce_dice


def planes(*rows: list[list[float]]) -> torch.Tensor:
    return torch.tensor(rows)[None]  # (1, C, H, W)


def test_certain_and_right_costs_nothing() -> None:
    target = planes([[1.0, 0.0], [0.0, 1.0]])
    loss = masked_bce_dice((target * 2 - 1) * 50, target, torch.ones_like(target))
    assert float(loss) == pytest.approx(0, abs=1e-5)


def test_certain_and_wrong_costs_much() -> None:
    target = planes([[1.0, 0.0], [0.0, 1.0]])
    loss = masked_bce_dice((1 - target * 2) * 50, target, torch.ones_like(target))
    # BCE is 50; Dice with one added on both sides of the fraction is 1 - 1 / 5.
    assert float(loss) == pytest.approx(50 + 0.8, abs=1e-3)


def test_unknown_pixels_do_not_count() -> None:
    target = planes([[1.0, 0.0], [0.0, 1.0]])
    label_weight = planes([[1.0, 1.0], [1.0, 0.0]])
    logits = (target * 2 - 1) * 50
    logits[..., 1, 1] = -50
    assert float(masked_bce_dice(logits, target, label_weight)) == pytest.approx(0, abs=1e-5)


def test_a_class_without_labels_has_no_gradient() -> None:
    logits = torch.zeros(1, 2, 2, 2, requires_grad=True)
    target = torch.ones(1, 2, 2, 2)
    label_weight = torch.stack([torch.ones(1, 2, 2), torch.zeros(1, 2, 2)], dim=1)
    masked_bce_dice(logits, target, label_weight).backward()
    assert logits.grad is not None
    assert bool((logits.grad[:, 0] != 0).all())
    assert not bool((logits.grad[:, 1] != 0).any())


def test_a_rare_class_can_weigh_more() -> None:
    target = planes([[1.0, 0.0], [0.0, 0.0]])
    logits = torch.full_like(target, -3.0).requires_grad_()
    masked_bce_dice(logits, target, torch.ones_like(target)).backward()
    plain = logits.grad
    weighted_logits = torch.full_like(target, -3.0).requires_grad_()
    masked_bce_dice(weighted_logits, target, torch.ones_like(target), torch.tensor([10.0])).backward()
    weighted = weighted_logits.grad
    assert plain is not None
    assert weighted is not None
    # The pull on the missed pixel grows by nine times its share of the mean, sigmoid(3) / 4.
    pull = float(plain[0, 0, 0, 0] - weighted[0, 0, 0, 0])
    assert pull == pytest.approx(9 * float(torch.sigmoid(torch.tensor(3.0))) / 4, rel=1e-4)
    assert torch.equal(plain[0, 0, 1], weighted[0, 0, 1])
