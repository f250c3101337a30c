"""ScanNet's .sens streams: colour, depth and pose of each frame, one frame in memory at a time."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pcseg.errors import DataError
from pcseg.io.pictures import MOST_PIXELS, decode_picture

VERSION = 4

COLOR_COMPRESSIONS = {0: "raw", 1: "png", 2: "jpeg"}
DEPTH_COMPRESSIONS = {0: "raw_ushort", 1: "zlib_ushort", 2: "occi_ushort"}
"""``COMPRESSION_TYPE_COLOR`` and ``COMPRESSION_TYPE_DEPTH`` of ScanNet's sensorData.h."""

_LONGEST_NAME = 1024
_FIXED = struct.Struct("<64f2i4IfQ")
"""Four 4x4 matrices (colour intrinsic and extrinsic, depth intrinsic and extrinsic, row by row),
two compressions, colour width and height, depth width and height, depth shift, number of frames."""
_FRAME = struct.Struct("<16f4Q")
"""Camera-to-world matrix, times of colour and depth (microseconds), bytes of colour and depth."""


@dataclass(frozen=True)
class SensHeader:
    """What a stream says of all its frames.

    Attributes:
        sensor: name of the device.
        color_K: (3, 3) float64 intrinsics of the colour pictures.
        depth_K: (3, 3) float64 intrinsics of the depth pictures.
        extrinsics: (2, 4, 4) float64 of the colour and the depth camera; ScanNet's are identities.
        color_compression: ``"raw"``, ``"png"`` or ``"jpeg"``.
        depth_compression: ``"raw_ushort"`` or ``"zlib_ushort"``.
        color_size: (height, width) of the colour pictures.
        depth_size: (height, width) of the depth pictures.
        depth_shift: stored depths per metre, 1000 in ScanNet.
        num_frames: how many there are.
        start: offset of the first frame in the file.
    """

    sensor: str
    color_K: np.ndarray
    depth_K: np.ndarray
    extrinsics: np.ndarray
    color_compression: str
    depth_compression: str
    color_size: tuple[int, int]
    depth_size: tuple[int, int]
    depth_shift: float
    num_frames: int
    start: int


@dataclass(frozen=True)
class SensFrame:
    """One frame, its pictures still compressed.

    Attributes:
        number: from 0.
        pose: (4, 4) float64 camera -> world; -inf throughout where tracking was lost.
        color_time: seconds.
        depth_time: seconds.
        color: compressed picture.
        depth: compressed depths.
        header: of the stream.
        source: of the frame, for messages.
    """

    number: int
    pose: np.ndarray
    color_time: float
    depth_time: float
    color: bytes
    depth: bytes
    header: SensHeader
    source: str

    @property
    def tracked(self) -> bool:
        """Whether the pose is known."""
        return bool(np.isfinite(self.pose).all())

    def decode_color(self) -> np.ndarray:
        """The picture, (H, W, 3) uint8.

        Raises:
            DataError: if it is damaged or has another size than the header says.
        """
        height, width = self.header.color_size
        if self.header.color_compression != "raw":
            return decode_picture(self.color, self.source, (height, width))
        if len(self.color) != height * width * 3:
            raise DataError(
                f"{self.source}: {len(self.color)} bytes of colour for {width} x {height} pixels. "
                "The stream is damaged: copy it again."
            )
        return np.frombuffer(self.color, np.uint8).reshape(height, width, 3)

    def decode_depth(self) -> np.ndarray:
        """The depths, (H, W) float32 metres, 0 where unknown.

        Raises:
            DataError: if they are damaged or are not as many as the header says.
        """
        height, width = self.header.depth_size
        data = self.depth
        if self.header.depth_compression == "zlib_ushort":
            data = self._inflated(height * width * 2)
        if len(data) != height * width * 2:
            raise DataError(
                f"{self.source}: {len(data)} bytes of depth for {width} x {height} pixels of 2 "
                "bytes. The stream is damaged: copy it again."
            )
        stored = np.frombuffer(data, "<u2").reshape(height, width)
        return stored.astype(np.float32) / np.float32(self.header.depth_shift)

    def _inflated(self, size: int) -> bytes:
        inflater = zlib.decompressobj()
        try:
            data = inflater.decompress(self.depth, size + 1)  # not more, whatever it claims
        except zlib.error as error:
            raise DataError(
                f"{self.source}: depth cannot be inflated ({error}). Copy the stream again."
            ) from error
        return data


def read_header(path: Path) -> SensHeader:
    """Read the header of a stream and hold it against the size of the file.

    The layout is that of ScanNet's SensReader, version 4, little-endian.

    Raises:
        DataError: if the file is no such stream, promises more than it can hold, or has depth in a
            compression that only its makers' program reads.
    """
    try:
        with path.open("rb") as file:
            return _header(path, file, path.stat().st_size)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Is the copy complete?"
        ) from error


def read_frames(path: Path, every: int = 1) -> Iterator[SensFrame]:
    """Read each n-th frame of a stream, in order; others are passed over without being read.

    Raises:
        DataError: as `read_header`; and where the file ends early, with the number of the frame.
    """
    header = read_header(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        at = header.start
        for number in range(header.num_frames):
            source = f"{path}, frame {number}"
            file.seek(at)
            head = file.read(_FRAME.size)
            values = _FRAME.unpack(head) if len(head) == _FRAME.size else None
            end = size + 1 if values is None else at + _FRAME.size + values[18] + values[19]
            if values is None or end > size:
                raise DataError(
                    f"{source} of {header.num_frames}: the file ends at byte {size}, but the frame "
                    f"begins at {at} and is longer. The stream is truncated: copy it again, or "
                    f"use its first {number} frames."
                )
            at = end
            if number % every == 0:
                yield SensFrame(
                    number,
                    np.array(values[:16], np.float64).reshape(4, 4),
                    values[16] * 1e-6,
                    values[17] * 1e-6,
                    file.read(values[18]),
                    file.read(values[19]),
                    header,
                    source,
                )


def _header(path: Path, file: BinaryIO, size: int) -> SensHeader:
    start = file.read(12)
    version, length = struct.unpack("<IQ", start) if len(start) == 12 else (0, 0)
    if version != VERSION:
        raise DataError(
            f"{path}: no .sens stream of version {VERSION} (it begins with {version}). Copy the "
            "file again; older streams must be converted with ScanNet's SensReader."
        )
    if length > _LONGEST_NAME:
        raise DataError(
            f"{path}: the sensor's name would be {length} bytes long: the header is damaged. "
            "Copy the file again."
        )
    sensor = file.read(length).decode("utf-8", "replace")
    fixed = file.read(_FIXED.size)
    if len(fixed) != _FIXED.size:
        raise DataError(f"{path}: truncated within its header. Copy the file again.")
    values = _FIXED.unpack(fixed)
    matrices = np.array(values[:64], np.float64).reshape(4, 4, 4)
    color, depth, color_width, color_height, depth_width, depth_height, shift, frames = values[64:]
    header = SensHeader(
        sensor,
        _intrinsics(path, "colour", matrices[0]),
        _intrinsics(path, "depth", matrices[2]),
        matrices[[1, 3]],
        _compression(path, "colour", color, COLOR_COMPRESSIONS),
        _compression(path, "depth", depth, DEPTH_COMPRESSIONS),
        _picture(path, "colour", color_height, color_width),
        _picture(path, "depth", depth_height, depth_width),
        shift,
        frames,
        file.tell(),
    )
    if not (np.isfinite(shift) and shift > 0):
        raise DataError(f"{path}: {shift} depth steps per metre: the header is damaged.")
    if header.start + frames * _FRAME.size > size:
        raise DataError(
            f"{path}: promises {frames} frames, at least {frames * _FRAME.size} bytes, but "
            f"{size - header.start} follow. The stream is truncated: copy it again."
        )
    return header


def _intrinsics(path: Path, what: str, matrix: np.ndarray) -> np.ndarray:
    K = matrix[:3, :3]
    if not np.isfinite(K).all() or K[0, 0] <= 0 or K[1, 1] <= 0:
        raise DataError(
            f"{path}: the intrinsics of {what} have focal lengths {K[0, 0]} and {K[1, 1]}: the "
            "header is damaged. Copy the file again."
        )
    return K


def _compression(path: Path, what: str, number: int, known: dict[int, str]) -> str:
    name = known.get(number)
    if name is None:
        raise DataError(
            f"{path}: unknown compression {number} of {what}; known are {known}. The header is "
            "damaged: copy the file again."
        )
    if name == "occi_ushort":
        raise DataError(
            f"{path}: depth is compressed as 'occi_ushort', which only the maker's decoder reads. "
            "Export the frames with ScanNet's C++ SensReader into the folders color, depth, pose "
            "and intrinsic of the scene; they are read instead of the stream."
        )
    return name


def _picture(path: Path, what: str, height: int, width: int) -> tuple[int, int]:
    if not 0 < height * width <= MOST_PIXELS:
        raise DataError(
            f"{path}: {what} pictures of {width} x {height} pixels: the header is damaged. "
            "Copy the file again."
        )
    return height, width
