"""The readers on simulated rooms: whole scenes, both conventions, prepared data, and back."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from plyfile import PlyData
from scipy.spatial import cKDTree

from pcseg.data.labels import label_set
from pcseg.data.prepared import load_scan, save_scan
from pcseg.data.projection import project, visible
from pcseg.data.readers.s3dis.reader import S3DIS
from pcseg.data.readers.scannet.mesh import faces_of
from pcseg.data.readers.scannet.reader import ScanNet
from pcseg.sim import simulate_rooms

CLASSES = label_set("scannet")
NAME = "scene0000_00"
BORDER_M = 0.15
"""Pixels and edges of this small scene are that large."""


@pytest.fixture(scope="module")
def scannet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scannet")
    simulate_rooms(root, layout="scannet", rooms=1, frames=3, image_scale=0.1, seed=3)
    return root


@pytest.fixture(scope="module")
def s3dis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("s3dis")
    simulate_rooms(root, layout="s3dis", rooms=1, frames=1, image_scale=0.05, seed=3)
    return root


def test_scene_is_what_plyfile_reads(scannet: Path) -> None:
    scan = ScanNet(scannet, "all", CLASSES)[0]
    folder = scannet / "scans" / NAME
    mesh = PlyData.read(str(folder / f"{NAME}_vh_clean_2.ply"))
    labels = PlyData.read(str(folder / f"{NAME}_vh_clean_2.labels.ply"))["vertex"]["label"]
    vertex = mesh["vertex"]
    assert np.array_equal(scan.xyz, np.stack([vertex[a] for a in "xyz"], axis=1))
    colors = np.stack([vertex[c] for c in ("red", "green", "blue")], axis=1)
    assert np.array_equal(np.rint(scan.attrs["rgb"] * 255), colors)
    assert np.array_equal(scan.meta["faces"], np.vstack(mesh["face"]["vertex_indices"]))
    assert np.array_equal(scan.raw_labels, labels)
    assert scan.meta["label_ids"] == "nyu40" and scan.meta["simulated"]


def test_the_same_labels_from_raw_ids_and_from_the_objects(scannet: Path, tmp_path: Path) -> None:
    """The scene as an early release would have it: ids of raw categories in ``labels.ply``."""
    scan = ScanNet(scannet, "all", CLASSES)[0]
    by_object = ScanNet(scannet, "all", CLASSES, labels_from="aggregation")[0]
    annotated = by_object.instances > 0
    assert annotated.mean() > 0.5
    assert np.array_equal(by_object.raw_labels[annotated], scan.raw_labels[annotated])

    with (scannet / "scannetv2-labels.combined.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    # Several raw categories share a NYU40 id: any of them will do, but objects must agree.
    shutil.copytree(scannet, tmp_path / "early")
    path = tmp_path / "early" / "scans" / NAME / f"{NAME}_vh_clean_2.labels.ply"
    ply = PlyData.read(str(path), mmap=False)
    first = {int(row["nyu40id"]): int(row["id"]) for row in reversed(rows)}
    ply["vertex"]["label"] = [first.get(int(i), 0) for i in scan.raw_labels]
    ply.write(str(path))
    early = ScanNet(tmp_path / "early", "all", CLASSES)[0]
    assert early.meta["label_ids"] == "raw"
    assert np.array_equal(early.raw_labels, scan.raw_labels)


@pytest.mark.parametrize("grid", ["color", "depth"])
def test_pixels_show_the_classes_of_the_mesh(scannet: Path, grid: str) -> None:
    """Vertices inside their class agree with their pixels; at its border pixels show both sides."""
    data = ScanNet(scannet, "all", CLASSES)
    scan = data[0]
    border = np.zeros(len(scan), bool)
    for k in np.unique(scan.labels):
        mine = scan.labels == k
        border[mine] = cKDTree(scan.xyz[~mine]).query(scan.xyz[mine])[0] < BORDER_M
    inner = scan.select(~border & (scan.labels >= 0))
    assert len(inner) > 1000
    views = list(data.views(0, every=1, grid=grid))
    agree = []
    for view in views:
        found = project(view, inner.xyz)
        shown = visible(view, found)[found.inside]
        seen = view.labels[found.pixels()]
        agree.append((seen == inner.labels[found.inside])[shown & (seen >= 0)])
    together = np.concatenate(agree)
    assert len(views) == 3 and len(together) > 1000
    assert together.mean() > 0.95


def test_aligned_walls_follow_the_axes(scannet: Path) -> None:
    def share(scan_normals: np.ndarray) -> float:
        return float((np.abs(scan_normals[:, :2]).max(axis=1) > 0.99).mean())

    for align, along in ((False, False), (True, True)):
        scan = ScanNet(scannet, "all", CLASSES, align=align)[0]
        walls = scan.attrs["normal"][scan.raw_labels == 1]
        assert (share(walls) > 0.7) == along


def test_rooms_hold_every_point_once(s3dis: Path) -> None:
    (scan,), (ordered,) = S3DIS(s3dis, "all"), S3DIS(s3dis, "all", order="room")
    folder = Path(scan.meta["path"])
    rows = np.loadtxt(folder / f"{folder.name}.txt")
    assert np.array_equal(ordered.xyz, rows[:, :3].astype(np.float32))
    assert np.array_equal(np.rint(ordered.attrs["rgb"] * 255), rows[:, 3:])
    at, back = np.lexsort(scan.xyz.T), np.lexsort(ordered.xyz.T)
    assert np.array_equal(scan.xyz[at], ordered.xyz[back])
    assert len(np.unique(scan.raw_labels)) >= 6 and scan.meta["simulated"]
    names = sorted(path.stem for path in (folder / "Annotations").glob("*.txt"))
    assert len(np.unique(scan.instances)) == len(names)


def test_prepared_scenes_and_rooms_are_the_same(scannet: Path, s3dis: Path, tmp_path: Path) -> None:
    for scan in (ScanNet(scannet, "all", CLASSES)[0], S3DIS(s3dis, "all")[0]):
        save_scan(tmp_path / "scan.npz", scan)
        again = load_scan(tmp_path / "scan.npz")
        assert np.array_equal(again.xyz, scan.xyz)
        assert np.array_equal(again.raw_labels, scan.raw_labels)
        assert np.array_equal(again.instances, scan.instances)
        assert again.attrs.keys() == scan.attrs.keys()
        for name, values in scan.attrs.items():
            assert np.array_equal(again.attrs[name], values)
            assert again.attrs[name].dtype == values.dtype
        if "faces" in scan.meta:
            assert np.array_equal(faces_of(again), scan.meta["faces"])
