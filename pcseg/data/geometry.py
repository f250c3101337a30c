"""Transforms that move points: rotation, flips, scale, shift and jitter."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pcseg.data.scan import Scan
from pcseg.errors import ConfigError

NORMALS = ("normal", "normals")
"""Attributes that hold directions and turn with the points."""


@dataclass(frozen=True)
class Rotate:
    """Turn about the vertical axis by an angle within ± `degrees`; 180 is the full circle."""

    degrees: float = 180.0

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The turned scan."""
        return rotate(scan, np.deg2rad(rng.uniform(-self.degrees, self.degrees)))


@dataclass(frozen=True)
class Flip:
    """Mirror each of `axes` with probability one half: ``"x"`` front to back, ``"y"`` sides."""

    axes: str = "xy"

    def __post_init__(self) -> None:
        if not set(self.axes) <= set("xyz"):
            raise ConfigError(f"flip: axes='{self.axes}' is not possible. Use letters of xyz.")

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The mirrored scan."""
        signs = np.ones(4)
        for axis in self.axes:
            signs["xyz".index(axis)] = rng.choice([-1.0, 1.0])
        return apply_affine(scan, np.diag(signs))


@dataclass(frozen=True)
class Scale:
    """Multiply all coordinates by one factor within `low`..`high`."""

    low: float = 0.95
    high: float = 1.05

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The scaled scan."""
        factor = rng.uniform(self.low, self.high)
        return apply_affine(scan, np.diag([factor, factor, factor, 1.0]))


@dataclass(frozen=True)
class Shift:
    """Move all points by one normal draw of standard deviation `sigma_m` metres an axis."""

    sigma_m: float = 0.1

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The moved scan."""
        matrix = np.eye(4)
        matrix[:3, 3] = rng.normal(0.0, self.sigma_m, 3)
        return apply_affine(scan, matrix)


@dataclass(frozen=True)
class Jitter:
    """Move each point by its own normal draw, no more than `limit_m` along an axis."""

    sigma_m: float = 0.01
    limit_m: float = 0.05

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The jittered scan; normals and pose are left as they are."""
        noise = rng.standard_normal(scan.xyz.shape, np.float32) * np.float32(self.sigma_m)
        return scan.replace(xyz=scan.xyz + noise.clip(-self.limit_m, self.limit_m))


def rotate(scan: Scan, angle_rad: float) -> Scan:
    """Turn a scan about the vertical axis, counter-clockwise seen from above."""
    matrix = np.eye(4)
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    matrix[:2, :2] = [[cos, -sin], [sin, cos]]
    return apply_affine(scan, matrix)


def apply_affine(scan: Scan, matrix: np.ndarray) -> Scan:
    """Move all points by a 4x4 matrix, and all that refers to their frame with them.

    Pose and cameras are changed by the inverse, so that a point's world coordinates and its pixel
    stay the same. (After a flip or a scaling the pose is therefore no longer rigid.)

    Args:
        scan: to move.
        matrix: (4, 4) invertible, last row 0 0 0 1, old -> new sensor coordinates.
    """
    inverse = np.linalg.inv(matrix)
    xyz = _moved(scan.xyz, matrix.astype(np.float32))
    attrs = dict(scan.attrs)
    for key in NORMALS:
        if key in attrs:
            turned = attrs[key] @ inverse[:3, :3]
            length = np.linalg.norm(turned, axis=1, keepdims=True)
            attrs[key] = (turned / np.where(length > 0, length, 1.0)).astype(attrs[key].dtype)
    return scan.replace(
        xyz=xyz,
        attrs=attrs,
        pose=None if scan.pose is None else scan.pose @ inverse,
        images=tuple(
            replace(view, camera_from_sensor=view.camera_from_sensor @ inverse)
            for view in scan.images
        ),
    )


def _moved(xyz: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (N, 3) times a matrix, both float32, coordinate by coordinate.

    Not by a matrix product: its last digits depend on how many threads the linear algebra library
    uses, and a training must go on with the same digits in other processes.
    """
    moved = np.empty_like(xyz)
    x, y, z = xyz.T
    for i, (a, b, c, shift) in enumerate(matrix[:3]):
        moved[:, i] = x * a + y * b + z * c + shift
    return moved
