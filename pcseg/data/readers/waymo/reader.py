"""Waymo Open Dataset: 64 rows and two returns of the TOP LiDAR, labelled in 22 classes at 2 Hz."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import Reader, check_choice, pixels_of
from pcseg.data.readers.waymo.layouts import Layout, find_layout
from pcseg.data.scan import Scan, View
from pcseg.data.splits import Part

RETURNS = {"1": (1,), "2": (2,), "both": (1, 2)}
ORIGINS = ("vehicle", "sensor")


class Waymo(Reader):
    """Waymo Open v2 (parquet), or its labelled frames converted to SemanticKITTI's layout.

    A sequence is a segment, its frames are numbered in the order of time: ``000000`` is the first
    of about 198, of which some 30 have labels (``labels="only"`` takes these).

    Points stand at the place of the TOP LiDAR with the axes of the vehicle: x forward, y left, z
    up, the ground near z = -2.18. Waymo's own vehicle frame is `vehicle_from_sensor` of ``meta``
    away. They come in file order: return 1 then 2, each row by row from the top, columns clockwise
    from behind. Intensity is tanh of the stored value, which is in ``attrs["intensity_raw"]``;
    further attributes are ``elongation``, ``ring`` (the row), ``return`` (1 or 2) and
    ``no_label_zone``. The four short-range LiDARs have no labels and are not read.

    Pictures are freed of lens distortion. Where they are labelled, their pixels have the train ids
    of the LiDAR classes that they show (see `LIDAR_CLASS` in `cameras.py`).

    In a converted folder (``0000`` … ``0999``) only x, y, z and intensity are known.
    """

    name: str = "waymo"
    label_map: ClassVar[str] = "waymo"
    frame_files: ClassVar[str] = "frame of the TOP LiDAR"

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        label_set: str | LabelSet | None = None,
        *,
        sequences: Sequence[str] | None = None,
        labels: str = "optional",
        invalid: str = "error",
        every: int = 1,
        cameras: Sequence[str] = (),
        returns: str | int = "both",
        origin: str = "vehicle",
    ) -> None:
        """Find the frames of a split.

        Args:
            root: the folder that holds ``training``, ``validation`` and ``testing``, or one of
                them, or the folder of converted sequences.
            split: see `Reader`; ``train``, ``val`` and ``test`` are the folders.
            label_set: see `Reader`.
            sequences: see `Reader`.
            labels: see `Reader`.
            invalid: see `Reader`.
            every: see `Reader`.
            cameras: see `Reader`: ``FRONT``, ``FRONT_LEFT``, ``FRONT_RIGHT``, ``SIDE_LEFT``,
                ``SIDE_RIGHT``.
            returns: ``1``, ``2`` or ``both``.
            origin: of converted clouds, which do not say it: ``vehicle`` (on the ground, as the
                dataset's own tools make them) or ``sensor``.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if nothing of the split is there.
        """
        check_choice("returns", str(returns), tuple(RETURNS))
        check_choice("origin", origin, ORIGINS)
        self._returns, self._origin = RETURNS[str(returns)], origin
        super().__init__(
            root,
            split,
            label_set,
            sequences=sequences,
            labels=labels,
            invalid=invalid,
            every=every,
            cameras=cameras,
        )

    def point_counts(self) -> np.ndarray:
        """(F,) int64 points of each frame; from the sizes of the files where that tells."""
        if self._layout.counts_are_cheap:
            return np.array([self._count_points(k) for k in range(len(self))], np.int64)
        return super().point_counts()

    def _locate(self, root: Path) -> Path:
        self._layout: Layout = find_layout(root, self._returns, self._origin)
        return root

    def split_table(self) -> dict[str, dict[str, list[str]]]:
        """See `Reader`; the folders of the release as the segments in them."""
        return {
            convention: {
                name: [s for folder in folders for s in self._layout.segments_of(Part(folder))]
                for name, folders in table.items()
            }
            for convention, table in super().split_table().items()
        }

    def _parts(self, split: str) -> tuple[list[Part] | None, str | None]:
        parts, named = super()._parts(split)
        if parts is None:
            return parts, named
        return [Part(s, p.ranges) for p in parts for s in self._layout.segments_of(p)], named

    def _sequences_there(self) -> list[str]:
        return self._layout.sequences()

    def _frames_there(self, sequence: str) -> list[str]:
        return self._layout.frames(sequence)

    def _is_labelled(self, frame: FrameId) -> bool:
        return self._layout.is_labelled(frame)

    def _raw_scan(self, frame: FrameId) -> Scan:
        return self._layout.scan(frame, self._has_labels(frame))

    def _files(self, index: int) -> list[Path]:
        frame = self.frames[index]
        return self._layout.files(frame, self._has_labels(frame))

    def _label_source(self, frame: FrameId) -> Path:
        return self._layout.files(frame, True)[-1]

    def _read_labels(self, index: int) -> np.ndarray | None:
        frame = self.frames[index]
        if not self._has_labels(frame):
            return None
        if self._invalid == "ignore":  # which labels count is then told by the points
            return self._read(index).labels
        return self.label_set.encode(self._layout.labels(frame), self._label_source(frame))

    def _count_points(self, index: int) -> int:
        return self._layout.count_points(self.frames[index])

    def _reading(self) -> str:
        return f"{super()._reading()} {self._returns}"

    def _cameras_there(self) -> list[str]:
        return self._layout.cameras()

    def _view(self, frame: FrameId, camera: str, scan: Scan) -> View | None:
        assert scan.pose is not None  # layouts with cameras have poses
        found = self._layout.view(frame, camera, scan.pose, self._labels != "none")
        if found is None or found[1] is None:
            return None if found is None else found[0]
        return replace(found[0], labels=pixels_of(found[1], self.label_set, scan.name))
