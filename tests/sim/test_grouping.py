"""Connected components against chains, rings and what scipy says."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.sim.grouping import connected, connected_faces
from pcseg.sim.mesh import join
from pcseg.sim.shapes.primitives import box, quads


def test_long_chains_and_single_items() -> None:
    chain = np.random.default_rng(0).permutation(500)
    groups = connected(503, chain[:-1], chain[1:])
    assert len(set(groups[:500].tolist())) == 1
    assert groups[500:].tolist() == [1, 2, 3]
    assert connected(0, np.zeros(0, int), np.zeros(0, int)).tolist() == []


def test_the_same_components_as_scipy(rng: np.random.Generator) -> None:
    csgraph = pytest.importorskip("scipy.sparse.csgraph")
    sparse = pytest.importorskip("scipy.sparse")
    for pairs in (10, 150, 400):
        first, second = rng.integers(0, 300, (2, pairs))
        graph = sparse.coo_matrix((np.ones(pairs), (first, second)), (300, 300))
        expected = csgraph.connected_components(graph, directed=False)[1]
        np.testing.assert_array_equal(connected(300, first, second), expected)


def test_solids_are_components_of_their_faces() -> None:
    solids = [box((1, 1, 1), (x, 0, 0), "steel") for x in (0, 5)]
    plate = quads(np.array([[[0, 0, 3], [1, 0, 3], [1, 1, 3], [0, 1, 3.0]]]), "steel")
    groups = connected_faces(join([*solids, plate]).faces)
    assert groups.tolist() == [0] * 12 + [1] * 12 + [2] * 2
