"""Grouping: which items belong together, when it is known which pairs do."""

from __future__ import annotations

import numpy as np


def connected(count: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Number the connected components of a graph.

    Every item takes the least number among its neighbours until nothing changes, with pointers
    halved on the way (Shiloach & Vishkin 1982, "An O(log n) parallel connectivity algorithm").

    Args:
        count: of the items.
        first: (P,) one end of each pair.
        second: (P,) the other end.

    Returns:
        (count,) int64 from 0, in the order of the first item of each component.
    """
    group = np.arange(count)
    while True:
        least = np.minimum(group[first], group[second])
        joined = group.copy()
        for side in (first, second):
            np.minimum.at(joined, group[side], least)
        joined = joined[joined]
        if np.array_equal(joined, group):
            return np.unique(group, return_inverse=True)[1].reshape(-1).astype(np.int64)
        group = joined


def connected_faces(faces: np.ndarray) -> np.ndarray:
    """(F,) int64 component of each of the (F, 3) faces, where faces that share a vertex connect."""
    vertices, number = np.unique(faces, return_inverse=True)
    owner = np.repeat(np.arange(len(faces)), 3)
    met = np.zeros(len(vertices), np.int64)
    met[number.reshape(-1)[::-1]] = owner[::-1]  # the first face that has the vertex
    return connected(len(faces), owner, met[number.reshape(-1)])
