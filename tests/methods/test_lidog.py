"""LiDOG: the bird's-eye view against plain loops, the dice loss by hand, and a training step."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from voxel_batches import CLASSES, method, scan

from pcseg.errors import ConfigError
from pcseg.methods.lidog.bev import Grid, flat_features, flat_labels
from pcseg.methods.lidog.dice import dice_loss
from pcseg.sparse import SparseTensor


def tensor(rng: np.random.Generator, channels: int = 3) -> SparseTensor:
    """Voxels of two scans, a third that is empty; some lie outside of a grid of ± 5 m."""
    places = np.unique(rng.integers(-15, 15, (400, 3)) * [1, 1, 0.2], axis=0).astype(np.int32)
    coords = np.concatenate([np.column_stack([np.full(len(places), i), places]) for i in (0, 1)])
    feats = rng.uniform(0, 1, (len(coords), channels)).astype(np.float32)
    return SparseTensor(torch.tensor(feats), torch.tensor(coords, dtype=torch.int32), batch_size=3)


def cell_of(coords: np.ndarray, grid: Grid, size: float) -> tuple[int, int, int] | None:
    """(scan, row, column) of a voxel, or None outside of the grid."""
    x, y = (coords[1:3] + 0.5) * size + grid.reach
    column, row = int(x // grid.cell), int(y // grid.cell)
    inside = 0 <= row < grid.side and 0 <= column < grid.side
    return (int(coords[0]), row, column) if inside else None


def test_published_grids() -> None:
    assert Grid(50.0, 0.6).side == 167 and Grid(50.0, 0.15).side == 667
    assert Grid(5.0, 1.0).side == 10 and Grid(5.0, 0.1).side == 100


def test_flat_features_and_labels_equal_the_loops(rng: np.random.Generator) -> None:
    voxels, grid, size = tensor(rng), Grid(5.0, 1.0), 0.5
    labels = torch.tensor(rng.integers(-1, 4, len(voxels)))
    highest = np.zeros((3, 3, grid.side, grid.side), np.float32)
    votes: dict[tuple[int, int, int], Counter[int]] = {}
    for row, feat, label in zip(voxels.coords.numpy(), voxels.feats, labels, strict=True):
        cell = cell_of(row, grid, size)
        if cell is None:
            continue
        place = (cell[0], slice(None), cell[1], cell[2])
        highest[place] = np.maximum(highest[place], feat.numpy())
        if label >= 0:
            votes.setdefault(cell, Counter())[int(label)] += 1
    assert np.array_equal(flat_features(voxels, grid, size).numpy(), highest)
    flat = flat_labels(voxels, labels, grid, size, 4).numpy()
    assert ((flat >= 0).sum()) == len(votes)
    for cell, counted in votes.items():
        most = max(counted.values())
        assert flat[cell] == min(label for label, n in counted.items() if n == most)
    assert (flat[2] == -1).all() and not highest[2].any()


def test_dice_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]))
    labels = torch.tensor([0, 1, -1])
    # Class 0: 2*0.5/(0.6+1); class 1: 2*0.8/(1.05+1); class 2 is absent.
    a, b = 1.0 / 1.6, 1.6 / 2.05
    assert float(dice_loss(logits, labels)) == pytest.approx(1 - (a + b) / 3)
    assert float(dice_loss(logits, labels, present_only=True)) == pytest.approx(1 - (a + b) / 2)
    squared = dice_loss(logits, labels, squared=True, present_only=True)
    a, b = 1.0 / (0.25 + 0.01 + 1), 1.6 / (0.0625 + 0.64 + 1)
    assert float(squared) == pytest.approx(1 - (a + b) / 2)
    smooth = dice_loss(logits, labels, smoothing=0.1, present_only=True)
    a = 2 * (0.5 * 0.9 + 0.1 * 0.05) / (0.6 + 0.95)
    b = 2 * (0.25 * 0.05 + 0.8 * 0.9) / (1.05 + 0.95)
    assert float(smooth) == pytest.approx(1 - (a + b) / 2)


def test_dice_of_nothing_has_a_gradient_of_nothing() -> None:
    logits = torch.zeros(4, 3, requires_grad=True)
    loss = dice_loss(logits, torch.full((4,), -1))
    loss.backward()
    assert float(loss.detach()) == 0.0 and not logits.grad.any()


SMALL = ("lidog.reach=16", "lidog.cell=2", "lidog.channels=16")


@pytest.mark.parametrize("criterion", ["dice", "loss"])
def test_a_step_lowers_the_loss_and_logs_its_parts(criterion: str) -> None:
    torch.manual_seed(0)
    made = method("lidog", *SMALL, f"lidog.criterion={criterion}").train()
    batch = made.collate()([scan(0), scan(1)])
    optimizer = torch.optim.Adam(made.parameters(), 0.01)
    losses = []
    for _ in range(8):
        parts = made(batch)
        own = parts["dice"] if criterion == "dice" else parts["cross_entropy"] + parts["lovasz"]
        assert torch.allclose(parts["loss"], 0.5 * own + 0.5 * parts["bev_dice"])
        optimizer.zero_grad()
        parts["loss"].backward()
        optimizer.step()
        losses.append(parts["loss"].item())
    assert losses[-1] < 0.95 * losses[0]


def test_the_view_reaches_the_sparse_network_and_no_scan_sees_another() -> None:
    torch.manual_seed(0)
    made = method("lidog", *SMALL, "lidog.weight_3d=0").train()
    made(made.collate()([scan(0)]))["loss"].backward()
    stem = next(made.network.stem.parameters())
    assert stem.grad is not None and stem.grad.abs().sum() > 0
    made.eval()
    grid, size = made.seen, 0.5
    one, both = (made.collate()(scans) for scans in ([scan(1)], [scan(0), scan(1)]))
    with torch.no_grad():
        flats = [
            flat_features(made.network.features(b.voxels())[1], grid, size) for b in (one, both)
        ]
    assert torch.allclose(flats[0][0], flats[1][1], atol=1e-5)


def test_prediction_is_the_supervised_networks() -> None:
    torch.manual_seed(0)
    made, plain = method("lidog", *SMALL).eval(), method("supervised").eval()
    plain.network.load_state_dict(made.network.state_dict())
    ours, theirs = made.predict([scan(3)])[0], plain.predict([scan(3)])[0]
    assert np.array_equal(ours.labels, theirs.labels)
    assert np.array_equal(ours.confidence, theirs.confidence)


def test_only_with_a_network_that_shows_its_features() -> None:
    with pytest.raises(ConfigError, match=r"method=lidog looks at .* MinkUNet, which SPVCNN"):
        method("lidog", "model.name=spvcnn")
    assert CLASSES.num_classes == method("lidog", *SMALL).head[-1].out_channels
