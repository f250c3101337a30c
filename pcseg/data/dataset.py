"""Datasets of scans: what every reader offers, and the counts that balancing and batching need."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from pcseg.data.labels import LabelSet
from pcseg.data.sampling import class_balanced_weights
from pcseg.data.scan import Scan
from pcseg.errors import DataError, PcsegError
from pcseg.files import atomic_path, cache_dir

Progress = Callable[[int, int], None]
"""Called with (done, total) after each unit of a long pass."""


class FrameId(NamedTuple):
    """Which scan of a dataset: ``"08/000012"`` when printed."""

    sequence: str
    frame: str

    def __str__(self) -> str:
        return f"{self.sequence}/{self.frame}" if self.sequence else self.frame


@runtime_checkable
class ScanDataset(Protocol):
    """What training, evaluation and viewing know of a dataset; torch's loaders accept it."""

    name: str
    label_set: LabelSet
    frames: list[FrameId]

    def __len__(self) -> int:
        """Number of scans."""

    def __getitem__(self, index: int) -> Scan:
        """Scan number `index`, every point of the file, in file order."""

    def frame_classes(self, progress: Progress | None = None) -> np.ndarray:
        """(F, K) int64 points of each class in each frame."""

    def class_counts(self, progress: Progress | None = None) -> np.ndarray:
        """(K,) int64 points of each class in all frames."""

    def balanced_weights(self, progress: Progress | None = None) -> np.ndarray:
        """(F,) float64 draw probabilities that make frames with rare classes come more often."""

    def point_counts(self) -> np.ndarray:
        """(F,) int64 points in each frame, without reading the points where the format allows."""


class FileDataset:
    """The shared half of readers: indexing, and counts that are made once and kept on disk.

    A reader sets `name`, `label_set` and `frames` and implements `_read` and `_files`; it may
    implement `_read_labels` and `_count_points` where they are cheaper than a whole scan.
    """

    name: str
    label_set: LabelSet
    frames: list[FrameId]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Scan:
        """Scan number `index`.

        Raises:
            IndexError: past the end, so that plain iteration stops.
            DataError: if its files are damaged.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"{self.name} has {len(self)} scans, there is no number {index}")
        return self._read(range(len(self))[index])

    def index_of(self, frame: FrameId) -> int:
        """The position of a frame.

        Raises:
            DataError: if the frame is not part of this selection.
        """
        try:
            return self.frames.index(frame)
        except ValueError:
            raise DataError(
                f"{self.name}: frame {FrameId(*frame)} is not among the {len(self)} selected."
            ) from None

    def frame_classes(self, progress: Progress | None = None) -> np.ndarray:
        """Count the points of each class in each frame, in one pass that is kept for later runs.

        The result is stored under the cache folder (`cache_dir`) and made again whenever a file's
        size or time, the frames, or the label set change.

        Args:
            progress: called with (frames done, frames in all).

        Returns:
            (F, K) int64; rows of unlabelled frames are zero.
        """

        def count(index: int) -> np.ndarray:
            labels = self._read_labels(index)
            if labels is None:
                return np.zeros(self.label_set.num_classes, np.int64)
            return np.bincount(labels[labels >= 0], minlength=self.label_set.num_classes)

        return self._pass("classes", count, progress)

    def class_counts(self, progress: Progress | None = None) -> np.ndarray:
        """(K,) int64 points of each class over all frames; see `frame_classes`."""
        return self.frame_classes(progress).sum(0)

    def balanced_weights(self, progress: Progress | None = None) -> np.ndarray:
        """(F,) float64 draw probabilities; see `pcseg.data.sampling.class_balanced_weights`."""
        return class_balanced_weights(self.frame_classes(progress))

    def point_counts(self) -> np.ndarray:
        """(F,) int64 number of points of each frame; read once and kept, as `frame_classes`."""
        return self._pass("points", lambda index: np.array(self._count_points(index)))

    def source_files(self, index: int) -> list[Path]:
        """The files that scan number `index` is made of."""
        return list(self._files(index))

    def fingerprint(self) -> str:
        """32 hex digits that change with any file, the frames, the classes or the reading."""
        return self._fingerprint()

    def _read(self, index: int) -> Scan:
        raise NotImplementedError

    def _files(self, index: int) -> Sequence[Path]:
        """All files whose change must void the stored counts of a frame."""
        raise NotImplementedError

    def _read_labels(self, index: int) -> np.ndarray | None:
        """(N,) train ids of a frame, or None."""
        return self._read(index).labels

    def _count_points(self, index: int) -> int:
        return len(self._read(index))

    def _reading(self) -> str:
        """The settings of the reader that change what is counted in the same files."""
        return ""

    def _pass(
        self, what: str, count: Callable[[int], np.ndarray], progress: Progress | None = None
    ) -> np.ndarray:
        store = cache_dir() / what / f"{self._fingerprint()}.npy"
        if store.is_file():
            return np.load(store, allow_pickle=False)
        rows = []
        for index in range(len(self)):
            rows.append(count(index))
            if progress is not None:
                progress(index + 1, len(self))
        counts = np.array(rows, np.int64)
        _keep(store, counts)
        return counts

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(f"{self.name} {self.label_set.hash} {self._reading()}".encode())
        for i in range(len(self)):
            for path in self._files(i):
                try:
                    state = path.stat()
                except FileNotFoundError:  # a reader that needs it knows the remedy
                    digest.update(f"\n{path} missing".encode())
                    continue
                digest.update(f"\n{path.resolve()} {state.st_size} {state.st_mtime_ns}".encode())
        return digest.hexdigest()[:32]


def _keep(path: Path, counts: np.ndarray) -> None:
    """Store counts; a cache that cannot be written only costs the next run its time."""
    try:
        with atomic_path(path) as temporary:
            np.save(temporary, counts)
    except (OSError, PcsegError):
        return
