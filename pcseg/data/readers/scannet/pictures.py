"""ScanNet's pictures of labels: the annotated mesh as each frame's colour camera sees it."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from pcseg.errors import DataError
from pcseg.io.pictures import MOST_PIXELS, decode_gray, read_gray

FOLDER = "label-filt"
"""Labels filtered by depth; ``label`` of other archives holds other ids and is left alone."""

_MOST_BYTES = 2 * MOST_PIXELS


class LabelPictures:
    """The label pictures of a scene: ids of raw categories, 16 bits, as large as the colours.

    They lie in ``label-filt/``, or packed in ``scene0000_00_2d-label-filt.zip`` as distributed,
    which stays open until `close`.
    """

    def __init__(self, scene: Path | None) -> None:
        """Look for the pictures in the folder of a scene; None for no pictures."""
        self._folder = scene / FOLDER if scene else None
        self._path = scene / f"{scene.name}_2d-{FOLDER}.zip" if scene else None
        self._archive: zipfile.ZipFile | None = None

    def __bool__(self) -> bool:
        folder, path = self._folder, self._path
        return (folder is not None and folder.is_dir()) or (path is not None and path.is_file())

    def close(self) -> None:
        """Close the archive, if one is open."""
        if self._archive is not None:
            self._archive.close()

    def read(self, number: str) -> np.ndarray | None:
        """The picture of a frame, (H, W) uint16 ids of raw categories; None if it is not there.

        Raises:
            DataError: if it, or the archive, is damaged.
        """
        if self._folder is not None and (self._folder / f"{number}.png").is_file():
            return read_gray(self._folder / f"{number}.png")
        if self._path is None or not self._path.is_file():
            return None
        member = f"{FOLDER}/{number}.png"
        source = f"{self._path}, {member}"
        try:
            archive = self._archive = self._archive or zipfile.ZipFile(self._path)
            if member not in archive.NameToInfo:
                return None
            if archive.getinfo(member).file_size > _MOST_BYTES:
                raise DataError(f"{source}: too large for a picture. Copy the archive again.")
            data = archive.read(member)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise DataError(f"{source}: damaged ({error}). Copy the archive again.") from error
        return decode_gray(data, source)
