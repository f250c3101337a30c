"""Damaged files of every format: cut anywhere, bytes changed, absurd counts, empty, pickled."""

from __future__ import annotations

import io
import pickle
import re
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from cloud_samples import full_cloud

from pcseg.errors import DataError, PcsegError
from pcseg.io import FORMATS, PointFile, read_points, write_points

KINDS = [(suffix, None) for suffix in sorted(FORMATS)] + [
    (".ply", "ascii"),
    (".ply", "binary_big_endian"),
    (".pcd", "ascii"),
    (".pcd", "binary_compressed"),
]
SELF_CHECKING = {".npy", ".npz", ".ply", ".pcd", ".las", ".laz", ".off"}
"""Formats that say how much must be there; others can only notice a row cut in two."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a good file of each kind."""
    folder = tmp_path_factory.mktemp("whole")

    def write(suffix, encoding):
        path = folder / f"{encoding}{suffix}"
        if not path.exists():
            write_points(path, full_cloud(41), encoding=encoding, lossy=True)
        return path.read_bytes()

    return write


@pytest.mark.parametrize(("suffix", "encoding"), KINDS)
def test_cut_anywhere_is_told(tmp_path, whole, suffix, encoding):
    data = whole(suffix, encoding)
    path = tmp_path / f"cut{suffix}"
    # A text cut within its last number cannot be told from a whole one.
    is_text = encoding == "ascii" or suffix == ".off"
    end = data.rfind(b" ") if is_text else len(data)
    for size in sorted({1, 9, *range(20, end - 2, max(1, len(data) // 40)), end - 1}):
        path.write_bytes(data[:size])
        try:
            points = read_points(path)
        except DataError as error:
            assert "cut" in str(error)
        else:
            assert suffix not in SELF_CHECKING, f"{size} of {len(data)} bytes were accepted"
            assert len(points) <= 41


@pytest.mark.parametrize(("suffix", "encoding"), KINDS)
def test_changed_bytes_give_points_or_a_named_error(tmp_path, whole, suffix, encoding):
    data = whole(suffix, encoding)
    rng = np.random.default_rng(0)
    path = tmp_path / f"changed{suffix}"
    for trial in range(80):
        changed = bytearray(data)
        # Half of the changes hit the header, where they do the most harm. All in LAZ: its decoder
        # takes gigabytes for a while before it notices that the size of a layer is wrong.
        reach = len(data) if trial % 2 and suffix != ".laz" else min(len(data), 500)
        for at in rng.integers(0, reach, 1 + trial % 4):
            changed[at] = rng.integers(0, 256)
        path.write_bytes(changed)
        try:
            assert isinstance(read_points(path), PointFile)
        except DataError as error:
            assert "changed" in str(error)


@pytest.mark.parametrize("suffix", sorted(FORMATS))
@pytest.mark.parametrize("data", [b"", b"\n", b"\x00" * 7, b"garbage that is no point file\n" * 3])
def test_empty_and_garbage_files_are_named(tmp_path, suffix, data):
    path = tmp_path / f"000007{suffix}"
    path.write_bytes(data)
    with pytest.raises(DataError, match=re.escape(str(path))):
        read_points(path)


EMPTY = {
    ".ply": b"ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\n"
    b"property float z\nend_header\n",
    ".pcd": b"VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 0\nHEIGHT 1\n"
    b"POINTS 0\nDATA ascii\n",
    ".off": b"OFF\n0 0 0\n",
    ".obj": b"# no vertex\n",
    ".xyz": b"x y z\n",
}


@pytest.mark.parametrize("suffix", sorted(EMPTY))
def test_files_without_points(tmp_path, suffix):
    path = tmp_path / f"empty{suffix}"
    path.write_bytes(EMPTY[suffix])
    with pytest.raises(DataError, match=r"empty\.\w+: holds no points"):
        read_points(path)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".las"])
def test_binary_files_without_points(tmp_path, suffix):
    path = tmp_path / f"empty{suffix}"
    if suffix == ".npy":
        np.save(path, np.empty((0, 3)))
    elif suffix == ".npz":
        np.savez(path, xyz=np.empty((0, 3)))
    else:
        import laspy

        laspy.LasData(laspy.LasHeader(point_format=6, version="1.4")).write(path)
    with pytest.raises(DataError, match=r"empty.*(holds no points|0 are there)"):
        read_points(path)


ABSURD = {
    "a.ply": b"ply\nformat binary_little_endian 1.0\nelement vertex 1000000000000\nproperty float x"
    b"\nproperty float y\nproperty float z\nend_header\n" + bytes(120),
    "b.ply": b"ply\nformat ascii 1.0\nelement vertex 1000000000000\nproperty float x\n"
    b"property float y\nproperty float z\nend_header\n1 2 3\n",
    "c.ply": b"ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\n"
    b"property float y\nproperty float z\nelement face 999999999999\n"
    b"property list uchar int vertex_indices\nend_header\n" + bytes(120),
    "a.pcd": b"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 1000000\nHEIGHT 1000000\n"
    b"POINTS 1000000000000\nDATA binary\n" + bytes(120),
    "b.pcd": b"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 300000000\nHEIGHT 1\n"
    b"DATA binary_compressed\n" + np.array([40, 3_600_000_000], "<u4").tobytes() + bytes(40),
    "a.off": b"OFF\n1000000000000 0 0\n1 2 3\n",
    "a.npy": b"\x93NUMPY\x01\x00\x76\x00"
    + b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 3), }".ljust(118),
}


@pytest.mark.parametrize("name", sorted(ABSURD))
def test_absurd_counts_are_refused_before_memory_is_taken(tmp_path, name):
    (tmp_path / name).write_bytes(ABSURD[name])
    read_something_first(tmp_path / "warm.xyz")
    tracemalloc.start()
    with pytest.raises(DataError, match=re.escape(name)):
        read_points(tmp_path / name)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def read_something_first(path: Path) -> None:
    """Compile what is compiled on first use, which needs memory of its own."""
    path.write_text("1 2 3\n")
    read_points(path)


class Trap:
    """Unpickling this writes a file: proof that something ran."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "ran")


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize(
    "kind", ["pickle.npy", "object.npy", "object.npz", "pickle.npz", "dict.npz"]
)
def test_pickled_objects_are_refused_and_nothing_runs(tmp_path, kind, protocol):
    proof, path = tmp_path / "proof", tmp_path / kind
    trap = np.empty(1, object)
    trap[0] = Trap(proof)
    raw = pickle.dumps(Trap(proof), protocol)
    if kind == "pickle.npy":
        path.write_bytes(raw)
    elif kind == "object.npy":
        np.save(path, trap, allow_pickle=True)
    elif kind == "object.npz":
        np.savez(path, xyz=np.zeros((4, 3)), labels=trap)
    elif kind == "dict.npz":
        np.savez(path, xyz=np.zeros((4, 3)), meta=np.array({"a": Trap(proof)}, dtype=object))
    else:
        good = io.BytesIO()
        np.save(good, np.zeros((4, 3)))
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("xyz.npy", good.getvalue())
            archive.writestr("labels.npy", raw)
    with pytest.raises(DataError, match="pickled Python objects, which are refused"):
        read_points(path)
    assert not proof.exists()
    pickle.loads(raw)  # the trap does work
    assert proof.exists()


def test_missing_files_folders_and_unknown_formats(tmp_path):
    with pytest.raises(DataError, match=r"none\.ply: does not exist"):
        read_points(tmp_path / "none.ply")
    (tmp_path / "folder.ply").mkdir()
    with pytest.raises(DataError, match=r"folder\.ply: is a folder"):
        read_points(tmp_path / "folder.ply")
    with pytest.raises(DataError, match=r"'\.jpeg' is no known point format\. Known: \.bin"):
        read_points(tmp_path / "a.jpeg")
    with pytest.raises(DataError, match="there are no points to write"):
        write_points(tmp_path / "a.ply", PointFile(np.empty((0, 3), np.float32)))
    with pytest.raises(
        DataError, match=r"encoding 'zip' does not exist for \.ply\. Choose from ascii"
    ):
        write_points(tmp_path / "a.ply", full_cloud(), encoding="zip")
    with pytest.raises(DataError, match="name their columns themselves"):
        read_points(tmp_path / "a.ply", columns="x y z")


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path, suffix, small_disk):
    path = small_disk / f"a{suffix}"
    path.write_bytes(b"old")
    cloud = full_cloud(20_000)
    with pytest.raises(PcsegError, match=r"the disk is full\. Free some space"):
        write_points(path, cloud, lossy=True)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in small_disk.iterdir()] == [path.name]
