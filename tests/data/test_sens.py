"""ScanNet's .sens streams: every pixel and pose read back, damaged streams named by frame."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import indoor_samples as made
import numpy as np
import pytest

from pcseg.data.readers.rgbd.sens import read_frames, read_header
from pcseg.errors import DataError


def test_header(tmp_path: Path) -> None:
    header = read_header(made.write_sens(tmp_path / "a.sens"))
    assert header.sensor == "StructureSensor" and header.num_frames == 3
    assert np.array_equal(header.color_K, made.COLOR_K)
    assert np.array_equal(header.depth_K, made.DEPTH_K)
    assert header.color_size == made.COLOR_SIZE and header.depth_size == made.DEPTH_SIZE
    assert (header.color_compression, header.depth_compression) == ("png", "zlib_ushort")


@pytest.mark.parametrize(("color", "depth"), [(0, 0), (1, 1), (2, 1)])
def test_pixels_and_poses(tmp_path: Path, color: int, depth: int) -> None:
    path = made.write_sens(tmp_path / "a.sens", color=color, depth=depth)
    frames = list(read_frames(path))
    assert [frame.number for frame in frames] == [0, 1, 2]
    for i, frame in enumerate(frames):
        apart = np.abs(frame.decode_color().astype(int) - made.room_rgb(i))
        assert apart.max() <= (20 if color == 2 else 0) and apart.mean() < 3  # jpeg loses a little
        stored = made.room_depth(made.camera_pose(i))
        assert np.array_equal(frame.decode_depth(), stored.astype(np.float32) / np.float32(1000))
        assert np.allclose(frame.pose, made.camera_pose(i), atol=1e-7) and frame.tracked
        assert frame.color_time == pytest.approx(i) and frame.depth_time == pytest.approx(i + 5e-6)


def test_each_nth_frame(tmp_path: Path) -> None:
    path = made.write_sens(tmp_path / "a.sens", num_frames=7, lost=[3])
    frames = list(read_frames(path, every=3))
    assert [(frame.number, frame.tracked) for frame in frames] == [(0, True), (3, False), (6, True)]


def test_one_frame_in_memory_at_a_time(tmp_path: Path) -> None:
    path = made.write_sens(tmp_path / "a.sens", num_frames=60, color=0, depth=0)
    one = path.stat().st_size // 60
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_frames(path)) == 60
        assert tracemalloc.get_traced_memory()[1] < 6 * one
    finally:
        tracemalloc.stop()


def test_truncated_stream_names_the_frame(tmp_path: Path) -> None:
    path = made.write_sens(tmp_path / "a.sens")
    data = path.read_bytes()
    for cut in (50, len(data) // 6):
        path.write_bytes(data[:-cut])
        frames = read_frames(path)
        assert next(frames).number == 0 and next(frames).number == 1
        with pytest.raises(
            DataError, match=r"a\.sens, frame 2 of 3: the file ends at byte \d+.*it"
        ):
            next(frames)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"version": 3}, r"a\.sens: no \.sens stream of version 4 \(it begins with 3\)"),
        ({"frames": 1 << 60}, r"promises 1152921504606846976 frames.*truncated: copy it again"),
        ({"color_size": (1 << 31, 1 << 31)}, r"colour pictures of 2147483648 x 2147483648 pixels"),
        ({"depth_size": (0, 48)}, r"depth pictures of 48 x 0 pixels: the header is damaged"),
        ({"shift": 0.0}, r"0\.0 depth steps per metre"),
        ({"shift": float("nan")}, r"nan depth steps per metre"),
        ({"name": b"x" * 2000}, r"sensor's name would be 2000 bytes long"),
    ],
)
def test_absurd_headers(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    path = made.write_sens(tmp_path / "a.sens", **changed)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=message):
        read_header(path)


def test_depth_that_only_its_maker_reads(tmp_path: Path) -> None:
    path = made.write_sens(tmp_path / "a.sens", depth=2)
    with pytest.raises(DataError, match=r"'occi_ushort'.*Export the frames with.*SensReader"):
        read_header(path)


def test_unknown_compression(tmp_path: Path) -> None:
    data = bytearray(made.write_sens(tmp_path / "a.sens").read_bytes())
    struct.pack_into("<i", data, 12 + 15 + 256, 9)
    (tmp_path / "a.sens").write_bytes(data)
    with pytest.raises(DataError, match="unknown compression 9 of colour"):
        read_header(tmp_path / "a.sens")


def test_short_files_and_other_files(tmp_path: Path) -> None:
    path = made.write_sens(tmp_path / "a.sens")
    data = path.read_bytes()
    for size in (0, 11, 30, 100):
        path.write_bytes(data[:size])
        with pytest.raises(DataError, match=r"a\.sens: (no \.sens stream|truncated within)"):
            read_header(path)
    with pytest.raises(DataError, match=r"b\.sens: cannot be read"):
        read_header(tmp_path / "b.sens")


def test_damaged_pictures(tmp_path: Path) -> None:
    path = made.write_sens(tmp_path / "a.sens", num_frames=1)
    data = path.read_bytes()
    frame = next(read_frames(path))
    path.write_bytes(data.replace(frame.depth, b"\xff" * len(frame.depth)))
    with pytest.raises(
        DataError, match=r"frame 0: depth cannot be inflated.*Copy the stream again"
    ):
        next(read_frames(path)).decode_depth()
    path.write_bytes(data.replace(frame.color[40:90], bytes(50)))
    with pytest.raises(DataError, match=r"frame 0: neither PNG nor JPEG. Copy the file"):
        next(read_frames(path)).decode_color()
    path = made.write_sens(tmp_path / "b.sens", num_frames=1, color_size=(70, 96))
    with pytest.raises(DataError, match=r"96 x 72 pixels, where 96 x 70 are expected"):
        next(read_frames(path)).decode_color()
    path = made.write_sens(tmp_path / "c.sens", num_frames=1, color=0, color_size=(70, 96))
    with pytest.raises(DataError, match=r"20736 bytes of colour for 96 x 70 pixels"):
        next(read_frames(path)).decode_color()


def test_depth_that_inflates_to_another_size(tmp_path: Path) -> None:
    for height in (35, 37):
        path = made.write_sens(tmp_path / "a.sens", num_frames=1, depth_size=(height, 48))
        with pytest.raises(DataError, match=rf"bytes of depth for 48 x {height} pixels"):
            next(read_frames(path)).decode_depth()
