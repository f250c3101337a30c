"""Scan: the one sample type of pcseg, a cloud of points and all that is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pcseg.errors import DataError, LabelError

IGNORE = -1
"""The train id of points that are neither trained on nor scored, everywhere in pcseg."""


@dataclass(frozen=True)
class View:
    """A camera picture that belongs to a scan.

    Attributes:
        rgb: (H, W, 3) uint8.
        K: (3, 3) float64 pinhole intrinsics, in pixels.
        camera_from_sensor: (4, 4) float64 rigid transform into the camera (x right, y down,
            z forward).
        depth: (H, W) float32 metres along the optical axis, 0 where unknown, or None.
        labels: (H, W) int64 train ids of the label set in use, `IGNORE` where not labelled; or
            None.
        name: of the camera, for example ``"image_2"``.
        time: seconds, on the clock of the scan's ``meta["time"]``; None if not known.
    """

    rgb: np.ndarray
    K: np.ndarray
    camera_from_sensor: np.ndarray
    depth: np.ndarray | None = None
    labels: np.ndarray | None = None
    name: str = ""
    time: float | None = None


@dataclass(frozen=True)
class Scan:
    """N points in file order, with everything known about each of them.

    Attributes:
        xyz: (N, 3) float32 metres in the sensor frame: x forward, y left, z up.
        attrs: per-point arrays, (N,) or (N, C): intensity in 0..1, rgb in 0..1, normal, ring, time.
        labels: (N,) int64 train ids of the label set in use, `IGNORE` (-1) where not scored;
            or None.
        raw_labels: (N,) int64 semantic ids as the dataset stores them, or None.
        instances: (N,) int64 instance ids, 0 for none; or None.
        pose: (4, 4) float64 transform sensor -> world, or None.
        images: camera pictures taken with the scan.
        meta: dataset, sequence, frame, path, and what else a reader wants to hand on. If the file's
            coordinates were too large for float32, ``meta["offset"]`` (3 floats) was subtracted;
            ``meta["things"]`` are the train ids of single objects.
    """

    xyz: np.ndarray
    attrs: dict[str, np.ndarray] = field(default_factory=dict)
    labels: np.ndarray | None = None
    raw_labels: np.ndarray | None = None
    instances: np.ndarray | None = None
    pose: np.ndarray | None = None
    images: tuple[View, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.xyz.ndim != 2 or self.xyz.shape[1] != 3 or self.xyz.dtype != np.float32:
            raise DataError(
                f"{self.name}: points must be an (N, 3) float32 array, "
                f"not {self.xyz.shape} {self.xyz.dtype}."
            )
        for key, values in self._per_point():
            if len(values) != len(self.xyz):
                raise LabelError(
                    f"{self.name}: {len(values)} values of '{key}' for {len(self.xyz)} points."
                )

    def __len__(self) -> int:
        return len(self.xyz)

    @property
    def name(self) -> str:
        """A short name for messages: the path if there is one, else sequence and frame."""
        meta = self.meta
        return str(meta.get("path") or f"{meta.get('sequence', '?')}:{meta.get('frame', '?')}")

    def replace(self, **changes: Any) -> Scan:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def select(self, index: np.ndarray) -> Scan:
        """The points chosen by a boolean mask or an index array, with all that belongs to them."""
        if index.dtype == bool:
            if len(index) != len(self):
                raise IndexError(f"a mask of {len(index)} for {len(self)} points")
            index = np.flatnonzero(index)  # searched once, not once for each field
        taken: dict[str, Any] = {"xyz": self.xyz[index]}
        for name in _OPTIONAL:
            values = getattr(self, name)
            taken[name] = None if values is None else values[index]
        taken["attrs"] = {key: values[index] for key, values in self.attrs.items()}
        return replace(self, **taken)

    def _per_point(self) -> list[tuple[str, np.ndarray]]:
        optional = [(name, getattr(self, name)) for name in _OPTIONAL]
        return [*self.attrs.items(), *((k, v) for k, v in optional if v is not None)]


_OPTIONAL = ("labels", "raw_labels", "instances")
"""Per-point fields that a scan may lack."""


def concatenate(scans: Sequence[Scan]) -> Scan:
    """All points of several scans as one scan, in order.

    Attributes and optional fields are kept if every scan has them; pose, images and meta are the
    first scan's.
    """
    first = scans[0]
    shared = [key for key in first.attrs if all(key in scan.attrs for scan in scans)]
    joined: dict[str, Any] = {
        "xyz": np.concatenate([scan.xyz for scan in scans]),
        "attrs": {key: np.concatenate([scan.attrs[key] for scan in scans]) for key in shared},
    }
    for name in _OPTIONAL:
        parts = [getattr(scan, name) for scan in scans]
        joined[name] = None if any(p is None for p in parts) else np.concatenate(parts)
    return replace(first, **joined)


@dataclass(frozen=True)
class Prediction:
    """What a method says of each raw point of a scan, in file order.

    Attributes:
        labels: (N,) int64 train ids of the method's label set.
        confidence: (N,) float32 in 0..1, the probability of the chosen class.
        propagated: (N,) bool labels that were carried over from earlier scans; or None, of methods
            that do no such thing.
    """

    labels: np.ndarray
    confidence: np.ndarray
    propagated: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.labels.shape != self.confidence.shape or self.labels.ndim != 1:
            raise DataError(
                f"labels {self.labels.shape} and confidence {self.confidence.shape} "
                "must be two (N,) arrays of the same length."
            )
