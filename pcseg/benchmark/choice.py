"""Datasets made of others: some frames of one, or all frames of several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from pcseg.data.dataset import FrameId, Progress, ScanDataset
from pcseg.data.sampling import class_balanced_weights
from pcseg.data.scan import Scan
from pcseg.evaluate import check_same_classes


class Chosen:
    """Some scans of a dataset, in the given order."""

    def __init__(self, dataset: ScanDataset, rows: Sequence[int]) -> None:
        self.dataset, self.rows = dataset, list(rows)
        self.name, self.label_set = dataset.name, dataset.label_set
        self.frames: list[FrameId] = [dataset.frames[row] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Scan:
        """Scan number `index` of those chosen."""
        return self.dataset[self.rows[index]]

    def frame_classes(self, progress: Progress | None = None) -> np.ndarray:
        """See `ScanDataset`."""
        return self.dataset.frame_classes(progress)[self.rows]

    def class_counts(self, progress: Progress | None = None) -> np.ndarray:
        """See `ScanDataset`."""
        return np.asarray(self.frame_classes(progress).sum(0))

    def balanced_weights(self, progress: Progress | None = None) -> np.ndarray:
        """See `ScanDataset`."""
        return class_balanced_weights(self.frame_classes(progress))

    def point_counts(self) -> np.ndarray:
        """See `ScanDataset`."""
        return self.dataset.point_counts()[self.rows]


class Joined:
    """All scans of several datasets with the same classes, one dataset after the other.

    Raises:
        LabelError: if the classes differ.
    """

    def __init__(self, datasets: Sequence[ScanDataset]) -> None:
        self.datasets = list(datasets)
        self.name = "+".join(dataset.name for dataset in datasets)
        self.label_set = datasets[0].label_set
        for dataset in datasets[1:]:
            check_same_classes(self.label_set, dataset.label_set, dataset.name)
        # Two datasets may both have a sequence 00.
        self.frames: list[FrameId] = [
            FrameId(f"{number}:{frame.sequence}", frame.frame)
            for number, dataset in enumerate(datasets)
            for frame in dataset.frames
        ]
        self._starts = np.cumsum([0, *(len(dataset) for dataset in datasets)])

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Scan:
        """Scan number `index`, counted through all datasets."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has {len(self)} scans, there is no number {index}")
        place = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self.datasets[place][index - int(self._starts[place])]

    def frame_classes(self, progress: Progress | None = None) -> np.ndarray:
        """See `ScanDataset`."""
        return np.concatenate([dataset.frame_classes(progress) for dataset in self.datasets])

    def class_counts(self, progress: Progress | None = None) -> np.ndarray:
        """See `ScanDataset`."""
        return np.asarray(self.frame_classes(progress).sum(0))

    def balanced_weights(self, progress: Progress | None = None) -> np.ndarray:
        """See `ScanDataset`."""
        return class_balanced_weights(self.frame_classes(progress))

    def point_counts(self) -> np.ndarray:
        """See `ScanDataset`."""
        return np.concatenate([dataset.point_counts() for dataset in self.datasets])


def choose(frames: Sequence[FrameId], every: int) -> list[int]:
    """Each `every`-th frame of every sequence, the first of each included; rows in order."""
    seen: defaultdict[str, int] = defaultdict(int)
    rows = []
    for row, frame in enumerate(frames):
        if seen[frame.sequence] % every == 0:
            rows.append(row)
        seen[frame.sequence] += 1
    return rows
