"""ParisLuco3D: 32-beam scans of Paris from a high mast, a target for domain generalisation."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pcseg.data.labels import LabelSet
from pcseg.data.readers.generic.reader import Generic


class ParisLuco3D(Generic):
    """ParisLuco3D: a folder of PLY frames, 45 ids, intensities of 0..255 (become 0..1).

    The release was not at hand when this was written, and no public document states its files
    byte by byte. This reader takes PLY frames in any folders below the root, with labels as a
    property of the points (``label``, ``class``, ``semantic`` …) or beside them, as
    ``labels/NAME.label`` (a uint32 for each point) or ``labels/NAME.npy``. Poses are not read.
    The set is a target: its one split is ``all``; names of folders choose parts of it.
    """

    name: str = "parisluco3d"
    label_map: ClassVar[str] = "parisluco3d"

    def __init__(
        self,
        root: str | Path,
        split: str = "all",
        label_set: str | LabelSet | None = None,
        *,
        labels: str = "optional",
        invalid: str = "error",
        every: int = 1,
    ) -> None:
        """Find the frames.

        Args:
            root: the folder of the dataset, or of a sequence of it.
            split: ``all``, or names of folders and files by commas.
            label_set: a set of the map ``parisluco3d``, or itself; its first by default.
            labels: see `Generic`.
            invalid: see `Generic`.
            every: see `Generic`.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if there are no PLY files.
        """
        super().__init__(
            root,
            split,
            label_set if isinstance(label_set, LabelSet) else label_set or self.label_map,
            labels=labels,
            invalid=invalid,
            suffix=".ply",
            intensity_max=255.0,
            every=every,
        )
