"""LabelPropMethod: 3DLabelProp as a method, to be trained, evaluated and predicted with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pcseg.config import Config
from pcseg.data import LabelSet, Prediction, Scan
from pcseg.data.dataset import Progress, ScanDataset
from pcseg.methods.labelprop.cluster_dataset import ClusterDataset
from pcseg.methods.labelprop.stream import LabelProp
from pcseg.methods.supervised.method import Supervised


class LabelPropMethod(Supervised):
    """A network on dense clusters and the propagation of labels around it.

    The network is that of the method `supervised`, with the same names of weights: a run of one can
    be evaluated as the other (``method=labelprop``), plain networks with
    ``labelprop.center=sensor`` or ``labelprop.clusters=scan``.

    Args:
        config: the experiment.
        label_set: the class table.
        class_weights: (K,) weights of cross entropy, or None.
    """

    sequential = True
    """Scans must come one by one, in order, in one process."""

    def __init__(
        self, config: Config, label_set: LabelSet, class_weights: Tensor | None = None
    ) -> None:
        super().__init__(config, label_set, class_weights)
        self.stream = LabelProp(config.labelprop, label_set, self._network)
        self.seconds: list[dict[str, float]] = []
        self._sequence: tuple[str, ...] | None = None

    def training_set(self, dataset: ScanDataset, progress: Progress | None = None) -> ScanDataset:
        """The scans to train on: clusters of the dataset's, cut with the true labels as the past.

        Args:
            dataset: labelled scans with poses.
            progress: called with (scans cut, scans in all).
        """
        if self.config.labelprop.clusters == "scan":
            return dataset
        return ClusterDataset(dataset, self.config.labelprop, progress)

    def reset(self) -> None:
        """Forget the past: the next scan begins a sequence."""
        self.stream.reset()
        self.seconds, self._sequence = [], None

    @torch.no_grad()
    def predict(self, scans: Sequence[Scan]) -> list[Prediction]:
        """Label the next scans of the drive, in order; a new sequence begins with nothing known."""
        made = []
        for scan in scans:
            if self._sequence != (name := _sequence_of(scan)):
                self.stream.reset()
                self._sequence = name
            step = self.stream.step(scan)
            self.seconds.append(step.seconds)
            made.append(Prediction(step.labels, step.confidence, step.propagated))
        return made

    def _network(self, scans: Sequence[Scan]) -> list[np.ndarray]:
        chances = self.averaged_probabilities(scans).cpu().numpy()
        ends = np.cumsum([len(scan) for scan in scans])
        return np.split(chances, ends[:-1])


def _sequence_of(scan: Scan) -> tuple[str, ...]:
    meta = scan.meta
    if meta.get("sequence") is not None:
        return str(meta.get("dataset", "")), str(meta["sequence"])
    return "", str(Path(str(meta.get("path", ""))).parent)
