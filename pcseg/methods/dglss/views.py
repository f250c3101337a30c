"""Two views of each scan: as it is, and as a sensor with fewer beams would have seen it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pcseg.config import InputConfig
from pcseg.data import Scan
from pcseg.data.dataset import ScanDataset
from pcseg.data.rings import ring_numbers
from pcseg.methods.supervised.batch import Batch, collate, within


@dataclass  # not frozen: mixed precision rebuilds batches field by field
class TwoViews:
    """B scans and their thinned views.

    Attributes:
        both: a batch of 2B scans; number B + i is the thinned view of number i.
        num_scans: B.
    """

    both: Batch
    num_scans: int

    def to(self, device: torch.device) -> TwoViews:
        """The same batch on another device."""
        return TwoViews(self.both.to(device), self.num_scans)


def collate_views(
    scans: Sequence[Scan],
    inputs: InputConfig,
    num_classes: int,
    keep: tuple[float, float],
    seed: int,
) -> TwoViews:
    """Voxelise scans and a thinned view of each.

    Args:
        scans: B scans; labels may be missing.
        inputs: voxel size and features.
        num_classes: K of the labels.
        keep: bounds of the share of beams that the second view keeps.
        seed: of the run; which beams go depends on it and on the points, on nothing else.
    """
    scans = [within(scan, inputs.max_range) for scan in scans]
    thinned = [thin(scan, keep, _generator(scan, seed)) for scan in scans]
    return TwoViews(collate([*scans, *thinned], inputs, num_classes), len(scans))


def thin(scan: Scan, keep: tuple[float, float], rng: np.random.Generator) -> Scan:
    """Keep some of the beams: a share drawn within `keep`, at least one beam."""
    if not len(scan):
        return scan
    present, beam = np.unique(ring_numbers(scan), return_inverse=True)
    count = max(1, round(rng.uniform(*keep) * len(present)))
    kept = np.zeros(len(present), bool)
    kept[rng.choice(len(present), count, replace=False)] = True
    return scan.select(kept[beam])


class WithBeams:
    """A dataset whose scans say which beam measured each point: ``attrs["ring"]``.

    Found before scans are turned and flipped, which hides where rings begin.

    Args:
        dataset: whose scans may lack it.
    """

    def __init__(self, dataset: ScanDataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Scan:
        """Scan number `index` with ``attrs["ring"]``."""
        scan = self._dataset[index]
        return scan.replace(attrs={**scan.attrs, "ring": ring_numbers(scan)})

    def __getattr__(self, name: str) -> Any:
        """Everything else is the dataset's own."""
        if name.startswith("__") or name == "_dataset":  # asked for while being unpickled
            raise AttributeError(name)
        return getattr(self._dataset, name)


def _generator(scan: Scan, seed: int) -> np.random.Generator:
    """Draws for a scan: repeatable, and others for every augmentation of it."""
    digest = hashlib.blake2b(scan.xyz.tobytes(), digest_size=16).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, np.uint32).tolist()])
