"""LabelProp: scan after scan, labelled by what is remembered and by a network for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.config.schema import LabelPropConfig
from pcseg.data import IGNORE, LabelSet, Scan
from pcseg.errors import DataError
from pcseg.methods.labelprop.clock import Clock
from pcseg.methods.labelprop.clusters import Clusterer
from pcseg.methods.labelprop.inputs import cluster_scans, in_batches
from pcseg.methods.labelprop.movable import movable_classes
from pcseg.methods.labelprop.odometry import Odometry, make_odometry
from pcseg.methods.labelprop.past import Arrival, Past

Network = Callable[[Sequence[Scan]], list[np.ndarray]]
"""Class probabilities (n, K) float32 of each point of each of the scans it is given."""


@dataclass(frozen=True)
class Step:
    """What is said of a scan of N points.

    Attributes:
        labels: (N,) int64 train ids; `IGNORE` where nothing is known.
        confidence: (N,) float32 in 0..1.
        propagated: (N,) bool: labels that came from the past.
        seconds: wall time by stage: odometry, map, propagate, cluster, network, fuse.
    """

    labels: np.ndarray
    confidence: np.ndarray
    propagated: np.ndarray
    seconds: dict[str, float]


class LabelProp:
    """3DLabelProp on a stream of scans; no dataset is needed.

    Sanchez, Deschaud, Goulette: "Domain generalization of 3D semantic segmentation in autonomous
    driving", ICCV 2023 (arXiv:2212.04245), section 3.

    Args:
        settings: the method's.
        label_set: classes of the network.
        network: makes probabilities; None to propagate only, beginning with `teach`.
        odometry: poses of scans that have none; by default as the settings say, made when needed.
    """

    def __init__(
        self,
        settings: LabelPropConfig,
        label_set: LabelSet,
        network: Network | None = None,
        odometry: Odometry | None = None,
    ) -> None:
        self.settings = settings
        self.label_set = label_set
        self.network = network
        self.past = Past(settings, movable_classes(label_set, settings.dynamic))
        self.clusterer = Clusterer(settings)
        self._odometry = odometry

    def reset(self) -> None:
        """Forget everything: the next scan begins a sequence."""
        self.past.reset()
        self.clusterer.reset()
        if self._odometry is not None:
            self._odometry.reset()

    def step(self, scan: Scan) -> Step:
        """Label the next scan of the sequence.

        Args:
            scan: in the sensor's frame, with its pose unless odometry is to find it. Points that
                are not finite, or marked by their reader, get `IGNORE`.

        Raises:
            DataError: if the scan has no pose and odometry is not wanted, or its pose is no pose.
            MissingExtra: if odometry is needed and not installed.
        """
        clock = Clock()
        usable, seen, pose = self.locate(scan, clock)
        arrival = self.past.receive(seen.xyz, pose, clock)
        labels, confidence, propagated = self._fused(seen, pose, arrival, clock)
        with clock("map"):
            self.past.keep(arrival, labels, confidence, seen.attrs.get("intensity"))
        found = labels >= 0
        out = Step(
            np.full(len(scan), IGNORE, np.int64),
            np.zeros(len(scan), np.float32),
            np.zeros(len(scan), bool),
            clock.seconds,
        )
        out.labels[usable] = np.where(found, labels, IGNORE)
        out.confidence[usable], out.propagated[usable] = confidence, propagated & found
        return out

    def teach(
        self, scan: Scan, labels: np.ndarray, confidence: np.ndarray | float = 1.0
    ) -> Arrival:
        """Take in the next scan with labels that are known, as in training.

        Args:
            scan: see `step`.
            labels: (N,) train ids, `IGNORE` where not known.
            confidence: of all labels, or (N,).

        Returns:
            The usable points, with what propagation alone would have said of them.
        """
        usable, seen, pose = self.locate(scan)
        arrival = self.past.receive(seen.xyz, pose)
        sure = np.broadcast_to(np.asarray(confidence, np.float32), labels.shape)[usable]
        self.past.keep(arrival, labels[usable], sure, seen.attrs.get("intensity"))
        return arrival

    def locate(self, scan: Scan, clock: Clock | None = None) -> tuple[np.ndarray, Scan, np.ndarray]:
        """Which points of the next scan have a place (N,) bool, the scan of those, and its pose."""
        usable = np.isfinite(scan.xyz).all(1)
        if "valid" in scan.attrs:
            usable &= scan.attrs["valid"]
        seen = scan if usable.all() else scan.select(usable)
        if self.settings.poses != "odometry" and scan.pose is not None:
            return usable, seen, scan.pose
        if self.settings.poses == "scan":
            raise DataError(
                f"{scan.name}: has no pose, and 3DLabelProp needs to know where scans were taken. "
                "Give poses (SemanticKITTI: poses.txt and calib.txt), or set "
                "labelprop.poses=odometry to find them (extra 'odometry')."
            )
        with (clock or Clock())("odometry"):
            self._odometry = self._odometry or make_odometry(self.settings)
            return usable, seen, self._odometry.pose(seen)

    def _fused(
        self, scan: Scan, pose: np.ndarray, arrival: Arrival, clock: Clock
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Labels (N,), confidences (N,) and which were propagated, by the more trusted of the two.

        A network that is surer than `override` counts as certain.
        """
        kept, trust = arrival.labels, arrival.confidence
        if self.network is None:
            return kept, trust, kept >= 0
        chances = self._chances(self.network, scan, pose, arrival, clock)
        with clock("fuse"):
            said, sure = chances.argmax(1).astype(np.int32), chances.max(1)
            said[sure <= 0.0] = -1  # in no cluster
            mine = np.where(sure > self.settings.override, np.float32(1.0), sure)
            past = trust > mine
            return np.where(past, kept, said), np.where(past, trust, sure), past

    def _chances(
        self, network: Network, scan: Scan, pose: np.ndarray, arrival: Arrival, clock: Clock
    ) -> np.ndarray:
        """(N, K) float32 largest probability of each class over the clusters of a point."""
        if self.settings.clusters == "scan":
            with clock("network"):
                return network([scan])[0]
        with clock("cluster"):
            left = np.flatnonzero(arrival.labels < 0)
            groups = self.clusterer.assign(arrival.xyz[left, :2])
            clusters = self.clusterer.members(self.past.map.points, arrival.xyz, left, groups)
            matrix = self.past.matrix(pose)
            inputs = cluster_scans(
                clusters, self.past.map, arrival.xyz, scan, matrix, self.settings
            )
        chances = np.zeros((len(scan), self.label_set.num_classes), np.float32)
        for batch in in_batches(range(len(inputs)), inputs, self.settings.batch_points):
            with clock("network"):
                answers = network([inputs[k] for k in batch])
            with clock("fuse"):
                for k, answer in zip(batch, answers, strict=True):
                    rows = clusters[k].rows
                    new = answer[len(clusters[k].past) :]
                    chances[rows] = np.maximum(chances[rows], new)
        return chances
