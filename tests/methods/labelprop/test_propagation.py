"""Propagation equals the formula over all pairs of points."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from pcseg.methods.labelprop import cluster_kernels, kernels, search
from pcseg.methods.labelprop.propagation import propagate
from pcseg.methods.labelprop.voxel_map import VoxelMap
from tests.methods.labelprop import brute

CENTER = np.zeros(2)


def cloud(seed: int, count: int, span: float = 3.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.uniform(-span, span, (count, 3)) * [1, 1, 0.1]).astype(np.float32)


@pytest.mark.parametrize("seed", range(6))
def test_equals_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    past = cloud(seed, 4000) + np.float32(300.0)  # far from the origin
    confidence = brute.in_steps(rng.uniform(0.2, 1.0, 4000) if seed else np.ones(4000))
    # Stripes of labels, so that some cells agree and others do not; -1 competes.
    labels = np.floor(past[:, 0]).astype(np.int64) % 5 - 1
    labels[:400] = rng.integers(-1, 4, 400)
    ours = VoxelMap(0.05, 0.3)
    kept = ours.add(0, past, labels, confidence, CENTER)
    new = cloud(seed + 100, 3000) + np.float32(300.0)
    found = propagate(ours, new, 4)
    wanted = brute.propagate(past[kept], labels[kept], confidence[kept], new, 4, 0.3)
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_array_equal(found[1], wanted[1].astype(np.float32))
    assert 0.2 < (found[0] >= 0).mean() < 1.0 and (found[1] > 0).any()


def test_neighbours_in_all_27_cells_count_and_nothing_beyond_the_reach() -> None:
    for direction in np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T:
        length = max(1e-9, float(np.linalg.norm(direction)))
        for distance, labelled in ((0.29, True), (0.31, False)):
            if not direction.any():
                continue
            ours = VoxelMap(0.05, 0.3)
            at = np.array([[0.15, 0.15, 0.15]]) + direction * distance / length
            ours.add(0, at.astype(np.float32), np.array([2]), np.ones(1), CENTER)
            labels, _ = propagate(ours, np.array([[0.15, 0.15, 0.15]], "f4"), 4)
            assert (labels[0] == 2) == labelled, (direction, distance)


def test_unsure_neighbours_reach_less_far_and_then_nowhere() -> None:
    def label(confidence: float, distance: float) -> int:
        ours = VoxelMap(0.05, 0.3)
        at = np.array([[distance, 0, 0]], "f4")
        ours.add(0, at, np.array([1]), np.array([confidence]), CENTER)
        return int(propagate(ours, np.zeros((1, 3), "f4"), 4)[0][0])

    # 0.75 exp(-r² ln 2 / 0.09) > 0.5 for r < 0.229
    assert [label(0.75, 0.22), label(0.75, 0.24), label(0.5, 0.0)] == [1, -1, -1]


def test_one_crowd_outweighs_one_neighbour_at_hand() -> None:
    ours = VoxelMap(0.01, 0.3)
    xyz = np.array([[0.0, 0, 0], [0.1, 0, 0], [0.0, 0.1, 0]], "f4")
    ours.add(0, xyz, np.array([0, 3, 3]), np.array([1.0, 0.8, 1.0]), CENTER)
    labels, confidence = propagate(ours, np.zeros((1, 3), "f4"), 4)
    assert labels[0] == 3
    assert confidence[0] == pytest.approx(0.9, abs=1e-5)  # a plain mean, of the winners alone


def test_threads_do_not_change_the_result() -> None:
    ours = VoxelMap(0.05, 0.3)
    past = cloud(0, 60_000, 30.0)
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.4, 1, 60_000)
    ours.add(0, past, rng.integers(0, 4, 60_000), confidence, CENTER)
    new = cloud(1, 50_000, 30.0)
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            found.append(propagate(ours, new, 4))
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_the_kernel_is_the_power_of_two() -> None:
    t = np.linspace(0, 1, 1001, dtype=np.float32)
    found = np.array([search._half_power(x) for x in t])
    np.testing.assert_allclose(found, 2.0 ** -t.astype(np.float64), atol=2e-7)


def test_nothing_known_nothing_said() -> None:
    labels, confidence = propagate(VoxelMap(0.05, 0.3), cloud(0, 10), 4)
    assert (labels == -1).all() and (confidence == 0).all()
    assert len(propagate(VoxelMap(0.05, 0.3), cloud(0, 0), 4)[0]) == 0


@pytest.mark.parametrize(
    ("module", "parts"),
    [
        (kernels, ["tables.py"]),
        (search, ["tables.py", "kernels.py"]),
        (cluster_kernels, ["tables.py", "kernels.py"]),
    ],
)
def test_kernels_change_with_the_code_that_is_compiled_into_them(module, parts) -> None:
    folder = Path(module.__file__).parent
    text = b"".join((folder / name).read_bytes() for name in parts)
    digest = hashlib.sha256(text).hexdigest()[:16]
    assert digest == module.INLINED, f"write {digest} there: stale code is run until then"
