"""Mesh over-segmentation against a plain reading of the method and against ScanNet's result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pcseg.errors import DataError
from pcseg.ops.mesh_segments import mesh_segments, vertex_normals


def grid(count: int, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A count x count height field with spacing 1 as a mesh."""
    x, y = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
    xyz = np.stack([x, y, height], -1).reshape(-1, 3).astype(np.float32)
    index = np.arange(count * count).reshape(count, count)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)
    return xyz, faces


def plain(xyz: np.ndarray, faces: np.ndarray, k: float, least: int) -> np.ndarray:
    """The method, one edge after the other, as its description says."""
    normals = vertex_normals(xyz.astype(np.float64), faces)
    edges = []
    for i, j, m in faces.tolist():
        for a, b in ((i, j), (i, m), (m, j)):
            weight = 1.0 - float(normals[a] @ normals[b])
            if float(normals[b] @ (xyz[b] - xyz[a]).astype(np.float64)) > 0:
                weight *= weight
            edges.append((np.float32(weight), a, b))
    edges.sort(key=lambda edge: edge[0])
    group = {v: {v} for v in range(len(xyz))}
    limit = {id(group[v]): k for v in group}

    def join(a: int, b: int) -> set[int]:
        merged = group[a] | group[b]
        for v in merged:
            group[v] = merged
        return merged

    for weight, a, b in edges:
        one, other = group[a], group[b]
        if one is not other and weight <= limit[id(one)] and weight <= limit[id(other)]:
            merged = join(a, b)
            kept.extend([one, other])  # so that no id is given twice
            limit[id(merged)] = weight + k / len(merged)
    for _, a, b in edges:
        if group[a] is not group[b] and min(len(group[a]), len(group[b])) < least:
            kept.append(group[a])
            kept.append(group[b])
            join(a, b)
    return np.array([min(group[v]) for v in range(len(xyz))])


kept: list[set[int]] = []


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = np.unique(np.stack([one, other]), axis=1).shape[1]
    return pairs == len(np.unique(one)) == len(np.unique(other))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("least", [1, 12])
def test_agrees_with_the_plain_method(seed: int, least: int) -> None:
    rng = np.random.default_rng(seed)
    xyz, faces = grid(14, np.cumsum(rng.normal(0, 0.25, (14, 14)), axis=0))
    found = mesh_segments(xyz, faces, 0.05, least)
    assert same_partition(found, plain(xyz, faces, 0.05, least))
    assert 1 < len(np.unique(found)) < len(xyz)


def test_a_fold_is_cut_and_a_plane_is_not() -> None:
    x = np.arange(20)[:, None] * np.ones((1, 20))
    flat = mesh_segments(*grid(20, np.zeros((20, 20))))
    assert len(np.unique(flat)) == 1
    folded = mesh_segments(*grid(20, np.maximum(x - 10, 0) * 1.5))
    first, last = folded.reshape(20, 20)[:8], folded.reshape(20, 20)[13:]
    assert len(np.unique(first)) == len(np.unique(last)) == 1
    assert first[0, 0] != last[0, 0]


def test_small_patches_join_neighbours_but_loose_ones_stay() -> None:
    xyz, faces = grid(20, np.zeros((20, 20)))
    xyz = np.concatenate([xyz, [[50, 0, 0], [51, 0, 0], [50, 1, 0], [90, 0, 0]]]).astype(np.float32)
    faces = np.concatenate([faces, [[400, 401, 402]]])
    found = mesh_segments(xyz, faces)
    assert len(np.unique(found[:400])) == 1
    assert len(set(found[400:403].tolist())) == 1 and found[400] != found[0]
    assert found[403] == 403  # a vertex without faces
    assert (found[found] == found).all()  # each patch is named by one of its own vertices


def test_faces_without_area_do_no_harm() -> None:
    xyz, faces = grid(6, np.zeros((6, 6)))
    found = mesh_segments(xyz, np.concatenate([faces, [[3, 3, 4], [0, 1, 2]]]))
    assert len(np.unique(found)) == 1


def test_damaged_meshes_are_refused() -> None:
    xyz, faces = grid(4, np.zeros((4, 4)))
    with pytest.raises(DataError, match="vertices 0 to 99, but there are 16"):
        mesh_segments(xyz, np.concatenate([faces, [[0, 1, 99]]]))
    with pytest.raises(DataError, match=r"\(V, 3\) vertices"):
        mesh_segments(xyz[:, :2], faces)


@pytest.mark.realdata
def test_agrees_with_the_segments_that_scannet_distributes(realdata: Path) -> None:
    """The sample was cut out of its scene, so a few patches at the cut differ."""
    from plyfile import PlyData

    scene = realdata / "scannet/scans/scene9000_00/scene9000_00"
    ply = PlyData.read(f"{scene}_vh_clean_2.ply")
    xyz = np.stack([ply["vertex"][axis] for axis in "xyz"], 1)
    faces = np.stack(ply["face"]["vertex_indices"])
    genuine = json.loads(Path(f"{scene}_vh_clean_2.0.010000.segs.json").read_text())["segIndices"]
    found = mesh_segments(xyz, faces)
    assert adjusted_rand(np.array(genuine), found) > 0.99
    assert adjusted_rand(np.array(genuine), mesh_segments(xyz, faces, 0.0001)) < 0.6


def adjusted_rand(one: np.ndarray, other: np.ndarray) -> float:
    """Hubert and Arabie (1985)."""

    def pairs(count: np.ndarray) -> float:
        return float((count * (count - 1.0) / 2).sum())

    both = np.unique(np.stack([one, other]), axis=1, return_counts=True)[1]
    first, second = (np.unique(labels, return_counts=True)[1] for labels in (one, other))
    expected = pairs(first) * pairs(second) / pairs(np.array([len(one)]))
    most = (pairs(first) + pairs(second)) / 2
    return (pairs(both) - expected) / (most - expected)
