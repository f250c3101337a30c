"""DGLSS: the second view, the two constraints against plain loops, and a training step."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from voxel_batches import CLASSES, method, scan

from pcseg.errors import ConfigError
from pcseg.methods.dglss.consistency import correlation_consistency, sparsity_invariance
from pcseg.methods.dglss.views import collate_views, thin
from pcseg.sparse import SparseTensor


def test_the_second_view_keeps_whole_beams() -> None:
    whole = scan(0)
    counts = set()
    for seed in range(40):
        view = thin(whole, (0.3, 0.7), np.random.default_rng(seed))
        beams = np.unique(view.attrs["ring"])
        counts.add(len(beams))
        assert len(view) == np.isin(whole.attrs["ring"], beams).sum()
    assert min(counts) == 5 and max(counts) == 11  # 30 % and 70 % of 16
    assert len(np.unique(thin(whole, (0.001, 0.001), np.random.default_rng(0)).attrs["ring"])) == 1
    assert len(thin(whole.select(np.zeros(0, np.int64)), (0.3, 0.7), np.random.default_rng(0))) == 0


def test_views_depend_on_points_and_seed_alone() -> None:
    made = method("dglss")
    one = pickle.loads(pickle.dumps(made.collate()))([scan(0), scan(1)])
    two = made.collate()([scan(0), scan(1)])
    other_seed = method("dglss", "train.seed=1").collate()([scan(0), scan(1)])
    assert one.num_scans == 2 and one.both.num_scans == 4
    assert torch.equal(one.both.coords, two.both.coords)
    assert not torch.equal(one.both.coords, other_seed.both.coords)
    # A scan's view is the same in whatever company it comes.
    alone = made.collate()([scan(1)])
    paired = one.both.coords[one.both.coords[:, 0] == 3, 1:]
    assert torch.equal(alone.both.coords[alone.both.coords[:, 0] == 1, 1:], paired)


def test_every_voxel_of_the_second_view_is_one_of_the_first() -> None:
    coords = method("dglss").collate()([scan(0), scan(1)]).both.coords.numpy()
    for i in (0, 1):
        whole = {tuple(row) for row in coords[coords[:, 0] == i, 1:]}
        thinned = {tuple(row) for row in coords[coords[:, 0] == i + 2, 1:]}
        assert thinned < whole


def looped_sparsity(coords, feats, scans: int, neighbours: int, affinity: float) -> float:
    """The loss written as the paper tells it, voxel by voxel."""
    total = 0.0
    for i in range(scans):
        whole = {tuple(c[1:]): f for c, f in zip(coords, feats, strict=True) if c[0] == i}
        thinned = {tuple(c[1:]): f for c, f in zip(coords, feats, strict=True) if c[0] == scans + i}
        rows = [np.abs(whole[place] - feat) for place, feat in thinned.items()]
        places = np.array(list(thinned), float)
        for place, feat in whole.items():
            if place in thinned:
                continue
            distance = np.linalg.norm(places - place, axis=1)
            near = np.argsort(distance, kind="stable")[:neighbours]
            weights = []
            for j in near:
                twin = whole[tuple(places[j].astype(int))]
                cosine = feat @ twin / (np.linalg.norm(feat) * np.linalg.norm(twin))
                weights.append(1.0 / (distance[j] + 1e-7) if cosine >= affinity else 0.0)
            if sum(weights):
                stand_ins = [thinned[tuple(places[j].astype(int))] for j in near]
                rows.append(np.abs(feat - np.average(stand_ins, axis=0, weights=weights)))
        total += np.mean(rows)
    return total / scans


def random_views(rng: np.random.Generator, scans: int = 2):
    """Voxels of `scans` scans and of views that lack some of them; distances never tie."""
    coords, feats = [], []
    for view in (1.0, 0.5):
        for i in range(scans):
            own = np.random.default_rng(i)
            places = np.unique(own.integers(0, 60, (50, 3)), axis=0)
            kept = places[own.random(len(places)) < view]
            number = i if view == 1.0 else scans + i
            coords.append(np.column_stack([np.full(len(kept), number), kept]))
            feats.append(rng.uniform(0, 1, (len(kept), 6)))
    return np.concatenate(coords), np.concatenate(feats)


@pytest.mark.parametrize("affinity", [-1.0, 0.9])
def test_sparsity_invariance_equals_the_loops(affinity: float, rng: np.random.Generator) -> None:
    coords, feats = random_views(rng)
    bottom = SparseTensor(torch.tensor(feats), torch.tensor(coords, dtype=torch.int32), stride=16)
    found = sparsity_invariance(bottom, 3, affinity)
    assert float(found) == pytest.approx(looped_sparsity(coords, feats, 2, 3, affinity), rel=1e-4)


def test_stand_ins_get_no_gradient(rng: np.random.Generator) -> None:
    coords, feats = random_views(rng, 1)
    place = torch.tensor(coords, dtype=torch.int32)
    given = torch.tensor(feats, requires_grad=True)
    sparsity_invariance(SparseTensor(given, place, stride=16), 3, -1.0).backward()
    thinned = coords[:, 0] == 1
    # A thinned voxel is pulled to its twin once, however many lost voxels it stands in for.
    share = 1.0 / (feats.shape[1] * (~thinned).sum())
    assert np.allclose(given.grad.abs()[thinned], share)


def test_equal_views_cost_nothing(rng: np.random.Generator) -> None:
    places = np.unique(rng.integers(0, 9, (40, 3)), axis=0)
    coords = np.concatenate([np.column_stack([np.full(len(places), i), places]) for i in (0, 1)])
    feats = torch.tensor(np.tile(rng.uniform(size=(len(places), 4)), (2, 1)))
    bottom = SparseTensor(feats, torch.tensor(coords, dtype=torch.int32))
    assert float(sparsity_invariance(bottom)) == 0.0
    empty = SparseTensor(feats[: len(places)], bottom.coords[: len(places)], batch_size=2)
    assert float(sparsity_invariance(empty)) == 0.0  # nothing of the second view is left


def test_correlation_consistency_equals_the_loops(rng: np.random.Generator) -> None:
    feats = torch.tensor(rng.normal(size=(300, 5)), dtype=torch.float32)
    labels = torch.tensor(rng.integers(-1, 4, 300))
    batch = torch.tensor(rng.integers(0, 3, 300))
    labels[(batch == 1) & (labels == 2)] = -1  # a class that one scan lacks
    differences = []
    for i in range(3):
        for j in range(i + 1, 3):
            for a in range(4):
                for b in range(4):
                    made = []
                    for s in (i, j):
                        pair = [feats[(batch == s) & (labels == c)] for c in (a, b)]
                        if all(len(part) for part in pair):
                            p, q = (F.normalize(part.mean(0), dim=0) for part in pair)
                            made.append(float(p @ q))
                    if len(made) == 2:
                        differences.append(abs(made[0] - made[1]))
    found = correlation_consistency(feats, labels, batch, 3, 4)
    assert float(found) == pytest.approx(np.mean(differences), abs=1e-5)
    none = correlation_consistency(feats, torch.full((300,), -1), batch, 3, 4)
    assert float(none) == 0.0


def test_a_step_lowers_the_loss_and_logs_its_parts() -> None:
    torch.manual_seed(0)
    made = method("dglss").train()
    batch = made.collate()([scan(0), scan(1)])
    optimizer = torch.optim.Adam(made.parameters(), 0.01)
    losses = []
    for _ in range(8):
        parts = made(batch)
        assert next(iter(parts)) == "loss"
        assert {"cross_entropy", "lovasz", "sparsity", "correlation"} < set(parts)
        weighted = parts["cross_entropy"] + parts["lovasz"] + parts["sparsity"]
        assert torch.allclose(parts["loss"], weighted + 10 * parts["correlation"], atol=1e-5)
        optimizer.zero_grad()
        parts["loss"].backward()
        optimizer.step()
        losses.append(parts["loss"].item())
    assert losses[-1] < 0.8 * losses[0]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.projection.parameters())


def test_classes_may_be_correlated_by_the_features_themselves() -> None:
    made = method("dglss", "dglss.channels=null").train()
    parts = made(made.collate()([scan(0)]))
    parts["loss"].backward()
    assert not list(made.projection.parameters()) and parts["correlation"] > 0


def test_prediction_is_the_supervised_networks() -> None:
    torch.manual_seed(0)
    made, plain = method("dglss").eval(), method("supervised").eval()
    plain.network.load_state_dict(made.network.state_dict())
    ours, theirs = made.predict([scan(3)])[0], plain.predict([scan(3)])[0]
    assert np.array_equal(ours.labels, theirs.labels)
    assert np.array_equal(ours.confidence, theirs.confidence)


class Bare:
    """A dataset whose scans do not say which beam measured what."""

    name = "bare"

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int):
        made = scan(index)
        return made.replace(attrs={"intensity": made.attrs["intensity"]})

    def class_counts(self) -> str:
        return "counts"


def test_beams_are_found_before_augmentation() -> None:
    data = pickle.loads(pickle.dumps(method("dglss").training_set(Bare())))
    assert len(data) == 2 and data.name == "bare" and data.class_counts() == "counts"
    assert data[0].attrs["ring"].shape == (len(data[0]),) and "intensity" in data[1].attrs


def test_views_without_labels_and_with_a_limit() -> None:
    far = scan(0).replace(labels=None)
    config = method("dglss", "input.max_range=8").config
    made = collate_views([far], config.input, CLASSES.num_classes, (0.5, 0.5), 0)
    assert (made.both.voxel_labels == -1).all()
    assert made.both.points.position[:, 1:].norm(dim=1).max() * 0.5 <= 8.001


def test_only_with_a_network_that_shows_its_features() -> None:
    with pytest.raises(ConfigError, match=r"method=dglss looks at .* MinkUNet, which SPVCNN"):
        method("dglss", "model.name=spvcnn")
    with pytest.raises(ConfigError, match="the lower one first"):
        method("dglss", "dglss.keep=[0.7, 0.3]")
