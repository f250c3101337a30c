"""Pictures and pixel labels as PNG or JPEG files, refused before decoding if they are absurd."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from pcseg.errors import DataError, LabelError

MOST_PIXELS = 100_000_000
"""Larger pictures are no camera's: a header that claims more is damaged or hostile."""

_FORMATS = ("PNG", "JPEG")
_ID_MODES = ("L", "P", "I", "I;16", "I;16B")


def read_picture(path: Path) -> np.ndarray:
    """Read a camera picture.

    Returns:
        (H, W, 3) uint8 RGB; grey pictures three times the same.

    Raises:
        DataError: if the file is missing, damaged, cut short, or of another format.
    """
    return _decoded(path, lambda picture: np.asarray(picture.convert("RGB")))


def read_pixel_ids(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Read a picture of one raw id a pixel (8 or 16 bit, grey or palette numbers).

    Args:
        path: of the file.
        size: height and width of the camera picture that it belongs to.

    Returns:
        (H, W) int64.

    Raises:
        DataError: if the file is missing or damaged.
        LabelError: if it holds colours in place of ids, or is of another size.
    """

    def ids(picture: Image.Image) -> np.ndarray:
        if picture.mode not in _ID_MODES:
            raise LabelError(
                f"{path}: holds colours (mode {picture.mode}), not one id a pixel. "
                "Take the folder of label ids, not the one of label colours."
            )
        return np.asarray(picture).astype(np.int64)

    found = _decoded(path, ids)
    if found.shape != size:
        raise LabelError(
            f"{path}: {found.shape[1]} x {found.shape[0]} labels for a picture of "
            f"{size[1]} x {size[0]} pixels. The two do not belong together: copy both again."
        )
    return found


def picture_bytes(pixels: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as the bytes of a file; the same pixels give the same bytes.

    Args:
        pixels: (H, W, 3) uint8 colours, or (H, W) uint8 or uint16 numbers.
        kind: ``"PNG"``, which loses nothing, or ``"JPEG"``.
        options: of Pillow's writer, for example ``quality=95``.
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def _decoded(path: Path, take: Callable[[Image.Image], np.ndarray]) -> np.ndarray:
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise DataError(
                    f"{path}: claims {width} x {height} pixels, more than any camera has. "
                    "The file is damaged: copy it again."
                )
            return take(picture)
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: neither PNG nor JPEG. Copy the file again.") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: damaged ({error}). Copy the file again.") from error
    except (OSError, SyntaxError, ValueError) as error:  # what decoders raise for damaged bytes
        raise DataError(f"{path}: cannot be read ({error}). Copy the file again.") from error
