"""Scans from the paths a user names: files, folders of files, SemanticKITTI's layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import FileDataset, FrameId, ScanDataset
from pcseg.data.labels import LabelSet
from pcseg.data.scan import Scan
from pcseg.errors import DataError
from pcseg.io import point_files, read_points, to_scan

CLOUDS = "velodyne"
"""The folder of clouds that gives SemanticKITTI's layout away."""


@dataclass(frozen=True)
class Source:
    """Where one scan comes from.

    Attributes:
        path: of the file.
        root: the named folder it was found under, or its own folder.
        dataset: the reader that knows it, or None for a plain point file.
        index: its number there.
    """

    path: Path
    root: Path
    dataset: ScanDataset | None = None
    index: int = 0

    @property
    def meta(self) -> dict[str, str]:
        """What names the scan, known without reading it: path, and sequence and frame if any."""
        meta = {"path": str(self.path)}
        if self.dataset is not None:
            meta["sequence"], meta["frame"] = self.dataset.frames[self.index]
        return meta


class PathScans(FileDataset):
    """The scans under some paths, read when they are asked for.

    Args:
        paths: point files of any readable format, folders of such, or folders in SemanticKITTI's
            layout (the dataset, a sequence, or files in its ``velodyne``).
        label_set: turns labels in the files into train ids; without one they stay raw.
        labels: ``optional`` to read labels where they are, ``none`` to leave them alone.
        layout: reader for SemanticKITTI's layout: ``semantickitti`` or ``semanticposs``.

    Raises:
        DataError: if a path does not exist or holds no points.
    """

    name = "files"

    def __init__(
        self,
        paths: Sequence[Path],
        label_set: LabelSet | None = None,
        labels: str = "optional",
        layout: str = "semantickitti",
    ) -> None:
        self._given = label_set
        self._labels = labels
        self._layout = layout
        self.sources = [source for path in paths for source in self._sources(Path(path))]
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
        if scan.raw_labels is None or self._given is None:
            return scan
        return scan.replace(labels=self._given.encode(scan.raw_labels, source.path))

    def _files(self, index: int) -> list[Path]:
        return [self.sources[index].path]

    def _label_set_of_readers(self) -> LabelSet | None:
        readers = (s.dataset for s in self.sources if s.dataset is not None)
        first = next(readers, None)
        return None if first is None else first.label_set

    def _sources(self, path: Path) -> list[Source]:
        if not path.exists():
            raise DataError(f"{path}: there is no such file or folder.")
        if path.is_file():
            if path.parent.name == CLOUDS and path.suffix == ".bin" and path.stem.isdigit():
                sequences = path.parent.parent.parent
                return self._in_layout(sequences, f"{path.parent.parent.name}:{int(path.stem)}")
            return [Source(path, path.parent)]
        if path.name == CLOUDS:
            return self._in_layout(path.parent.parent, path.parent.name)
        if (path / CLOUDS).is_dir():
            return self._in_layout(path.parent, path.name)
        if path.name == "sequences" or any((path / p).is_dir() for p in _SEQUENCES):
            return self._in_layout(path, "all")
        files = point_files(path)
        if not files:
            raise DataError(
                f"{path}: holds no point files of a known format (`pcseg predict --help` lists "
                "them) and is not in SemanticKITTI's layout."
            )
        return [Source(file, path) for file in files]

    def _in_layout(self, root: Path, split: str) -> list[Source]:
        dataset = open_dataset(
            self._layout, root, split, _fitting(self._given, self._layout), labels=self._labels
        )
        cloud = dataset.cloud_path  # type: ignore[attr-defined]
        frames = enumerate(dataset.frames)
        return [Source(cloud(frame), root, dataset, i) for i, frame in frames]


_SEQUENCES = ("sequences", "dataset/sequences")


def _fitting(label_set: LabelSet | None, layout: str) -> LabelSet | None:
    """The label set, if it is made for the layout's raw ids; else the reader's own is used."""
    own = {"semantickitti": "semantic_kitti", "semanticposs": "semantic_poss"}.get(layout)
    return label_set if label_set is not None and label_set.dataset == own else None
