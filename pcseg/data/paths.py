"""Scans from the paths a user names: files, folders of files, SemanticKITTI's layout."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pcseg.data.catalogue import DATASETS, default_label_set, open_dataset
from pcseg.data.dataset import FileDataset, FrameId
from pcseg.data.invalid import settle_invalid
from pcseg.data.labels import LabelSet
from pcseg.data.readers.generic.files import find_point_files, label_file, read_labels
from pcseg.data.readers.kitti.family import KittiFamily
from pcseg.data.readers.kitti.files import read_label_file
from pcseg.data.scan import Scan
from pcseg.data.splits import ALL
from pcseg.errors import DataError
from pcseg.io import read_points, to_scan

log = logging.getLogger(__name__)

CLOUDS = "velodyne"
"""The folder of clouds that gives SemanticKITTI's layout away."""


@dataclass(frozen=True)
class Source:
    """Where one scan comes from.

    Attributes:
        path: of the file, absolute.
        root: the folder it was found under: the named one, the common one of all files named, or
            the one of the sequences.
        dataset: the reader that knows it, or None for a plain point file.
        index: its number there.
    """

    path: Path
    root: Path
    dataset: KittiFamily | None = None
    index: int = 0

    @property
    def meta(self) -> dict[str, str]:
        """What names the scan, known without reading it: path, and sequence and frame if any."""
        meta = {"path": str(self.path)}
        if self.dataset is not None:
            meta["sequence"], meta["frame"] = self.dataset.frames[self.index]
        return meta


class PathScans(FileDataset):
    """The scans under some paths, each once, read when they are asked for.

    Points with NaN or infinite values stay in their place and are marked, see `settle_invalid`.

    Args:
        paths: point files of any readable format, folders of such with their sub-folders, or
            folders in SemanticKITTI's layout (the dataset, a sequence, or files in its
            ``velodyne``).
        label_set: turns labels in the files and beside them into train ids; without one they stay
            raw.
        labels: ``optional`` to read labels where they are, ``none`` to leave them alone.
        layout: reader for SemanticKITTI's layout; by default the one whose raw ids the label set
            means, else ``semantickitti``.

    Raises:
        DataError: if a path does not exist or holds no points.
    """

    name = "files"

    def __init__(
        self,
        paths: Sequence[Path],
        label_set: LabelSet | None = None,
        labels: str = "optional",
        layout: str | None = None,
    ) -> None:
        self._given = label_set
        self._labels = labels
        self._layout = layout or _reader_of(label_set)
        self._opened: dict[tuple[Path, str | None], KittiFamily] = {}
        # Not resolved: `velodyne` may be a link, and then its own place is what tells the sequence.
        named = [Path(os.path.abspath(path)) for path in paths]
        root = _common_folder([path for path in named if path.is_file()])
        found = {source.path: source for path in named for source in self._sources(path, root)}
        self.sources = list(found.values())
        if not self.sources:
            raise DataError("no path was given: name point files or folders of them.")
        self.frames = [FrameId("", str(source.path)) for source in self.sources]
        self.label_set = label_set or self._label_set_of_readers()  # type: ignore[assignment]

    def _read(self, index: int) -> Scan:
        source = self.sources[index]
        if source.dataset is not None:
            return source.dataset[source.index]
        points = read_points(source.path)
        if self._labels == "none":
            points = points.replace(labels=None)
        scan = to_scan(points, path=str(source.path))
        return settle_invalid(self._with_labels(scan, source.path), "ignore")

    def _with_labels(self, scan: Scan, path: Path) -> Scan:
        """The scan with the labels beside its file, else those inside, as train ids too."""
        beside = None if self._labels == "none" else label_file(path)
        if beside is not None and beside.suffix == ".label":
            raw, instances = read_label_file(beside, path, len(scan))
            scan = scan.replace(raw_labels=raw, instances=instances)
        elif beside is not None:
            scan = scan.replace(raw_labels=read_labels(beside, path, len(scan)))
        if scan.raw_labels is None or self._given is None:
            return scan
        return scan.replace(labels=self._given.encode(scan.raw_labels, beside or path))

    def _files(self, index: int) -> list[Path]:
        path = self.sources[index].path
        beside = label_file(path)
        return [path] if beside is None else [path, beside]

    def _label_set_of_readers(self) -> LabelSet | None:
        readers = (s.dataset for s in self.sources if s.dataset is not None)
        first = next(readers, None)
        return None if first is None else first.label_set

    def _sources(self, path: Path, root: Path) -> Iterator[Source]:
        if not path.exists():
            raise DataError(f"{path}: there is no such file or folder.")
        if path.is_file():
            if path.parent.name == CLOUDS and path.suffix == ".bin" and path.stem.isdecimal():
                yield from self._in_layout(path.parents[2], path.parents[1].name, path.stem)
            else:
                yield Source(path, root)
        elif path.name == CLOUDS and _is_sequence(path.parent):
            yield from self._in_layout(path.parents[1], path.parent.name)
        elif _is_sequence(path):
            yield from self._in_layout(path.parent, path.name)
        elif (sequences := _sequences_under(path)) is not None:
            yield from self._in_layout(sequences)
        else:
            # Nothing is trained on here, so a.bin beside a.ply are two scans like any others.
            yield from (Source(file, path) for file in find_point_files(path, distinct=False))

    def _in_layout(
        self, root: Path, sequence: str | None = None, frame: str | None = None
    ) -> Iterator[Source]:
        dataset = self._open(root, sequence)
        for i, found in enumerate(dataset.frames):
            if frame is None or found.frame == frame:
                yield Source(dataset.cloud_path(found), dataset.folder, dataset, i)

    def _open(self, root: Path, sequence: str | None) -> KittiFamily:
        """The reader of one sequence or of all; opened once, however many of its files are named.

        A folder's name is handed over as a name: one called `test` is not the test split.
        """
        key = (root, sequence)
        if key not in self._opened:
            own = default_label_set(self._layout)
            fits = self._given is not None and self._given.dataset == own
            options = {
                "sequences": None if sequence is None else [sequence],
                "labels": self._labels if fits or self._given is None else "none",
                "invalid": "ignore",
            }
            table = self._given if fits else None
            dataset = open_dataset(self._layout, root, ALL, table, **options)
            assert isinstance(dataset, KittiFamily), f"{self._layout} is no such layout"
            if self._given is not None and not fits and self._labels != "none":
                _say_that_labels_are_left_out(dataset, self._given, own)
            self._opened[key] = dataset
        return self._opened[key]


def _reader_of(table: LabelSet | None) -> str:
    """The reader of SemanticKITTI's layout whose raw ids a table means."""
    own = None if table is None else table.dataset
    fitting = (name for name in DATASETS if own is not None and default_label_set(name) == own)
    return next(fitting, "semantickitti")


def _say_that_labels_are_left_out(dataset: KittiFamily, table: LabelSet, own: str | None) -> None:
    if any(dataset.label_path(frame).exists() for frame in dataset.frames):
        log.warning(
            "%s: labels are left out: in this layout they are raw ids of %s, but the label set "
            "%s/%s is in use. If it is made for these ids, write 'dataset: %s' in its file",
            dataset.folder, own, table.dataset, table.name, own,
        )  # fmt: skip


def _common_folder(files: Sequence[Path]) -> Path:
    """The lowest folder that holds all the files, so that a/s.bin and b/s.bin stay apart."""
    return Path(os.path.commonpath([file.parent for file in files])) if files else Path()


def _is_sequence(folder: Path) -> bool:
    """Whether a folder holds clouds named by number, in ``velodyne``."""
    return any(path.stem.isdecimal() for path in (folder / CLOUDS).glob("*.bin"))


def _sequences_under(folder: Path) -> Path | None:
    """The folder of sequences in a dataset's folder, or None if it is not in this layout."""
    for candidate in (folder / "sequences", folder / "dataset" / "sequences", folder):
        if candidate.is_dir() and any(_is_sequence(path) for path in candidate.iterdir()):
            return candidate
    return None
