"""Stored numbers and 0..1: colours and intensities of files that define their range."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.errors import DataError
from pcseg.io.points import Stored


def unit_range(path: Path, attr: str, values: np.ndarray) -> tuple[np.ndarray, float]:
    """Bring colours and intensities into 0..1 where the file tells their range.

    Colours of 8 bits are divided by 255, of 16 bits by 65535 (by 255 if none is larger: many
    programs put 8-bit colours into LAS); colours of other types by the first of 1, 255 and 65535
    that none exceeds. Intensities of 8 and 16 bits are divided by the largest value of their
    type; other intensities have no defined range and stay as they are, and so does all else.

    Args:
        path: named in errors.
        attr: name of the attribute.
        values: (N,) or (N, C) as stored.

    Returns:
        The values, float32 if scaled, and the divisor that `restore` needs.

    Raises:
        DataError: if colours are negative or above 65535.
    """
    if attr == "rgb":
        scale = _color_scale(path, values)
    elif attr == "intensity" and values.dtype in _FULL:
        scale = _FULL[values.dtype]
    else:
        return values, 1.0
    if scale == 1.0 and values.dtype.kind == "f":
        return values, scale
    return (values / np.float64(scale)).astype(np.float32), scale


def restore(path: Path, attr: str, values: np.ndarray, stored: Stored | None) -> np.ndarray:
    """The inverse of `unit_range`: values as they stood in the file."""
    if stored is None or stored.scale == 1.0:
        return values
    return to_steps(path, attr, values, stored.scale, stored.dtype)


def to_steps(
    path: Path, attr: str, values: np.ndarray, scale: float, dtype: np.dtype | type
) -> np.ndarray:
    """Values of 0..1 as the nearest of `scale` steps, in the type `dtype`.

    Raises:
        DataError: if a value is NaN or lies outside 0..1.
    """
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        first = values[wrong].flat[0]
        raise DataError(
            f"{path}: '{attr}' must lie in 0..1 to be written here, but {int(wrong.sum())} values "
            f"do not (first: {first}). Divide by the largest possible value first."
        )
    steps = values.astype(np.float64) * scale
    return (np.rint(steps) if np.dtype(dtype).kind in "iu" else steps).astype(dtype)


def _color_scale(path: Path, values: np.ndarray) -> float:
    if values.dtype == np.uint8:
        return 255.0
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    low, high = (finite.min(), finite.max()) if finite.size else (0, 0)
    if low < 0 or high > 65535:
        raise DataError(
            f"{path}: colours run from {low} to {high}; expected 0..1, 0..255 or 0..65535. "
            "Mend them, or rename these columns if they are not colours."
        )
    if values.dtype == np.uint16:
        return 255.0 if 0 < high <= 255 else 65535.0
    return 1.0 if high <= 1 else 255.0 if high <= 255 else 65535.0


_FULL = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
