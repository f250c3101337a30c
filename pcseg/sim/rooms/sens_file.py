"""The ``.sens`` stream of ScanNet: calibration, then JPEG colour and deflated depth of each frame.

Layout as in ScanNet's SensReader (``sensorData.h``, version 4), little-endian throughout.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pcseg.io.pictures import picture_bytes
from pcseg.sim.rig import Camera

VERSION = 4
JPEG, ZLIB_USHORT = 2, 1
DEPTH_SHIFT = 1000.0
"""Stored depths per metre."""
SENSOR = b"StructureSensor"

_SIZES = struct.Struct("<iiIIIIfQ")
_STAMPS = struct.Struct("<QQQQ")


@dataclass(frozen=True)
class SensHeader:
    """What a stream says before its first frame.

    Attributes:
        color: camera.
        depth: camera.
        frames: that follow.
    """

    color: Camera
    depth: Camera
    frames: int

    def bytes(self) -> bytes:
        """As it is stored; both cameras look from the same place."""
        parts = [struct.pack("<IQ", VERSION, len(SENSOR)), SENSOR]
        for camera in (self.color, self.depth):
            intrinsic = np.eye(4)
            intrinsic[:3, :3] = camera.K
            parts += [_matrix(intrinsic), _matrix(np.eye(4))]
        color, depth = self.color, self.depth
        sizes = (color.width, color.height, depth.width, depth.height)
        parts.append(_SIZES.pack(JPEG, ZLIB_USHORT, *sizes, DEPTH_SHIFT, self.frames))
        return b"".join(parts)


def write_frame(
    file: BinaryIO, pose: np.ndarray | None, time: float, rgb: np.ndarray, depth_mm: np.ndarray
) -> None:
    """Append a frame.

    Args:
        file: behind the header, or the frame before.
        pose: (4, 4) camera -> world; None where tracking was lost, stored as minus infinity.
        time: seconds, stored as microseconds.
        rgb: (H, W, 3) uint8.
        depth_mm: (H, W) uint16.
    """
    color = picture_bytes(rgb, "JPEG", quality=92)
    depth = zlib.compress(depth_mm.astype("<u2").tobytes(), 6)
    stamp = round(time * 1e6)
    file.write(_matrix(np.full((4, 4), -np.inf) if pose is None else pose))
    file.write(_STAMPS.pack(stamp, stamp, len(color), len(depth)))
    file.write(color)
    file.write(depth)


def write_end(file: BinaryIO) -> None:
    """Append what follows the last frame: the number of IMU measurements, which is none."""
    file.write(struct.pack("<Q", 0))


def is_whole(path: Path, header: SensHeader) -> bool:
    """Whether a file begins with a header and ends where its frames say."""
    start = header.bytes()
    with path.open("rb") as file:
        if file.read(len(start)) != start:
            return False
        for _ in range(header.frames):
            file.seek(64, io.SEEK_CUR)
            stamps = file.read(_STAMPS.size)
            if len(stamps) < _STAMPS.size:
                return False
            _, _, color, depth = _STAMPS.unpack(stamps)
            file.seek(color + depth, io.SEEK_CUR)
        return file.tell() + 8 == path.stat().st_size


def _matrix(matrix: np.ndarray) -> bytes:
    return np.asarray(matrix).astype("<f4").tobytes()
