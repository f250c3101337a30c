"""Pictures and pixel labels as PNG or JPEG files, refused before decoding if they are absurd."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from pcseg.errors import DataError, LabelError

MOST_PIXELS = 100_000_000
"""Larger pictures are no camera's: a header that claims more is damaged or hostile."""

_FORMATS = ("PNG", "JPEG")
_GRAY_MODES = ("L", "I", "I;16", "I;16B")
_ID_MODES = (*_GRAY_MODES, "P")


def read_picture(path: Path) -> np.ndarray:
    """Read a camera picture.

    Returns:
        (H, W, 3) uint8 RGB; grey pictures three times the same.

    Raises:
        DataError: if the file is missing, damaged, cut short, of another format, or absurdly large.
    """
    return _decoded(path, path, _as_rgb)


def decode_picture(data: bytes, source: object, size: tuple[int, int] | None = None) -> np.ndarray:
    """Decode a camera picture that is part of another file; see `read_picture`.

    Args:
        data: JPEG or PNG.
        source: named in errors.
        size: height and width that it must have.

    Raises:
        DataError: as `read_picture`, and if it is of another size.
    """
    return _decoded(io.BytesIO(data), source, _as_rgb, size)


def read_gray(path: Path) -> np.ndarray:
    """Read a picture of one channel, 8 or 16 bits (depth, label ids): (H, W) uint16.

    Raises:
        DataError: as `read_picture`, and if it is in colour.
    """
    return _decoded(path, path, partial(_as_gray, path))


def decode_gray(data: bytes, source: object) -> np.ndarray:
    """Decode a picture of one channel that is part of another file; see `read_gray`.

    Args:
        data: PNG.
        source: named in errors.

    Raises:
        DataError: as `read_gray`.
    """
    return _decoded(io.BytesIO(data), source, partial(_as_gray, source))


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

    found = _decoded(path, path, ids)
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


def _as_rgb(picture: Image.Image) -> np.ndarray:
    return np.array(picture.convert("RGB"))


def _as_gray(source: object, picture: Image.Image) -> np.ndarray:
    if picture.mode not in _GRAY_MODES:
        raise DataError(
            f"{source}: a picture of mode {picture.mode}, where one channel of 8 or 16 bits is "
            "expected. Was it saved again by a program that makes colours of it? Copy it again."
        )
    values = np.array(picture)
    if values.min(initial=0) < 0 or values.max(initial=0) > np.iinfo(np.uint16).max:
        raise DataError(f"{source}: values outside 16 bits. Copy the picture again.")
    return values.astype(np.uint16)


def _decoded(
    file: Path | io.BytesIO,
    source: object,
    take: Callable[[Image.Image], np.ndarray],
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """What `take` makes of a picture, decoded after its size has been believed."""
    try:
        with Image.open(file, formats=_FORMATS) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise DataError(
                    f"{source}: claims {width} x {height} pixels, more than any camera has. "
                    "The file is damaged: copy it again."
                )
            if size is not None and (height, width) != size:
                raise DataError(
                    f"{source}: a picture of {width} x {height} pixels, where {size[1]} x "
                    f"{size[0]} are expected. The file is damaged: copy it again."
                )
            return take(picture)
    except UnidentifiedImageError as error:
        raise DataError(f"{source}: neither PNG nor JPEG. Copy the file again.") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{source}: damaged ({error}). Copy the file again.") from error
    except (OSError, SyntaxError, ValueError) as error:  # what decoders raise for damaged bytes
        raise DataError(f"{source}: cannot be read ({error}). Copy the file again.") from error
