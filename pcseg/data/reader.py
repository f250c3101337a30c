"""Reader: what the readers of all datasets share, from the choice of frames to the train ids."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.data.dataset import FileDataset, FrameId
from pcseg.data.invalid import INVALID_POLICIES, settle_invalid
from pcseg.data.labels import LabelSet, label_set
from pcseg.data.scan import Scan, View
from pcseg.data.splits import ALL, Part, choose_frames, parse_selection, splits
from pcseg.errors import ConfigError, DataError, LabelError
from pcseg.hints import listed

log = logging.getLogger(__name__)

SIMULATION = "simulation.json"
"""The manifest that simulated data carries at its root."""

LABEL_MODES = ("optional", "required", "only", "none")
ALL_CAMERAS = ("all",)


class Reader(FileDataset):
    """A dataset of sequences of frames with official splits; a subclass says where things lie.

    It implements `_locate`, `_sequences_there`, `_frames_there`, `_is_labelled`, `_raw_scan` and
    `_files`, and where there are cameras `_cameras_there` and `_view`.

    Class attributes:
        name: of the dataset, as the catalogue lists it.
        label_map: the shipped label map that holds its classes, splits and facts.
        frame_files: what a frame is on the disk, for messages.
    """

    name: str
    label_map: ClassVar[str]
    frame_files: ClassVar[str] = "frame"

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
    ) -> None:
        """Find the frames of a split.

        Args:
            root: folder of the dataset.
            split: ``train``, ``val``, ``test`` of the usual splits, another convention's
                (``xmuda:val``), ``all`` for everything that is there, or explicit sequences and
                frames: ``00``, ``00:0-7``, ``00:0-7,9;02``.
            label_set: a label set or its name; the first set of the dataset's map by default.
            sequences: keep only these sequences of the split.
            labels: ``optional`` (None where there are none), ``required`` (missing labels are an
                error), ``only`` (frames without labels are left out) or ``none`` (not read).
            invalid: what to do with NaN or infinite points: ``error``, or ``ignore``: they stay in
                their place, at the origin, with label -1 and ``attrs["valid"]`` False.
            every: take each n-th frame of the selection only.
            cameras: names of the cameras whose pictures are read into ``Scan.images``, or
                ``["all"]``; none by default, because pictures cost time.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if nothing of the split is there.
        """
        check_choice("labels", labels, LABEL_MODES)
        check_choice("invalid", invalid, INVALID_POLICIES)
        check_every(every)
        self.split = split
        self._map = self._map_name(Path(root))
        self.label_set = _resolve(label_set, self._map)
        self.folder = self._locate(Path(root))
        self.simulated = any(
            (folder / SIMULATION).is_file() for folder in (self.folder, self.folder.parent)
        )
        """Whether the data were made by `pcseg.sim`; every result says so."""
        self._labels, self._invalid = labels, invalid
        self.missing: list[str] = []
        """Sequences of the split that are not there."""
        self.frames = self._find_frames(split, sequences)[::every]
        self._cameras = self._choose_cameras(cameras)

    @property
    def raw_map(self) -> str:
        """Name of the label map whose raw ids the scans have."""
        return self._map

    def split_table(self) -> dict[str, dict[str, list[str]]]:
        """The split conventions as `splits` gives them, in names of sequences that are there.

        Prepared data keep them, so that nothing else of the dataset is needed to choose a split.
        """
        return splits(self._map)

    def _map_name(self, root: Path) -> str:
        """The label map of what lies in `root`."""
        return self.label_map

    @abstractmethod
    def _locate(self, root: Path) -> Path:
        """The folder everything else is relative to.

        Raises:
            DataError: if `root` does not hold this dataset, naming what was looked for.
        """

    @abstractmethod
    def _sequences_there(self) -> list[str]:
        """Names of all sequences in `folder`, sorted."""

    @abstractmethod
    def _frames_there(self, sequence: str) -> list[str]:
        """Names of the frames of a sequence, in order; decimal numbers can be asked for by range.

        Hidden files are left out: those of other programs, or of one that was killed while it
        wrote.
        """

    @abstractmethod
    def _is_labelled(self, frame: FrameId) -> bool:
        """Whether labels of a frame are there."""

    @abstractmethod
    def _raw_scan(self, frame: FrameId) -> Scan:
        """A frame with raw labels if `_has_labels`, in pcseg's axes and units, without train ids.

        Its meta needs ``path`` and what is special; dataset, sequence and frame are added.
        """

    def _label_source(self, frame: FrameId) -> Path:
        """The file to name when a label is wrong."""
        return self._files(self.frames.index(frame))[-1]

    def _cameras_there(self) -> list[str]:
        """Names of the cameras that can be asked for."""
        return []

    def _view(self, frame: FrameId, camera: str, scan: Scan) -> View | None:
        """The picture of a camera that belongs to a scan; None if it was not taken."""
        raise NotImplementedError

    def _parts(self, split: str) -> tuple[list[Part] | None, str | None]:
        """What a split means; see `parse_selection`."""
        return parse_selection(split, self.split_table())

    def _has_labels(self, frame: FrameId) -> bool:
        return self._labels != "none" and self._is_labelled(frame)

    def _read(self, index: int) -> Scan:
        frame = self.frames[index]
        scan = self._raw_scan(frame)
        meta = {"dataset": self.name, "sequence": frame.sequence, "frame": frame.frame, **scan.meta}
        if self.simulated:
            meta["simulated"] = True
        labels = None
        if scan.raw_labels is not None:
            labels = self.label_set.encode(scan.raw_labels, self._label_source(frame))
            meta["things"] = self.label_set.thing_classes
        scan = scan.replace(labels=labels, meta=meta)
        views = (self._view(frame, camera, scan) for camera in self._cameras)
        scan = replace(scan, images=tuple(view for view in views if view is not None))
        return settle_invalid(scan, self._invalid)

    def _reading(self) -> str:
        return f"{self._invalid} {self._labels == 'none'}"

    def _find_frames(self, split: str, sequences: Sequence[str] | None) -> list[FrameId]:
        parts, named = self._parts(split)
        there = self._sequences_there()
        if parts is None:
            parts = [Part(name) for name in there]
        if sequences is not None:
            parts = [part for part in parts if part.sequence in set(sequences)]
        self.missing = list(dict.fromkeys(p.sequence for p in parts if p.sequence not in there))
        parts = [part for part in parts if part.sequence in set(there)]
        wanted = f"split '{split}'" + (f" of sequences {list(sequences)}" if sequences else "")
        if not parts or (self.missing and named is None):
            raise DataError(
                f"{self.folder}: {wanted} needs sequence {listed(self.missing) or '(none)'}. "
                f"Sequences there: {listed(there) or 'none'}. "
                f"Copy the missing ones, or choose a split that is there "
                f"(split={ALL}, or {there[0] if there else '00'}:0-7)."
            )
        if self.missing:
            log.warning(
                "%s: %s is incomplete, sequences %s are missing; going on with %s",
                self.folder,
                wanted,
                listed(self.missing),
                listed([part.sequence for part in parts]),
            )
        asked = (FrameId(part.sequence, name) for part in parts for name in self._chosen(part))
        frames = list(dict.fromkeys(asked))  # once, even where parts overlap
        if self._labels == "only":
            frames = [frame for frame in frames if self._is_labelled(frame)]
        if not frames:
            what = "labelled frame" if self._labels == "only" else self.frame_files
            raise DataError(f"{self.folder}: no {what} in {wanted}. Is the copy complete?")
        if self._labels == "required":
            self._demand_labels(frames)
        return frames

    def _chosen(self, part: Part) -> list[str]:
        return choose_frames(self._frames_there(part.sequence), part, self.folder / part.sequence)

    def _demand_labels(self, frames: Sequence[FrameId]) -> None:
        """Fail now, not in the middle of an epoch."""
        for frame in frames:
            if not self._is_labelled(frame):
                raise LabelError(
                    f"{self.folder}: frame {frame} has no labels, and they are required here. "
                    "Copy them, or use labels=only (leaves such frames out) or labels=optional."
                )

    def _choose_cameras(self, cameras: Sequence[str]) -> tuple[str, ...]:
        there = self._cameras_there()
        if tuple(cameras) == ALL_CAMERAS:
            return tuple(there)
        unknown = [camera for camera in cameras if camera not in there]
        if unknown:
            raise ConfigError(
                f"{self.folder}: there is no camera '{unknown[0]}'. "
                f"Cameras of {self.name} there: {', '.join(there) or 'none'}."
            )
        return tuple(cameras)


def check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Refuse a setting that is not among the known ones.

    Raises:
        ConfigError: listing them.
    """
    if value not in known:
        raise ConfigError(f"{name}='{value}' is not possible. Use one of: {', '.join(known)}.")


def check_every(every: int) -> None:
    """Refuse a step below 1.

    Raises:
        ConfigError: saying what the step means.
    """
    if every < 1:
        raise ConfigError(f"every={every}: take each frame (1), each second (2), and so on.")


def pixels_of(labels: np.ndarray, table: LabelSet, source: object) -> np.ndarray:
    """Train ids (H, W) int64 of a picture of raw ids (H, W).

    Raises:
        LabelError: for a raw id that is not in the map.
    """
    return table.encode(labels.reshape(-1), source).reshape(labels.shape)


def _resolve(given: str | LabelSet | None, label_map: str) -> LabelSet:
    return given if isinstance(given, LabelSet) else label_set(given or label_map)
