"""Matrices in small text files: poses and intrinsics, checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.errors import DataError

TOLERANCE = 1e-2
"""How far R·Rᵀ may be from the identity: poses are printed with few digits."""

_LARGEST = 1 << 16
_LOST = {"-1.#INF": "-inf", "1.#INF": "inf", "-1.#IND": "nan", "1.#QNAN": "nan"}
"""How programs built by Microsoft's compiler write them; the poses of lost frames hold such."""


def read_matrix(path: Path) -> np.ndarray:
    """Read a text file with a 3x3, 3x4 or 4x4 matrix; a 3x4 one gets the row 0 0 0 1.

    Values may be infinite: poses of lost frames are.

    Returns:
        (3, 3) or (4, 4) float64.

    Raises:
        DataError: if it is missing or something else, naming the line.
    """
    try:
        text = path.read_bytes()[:_LARGEST].decode("utf-8", "replace")
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Is the copy complete?"
        ) from error
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            rows.append(_row(path, number, line))
    lengths = {len(row) for row in rows}
    if len(lengths) != 1 or (len(rows), *lengths) not in ((3, 3), (3, 4), (4, 4)):
        raise DataError(
            f"{path}: {len(rows)} lines of {sorted(lengths)} numbers, where a 3x3, 3x4 or 4x4 "
            "matrix is expected. The file is damaged: copy it again."
        )
    matrix = np.array(rows)
    return np.vstack([matrix, [0.0, 0.0, 0.0, 1.0]]) if matrix.shape == (3, 4) else matrix


def refuse_unrigid(pose: np.ndarray, source: object) -> None:
    """Demand that a (4, 4) matrix is a rotation with a translation.

    Raises:
        DataError: saying by how much it is not.
    """
    if pose.shape != (4, 4):
        raise DataError(f"{source}: a pose needs 4x4 numbers, not {pose.shape}. Copy it again.")
    if not np.isfinite(pose).all():
        raise DataError(f"{source}: the pose is not finite: the camera was lost. Leave it out.")
    R = pose[:3, :3]
    error = np.abs(R @ R.T - np.eye(3)).max()
    if error > TOLERANCE or np.linalg.det(R) < 0 or np.abs(pose[3] - [0, 0, 0, 1]).max() > 1e-6:
        raise DataError(
            f"{source}: the pose is not a rigid transform (its 3x3 part is off a rotation by "
            f"{error:.3g}, determinant {np.linalg.det(R):.3g}). Mend it, or leave the frame out."
        )


def _row(path: Path, number: int, line: str) -> list[float]:
    try:
        return [float(_LOST.get(word, word)) for word in line.split()]
    except ValueError as error:
        raise DataError(f"{path}, line {number}: {error}. Copy the file again.") from error
