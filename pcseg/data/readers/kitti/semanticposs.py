"""SemanticPOSS: 40-beam scenes of a campus, full of people, in SemanticKITTI's layout."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.readers.kitti.family import KittiFamily
from pcseg.data.readers.kitti.sides import SideFiles
from pcseg.errors import DataError

ROWS, COLUMNS = 40, 1800
"""The grid of a ``.tag`` file: beams, and firings of each in a turn."""


class SemanticPOSS(KittiFamily):
    """SemanticPOSS; intensities of 0..255 become 0..1.

    Where ``tag/NNNNNN.tag`` is there it tells which cell of the sensor's grid each point fills:
    ``attrs["ring"]`` and ``attrs["column"]`` (int16), an exact range image. Its calib.txt holds no
    useful chain from sensor to camera, so poses are taken as they are. ``instances.txt`` is not
    read: instance ids stand in the labels.
    """

    name: str = "semanticposs"
    label_map: ClassVar[str] = "semantic_poss"
    intensity_max: ClassVar[float] = 255.0
    camera_poses: ClassVar[bool] = False

    def tag_path(self, frame: FrameId) -> Path:
        """The ``.tag`` of a frame, whether it is there or not."""
        return self.folder / frame.sequence / "tag" / f"{frame.frame}.tag"

    def _side_files(self, sequence: str, require: Collection[str]) -> SideFiles:
        # Numbers of clouds may leave gaps, which SemanticKITTI's never do.
        found = super()._side_files(sequence, require)
        return found.by_order(self._clouds_there(sequence))

    def _attrs_of(self, cloud: np.ndarray, frame: FrameId) -> dict[str, np.ndarray]:
        attrs = super()._attrs_of(cloud, frame)
        path = self.tag_path(frame)
        if path.is_file():
            attrs["ring"], attrs["column"] = read_tag(path, self.cloud_path(frame), len(cloud))
        return attrs

    def _files(self, index: int) -> list[Path]:
        tag = self.tag_path(self.frames[index])
        cloud, *labels = super()._files(index)
        return [cloud, *([tag] if tag.is_file() else []), *labels]

    def _facts_of(self, frame: FrameId) -> dict[str, Any]:
        return {"grid": (ROWS, COLUMNS)} if self.tag_path(frame).is_file() else {}


def read_tag(path: Path, cloud: Path, num_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Read a ``.tag``: one byte for each cell of the 40 x 1800 grid, row after row, 1 if filled.

    The k-th filled cell belongs to point k of the cloud. Source: SemanticPOSS, description of the
    data format, as its public readers apply it.

    Args:
        path: of the tag file.
        cloud: the file of the points, for messages.
        num_points: of that cloud.

    Returns:
        (N,) int16 rows (beams from the top) and (N,) int16 columns.

    Raises:
        DataError: if the file is not such a grid, or fills another number of cells.
    """
    try:
        cells = np.fromfile(path, np.uint8, count=ROWS * COLUMNS + 1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    if len(cells) != ROWS * COLUMNS or cells.max() > 1:
        size = path.stat().st_size
        raise DataError(
            f"{path}: not a grid of {ROWS} x {COLUMNS} cells of 0 or 1 ({size} bytes, highest "
            f"{int(cells.max(initial=0))}). Copy the file again, or take it away to go on without "
            "rows and columns."
        )
    filled = np.flatnonzero(cells)
    if len(filled) != num_points:
        raise DataError(
            f"{path}: {len(filled)} filled cells for the {num_points} points of {cloud}. The two "
            "files do not belong together or one is cut short: copy both again."
        )
    rows, columns = np.divmod(filled, COLUMNS)
    return rows.astype(np.int16), columns.astype(np.int16)
