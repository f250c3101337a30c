"""Losses against hand-worked and independent values."""

from __future__ import annotations

import itertools

import pytest
import torch

from pcseg.models import SegmentationLoss, lovasz_softmax


def jaccard_loss(wrong: tuple[bool, ...], labels: list[int], cls: int) -> float:
    """1 - IoU of a class when exactly the rows in `wrong` are misclassified."""
    truth = [label == cls for label in labels]
    intersection = sum(t and not w for t, w in zip(truth, wrong, strict=True))
    union = sum(t or w for t, w in zip(truth, wrong, strict=True))
    return 1.0 - intersection / union if union else 0.0


def test_lovasz_equals_one_minus_iou_on_hard_predictions() -> None:
    labels = [0, 1, 1, 2]
    for predicted in itertools.product(range(3), repeat=4):
        hard = torch.nn.functional.one_hot(torch.tensor(predicted), 3).double()
        ious = []
        for cls in set(labels):
            wrong = tuple((p == cls) != (t == cls) for p, t in zip(predicted, labels, strict=True))
            ious.append(jaccard_loss(wrong, labels, cls))
        loss = lovasz_softmax(hard, torch.tensor(labels))
        assert loss.item() == pytest.approx(sum(ious) / len(ious), abs=1e-12)


def test_lovasz_gradient_is_right() -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(12, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 4, (12,), generator=generator)
    assert torch.autograd.gradcheck(lambda x: lovasz_softmax(x.softmax(1), labels), (logits,))


def test_ignored_rows_change_nothing() -> None:
    logits = torch.randn(10, 3)
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    more = torch.cat([logits, 100 * torch.randn(5, 3)])
    ignored = torch.cat([labels, torch.full((5,), -1)])
    loss = SegmentationLoss()
    assert torch.equal(loss(logits, labels)["loss"], loss(more, ignored)["loss"])


def test_all_ignored_gives_zero_and_a_gradient() -> None:
    logits = torch.randn(4, 3, requires_grad=True)
    total = SegmentationLoss()(logits, torch.full((4,), -1))["loss"]
    total.backward()
    assert total.item() == 0.0
    assert torch.equal(logits.grad, torch.zeros(4, 3))


def test_class_weights_weigh() -> None:
    logits = torch.zeros(2, 2)
    logits[0, 1] = 3.0  # row 0, of class 0, is wrong
    labels = torch.tensor([0, 1])
    light = SegmentationLoss(lovasz=0.0, class_weights=torch.tensor([0.1, 1.0]))
    heavy = SegmentationLoss(lovasz=0.0, class_weights=torch.tensor([1.0, 0.1]))
    assert heavy(logits, labels)["loss"] > light(logits, labels)["loss"]


def test_terms_are_summed_with_their_weights() -> None:
    logits, labels = torch.randn(20, 4), torch.randint(0, 4, (20,))
    parts = SegmentationLoss(cross_entropy=2.0, lovasz=0.5)(logits, labels)
    expected = 2.0 * parts["cross_entropy"] + 0.5 * parts["lovasz"]
    assert torch.allclose(parts["loss"], expected)
