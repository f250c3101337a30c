"""Every network: size, forward, backward, empty and one-point samples, saving, overfitting."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pcseg.config import InputConfig
from pcseg.config.schema import MinkUNetConfig, SPVCNNConfig
from pcseg.data import Scan
from pcseg.methods.supervised.batch import Batch, collate, num_features
from pcseg.models import SegmentationLoss, build_network
from pcseg.models.build import NETWORKS

INPUTS = InputConfig(voxel_size=0.3, features=("xyz", "intensity"))
SMALL = {"minkunet": MinkUNetConfig(width=0.25), "spvcnn": SPVCNNConfig(width=0.25)}
CLASSES = 5


def scan(rng: np.random.Generator, points: int) -> Scan:
    xyz = rng.uniform(-4, 4, (points, 3)).astype(np.float32)
    labels = (xyz[:, 0] > 0).astype(np.int64) + 2 * (xyz[:, 1] > 0)
    return Scan(xyz, {"intensity": rng.random(points).astype(np.float32)}, labels=labels)


def batch_of(rng: np.random.Generator, *sizes: int) -> Batch:
    return collate([scan(rng, size) for size in sizes], INPUTS, CLASSES)


def rows(batch: Batch, network: torch.nn.Module) -> int:
    return len(batch.point_labels) if network.per_point else len(batch.voxel_labels)


@pytest.mark.parametrize(
    ("settings", "millions"),
    [(MinkUNetConfig(), 21.7), (SPVCNNConfig(), 21.8)],
)
def test_parameter_counts_are_the_published_ones(settings: object, millions: float) -> None:
    # Published with the reference implementation of Tang et al. 2020: cr 1.0, 4 inputs, 19 classes.
    network = build_network(settings, 4, 19)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == millions


@pytest.mark.parametrize("name", NETWORKS)
def test_forward_and_backward(name: str, rng: np.random.Generator) -> None:
    network = build_network(SMALL[name], num_features(INPUTS), CLASSES)
    batch = batch_of(rng, 400, 300)
    logits = network(batch.voxels(), batch.points)
    assert logits.shape == (rows(batch, network), CLASSES)
    logits.square().mean().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("sizes", [(0,), (1,), (0, 200, 1), (200, 0)])
def test_empty_and_one_point_samples(
    name: str, sizes: tuple[int, ...], rng: np.random.Generator
) -> None:
    network = build_network(SMALL[name], num_features(INPUTS), CLASSES)
    batch = batch_of(rng, *sizes)
    for mode in (True, False):
        network.train(mode)
        logits = network(batch.voxels(), batch.points)
        assert logits.shape == (rows(batch, network), CLASSES)
        assert torch.isfinite(logits).all()
    logits.sum().backward()


@pytest.mark.parametrize("name", NETWORKS)
def test_samples_of_a_batch_do_not_mix(name: str, rng: np.random.Generator) -> None:
    network = build_network(SMALL[name], num_features(INPUTS), CLASSES).eval()
    first, second = scan(rng, 300), scan(rng, 200)
    alone = collate([first], INPUTS, CLASSES)
    together = collate([first, second], INPUTS, CLASSES)
    with torch.no_grad():
        one = network(alone.voxels(), alone.points)
        two = network(together.voxels(), together.points)
    assert torch.allclose(one, two[: len(one)], atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_survive_saving(name: str, rng: np.random.Generator, tmp_path: object) -> None:
    batch = batch_of(rng, 200)
    networks = [build_network(SMALL[name], num_features(INPUTS), CLASSES).eval() for _ in range(2)]
    path = f"{tmp_path}/weights.pt"
    torch.save(networks[0].state_dict(), path)
    networks[1].load_state_dict(torch.load(path, weights_only=True))
    with torch.no_grad():
        one, two = (n(batch.voxels(), batch.points) for n in networks)
    assert torch.equal(one, two)


@pytest.mark.parametrize("name", NETWORKS)
def test_one_scene_can_be_learnt_by_heart(name: str, rng: np.random.Generator) -> None:
    torch.manual_seed(0)
    network = build_network(SMALL[name], num_features(INPUTS), CLASSES)
    batch = batch_of(rng, 500)
    labels = batch.point_labels if network.per_point else batch.voxel_labels
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    loss = SegmentationLoss()
    for _ in range(40):
        optimizer.zero_grad()
        loss(network(batch.voxels(), batch.points), labels)["loss"].backward()
        optimizer.step()
    predicted = network(batch.voxels(), batch.points).argmax(1)
    assert (predicted == labels).float().mean() > 0.95
