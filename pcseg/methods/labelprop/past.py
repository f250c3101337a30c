"""Past: the state of 3DLabelProp between scans, and what a new scan takes from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.config.schema import LabelPropConfig
from pcseg.errors import DataError
from pcseg.methods.labelprop import kernels
from pcseg.methods.labelprop.clock import Clock
from pcseg.methods.labelprop.propagation import propagate
from pcseg.methods.labelprop.repository import propagate_as_repository
from pcseg.methods.labelprop.voxel_map import VoxelMap


@dataclass(frozen=True)
class Arrival:
    """A new scan of N points, after propagation.

    Attributes:
        xyz: (N, 3) float32 in the frame of the map.
        center: (2,) float64 its middle in the plane.
        labels: (N,) int32 propagated train ids, -1 where a label is needed.
        confidence: (N,) float32, of the propagated labels.
    """

    xyz: np.ndarray
    center: np.ndarray
    labels: np.ndarray
    confidence: np.ndarray


class Past:
    """The scans of the window as a voxel map, with labels and confidences.

    The frame of the map has the axes of the world and its origin at the first scan. Time is counted
    in scans that are kept: a scan taken less than `min_motion` from the last place replaces the one
    before it, so that a parked car does not pile up. The window so grows by one scan for each that
    was replaced, while those are inside it, and shrinks as they leave. (The authors' window grows
    and never shrinks; ``mode: repository`` follows it.)

    Args:
        settings: the method's.
        movable: (K,) bool classes that are not propagated.
    """

    def __init__(self, settings: LabelPropConfig, movable: np.ndarray) -> None:
        self.settings = settings
        self.movable = movable
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new sequence begins."""
        self.map = VoxelMap(self.settings.thin, self.settings.reach)
        self.window = self.settings.window
        self._stamp = -1
        self._origin: np.ndarray | None = None
        self._place: np.ndarray | None = None

    def receive(self, xyz: np.ndarray, pose: np.ndarray, clock: Clock | None = None) -> Arrival:
        """Let go of what is old or far, and label by what is left.

        Args:
            xyz: (N, 3) float32 new scan in the sensor's frame, finite.
            pose: (4, 4) sensor -> world.
            clock: measures the stages "map" and "propagate".

        Raises:
            DataError: for a pose that is not finite.
        """
        clock = clock or Clock()
        if pose.shape != (4, 4) or not np.isfinite(pose).all():
            raise DataError(f"a pose must be a (4, 4) matrix of finite numbers, not {pose}.")
        with clock("map"):
            self._grow_older(pose[:3, 3].astype(np.float64))
            placed, center = kernels.moved(xyz, self.matrix(pose))
            self.map.drop_far(center, self.settings.map_range)
        with clock("propagate"):
            labels, confidence = self._propagate(placed)
            moves = np.flatnonzero((labels >= 0) & self.movable[labels])
            if self.settings.mode == "repository":
                moves = moves[moves > 0]  # the authors' code forgets the first point
            labels[moves], confidence[moves] = -1, 0.0
        return Arrival(placed, center, labels, confidence)

    def keep(
        self,
        arrival: Arrival,
        labels: np.ndarray,
        confidence: np.ndarray,
        intensity: np.ndarray | None = None,
    ) -> np.ndarray:
        """Take the scan into the map with its final labels.

        Args:
            arrival: of `receive`.
            labels: (N,) train ids, -1 for none.
            confidence: (N,) in 0..1.
            intensity: (N,) or None.

        Returns:
            (M,) int32 rows of the points that went in: the first in a voxel of its own.
        """
        return self.map.add(self._stamp, arrival.xyz, labels, confidence, arrival.center, intensity)

    def matrix(self, pose: np.ndarray) -> np.ndarray:
        """(4, 4) float64 sensor -> map of a pose (4, 4) sensor -> world."""
        matrix = pose.astype(np.float64)
        if self._origin is not None:
            matrix[:3, 3] -= self._origin
        return matrix

    def _grow_older(self, place: np.ndarray) -> None:
        if self._origin is None or self._place is None:
            self._origin, self._place = place, place
            self._stamp = 0
            return
        if np.linalg.norm(place - self._place) < self.settings.min_motion:
            self.map.drop_newest()
            if self.settings.mode == "repository":
                self.window += 1
                self._stamp += 1
        else:
            self._place = place
            self._stamp += 1
        self.map.drop_until(self._stamp - self.window)

    def _propagate(self, xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        settings, classes = self.settings, len(self.movable)
        if settings.mode == "described":
            return propagate(self.map, xyz, classes)
        old = self.map.alive()
        return propagate_as_repository(
            old.xyz, old.labels, old.confidence, xyz, classes,
            settings.repository_voxel, settings.reach,
        )  # fmt: skip
