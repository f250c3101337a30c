"""The files of the SemanticKITTI family: clouds, labels, calibration, poses and times, checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.errors import DataError, LabelError
from pcseg.files import read_lines

COLUMNS = 4
"""x, y, z and intensity as little-endian float32; some relatives of the layout have more."""

_RIGID_TOLERANCE = 1e-2
"""How far R·Rᵀ may be from the identity: poses are printed with few digits."""


def read_cloud(path: Path, columns: int = COLUMNS) -> np.ndarray:
    """Read a ``velodyne/NNNNNN.bin``.

    Args:
        path: of the file.
        columns: numbers that each point has.

    Returns:
        (N, columns) float32 x, y, z, intensity and what more there is, as stored.

    Raises:
        DataError: if the file is missing, cut short or empty.
    """
    if count_points(path, columns) == 0:
        raise DataError(
            f"{path}: empty scan, the file has no points. "
            "Copy it again, or leave the frame out of the split."
        )
    cloud = np.fromfile(path, "<f4")
    return cloud.astype(np.float32, copy=False).reshape(-1, columns)


def coordinates(cloud: np.ndarray) -> np.ndarray:
    """(N, 3) contiguous float32 x, y, z of a cloud (N, 4 or more).

    Column by column: NumPy's own copy goes row by row and takes five times as long.
    """
    xyz = np.empty((len(cloud), 3), np.float32)
    for axis in range(3):
        xyz[:, axis] = cloud[:, axis]
    return xyz


def count_points(path: Path, columns: int = COLUMNS) -> int:
    """Number of points of a cloud, from the size of its file.

    Raises:
        DataError: if the file is missing or is not a whole number of points.
    """
    size, point = _size(path), 4 * columns
    if size % point:
        more = f" and {columns - COLUMNS} more" if columns > COLUMNS else ""
        raise DataError(
            f"{path}: {size} bytes is not a whole number of points of {point} bytes "
            f"(x y z intensity{more}, float32): the file is cut short after point {size // point} "
            "or is of another format. Copy it again."
        )
    return size // point


def read_label_file(path: Path, cloud_path: Path, num_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Read a ``labels/NNNNNN.label``.

    Args:
        path: of the label file.
        cloud_path: of the cloud it belongs to, for messages.
        num_points: of that cloud.

    Returns:
        (N,) int64 raw semantic ids (low 16 bits) and (N,) int64 instance ids (high 16 bits).

    Raises:
        LabelError: if the file does not hold one label for each point.
    """
    size = _size(path)
    if size != 4 * num_points:
        raise LabelError(
            f"{path}: {size / 4:g} labels ({size} bytes) for the {num_points} points of "
            f"{cloud_path}. The two files do not belong together or one is cut short: "
            "copy both again."
        )
    packed = np.fromfile(path, "<u4")
    return (packed & 0xFFFF).astype(np.int64), (packed >> 16).astype(np.int64)


def packed(semantic: np.ndarray, instances: np.ndarray) -> bytes:
    """The bytes of a ``.label``: instance << 16 | semantic id for each point, uint32.

    Args:
        semantic: (N,) raw ids, 0..65535.
        instances: (N,) instance ids, 0..65535.

    Raises:
        LabelError: if an id does not fit into 16 bits.
    """
    for ids in (semantic, instances):
        if len(ids) and not 0 <= ids.min() <= ids.max() <= 0xFFFF:
            raise LabelError(f"ids from {ids.min()} to {ids.max()} do not fit into 16 bits.")
    words = (instances.astype("<u4") << np.uint32(16)) | semantic.astype("<u4")
    return words.astype("<u4").tobytes()


def read_calib(path: Path) -> dict[str, np.ndarray]:
    """Read a ``calib.txt``.

    Returns:
        {"P0": …, "Tr": …}: (4, 4) float64 matrices, the stored 3x4 with a last row 0 0 0 1.

    Raises:
        DataError: if a line is not twelve numbers, naming the line.
    """
    matrices = {}
    for number, line in enumerate(read_lines(path), 1):
        key, colon, rest = line.partition(":")
        if not line.strip():
            continue
        if not colon:
            raise DataError(f"{path}, line {number}: expected 'NAME: 12 numbers', found '{line}'.")
        matrices[key.strip()] = parse_matrix(rest, path, number)
    return matrices


def read_poses(path: Path) -> np.ndarray:
    """Read a ``poses.txt``, one line for each frame number from 0.

    Returns:
        (F, 4, 4) float64 rigid transforms into the frame of the first.

    Raises:
        DataError: if a line is not twelve finite numbers or not rigid, naming the line.
    """
    lines = read_lines(path)
    poses = np.stack(
        [parse_matrix(line, path, i) for i, line in enumerate(lines, 1)] or [np.eye(4)]
    )
    poses = poses[: len(lines)]
    check_rigid(poses, path)
    return poses


def check_rigid(poses: np.ndarray, path: Path) -> None:
    """Demand that matrices (F, 4, 4) are rotations with translations.

    Raises:
        DataError: naming the first line that is not.
    """
    rotation = poses[:, :3, :3]
    error = np.abs(rotation @ rotation.transpose(0, 2, 1) - np.eye(3)).max((1, 2), initial=0)
    wrong = (error > _RIGID_TOLERANCE) | (np.linalg.det(rotation) < 0)
    if wrong.any():
        first = int(wrong.argmax())
        raise DataError(
            f"{path}, line {first + 1}: not a rigid transform (its 3x3 part is off a rotation by "
            f"{error[first]:.3g}, determinant {np.linalg.det(rotation[first]):.3g}). "
            "Mend the line, or take the file away to go on without poses."
        )


def read_times(path: Path) -> np.ndarray:
    """Read a ``times.txt``: (F,) float64 seconds, one line for each frame number from 0.

    Raises:
        DataError: if a line is not a number, naming the line.
    """
    times = []
    for number, line in enumerate(read_lines(path), 1):
        try:
            times.append(float(line))
        except ValueError as error:
            raise DataError(
                f"{path}, line {number}: '{line[:60]}' is not a time in seconds. Mend the line, or "
                "take the file away to go on without times."
            ) from error
    return np.array(times, np.float64)


def parse_matrix(text: str, path: Path, line: int) -> np.ndarray:
    """Twelve numbers of a line as a (4, 4) float64 matrix with a last row 0 0 0 1.

    Raises:
        DataError: if they are not twelve finite numbers, naming the line.
    """
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError as error:
        raise DataError(
            f"{path}, line {line}: {error}. Mend the line, or take the file away."
        ) from error
    if len(values) != 12 or not np.isfinite(values).all():
        raise DataError(
            f"{path}, line {line}: expected 12 finite numbers (a 3x4 matrix, row by row), "
            f"found {len(values)}. Mend the line, or take the file away."
        )
    return np.vstack([values.reshape(3, 4), [0.0, 0.0, 0.0, 1.0]])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Is the copy complete?"
        ) from error
