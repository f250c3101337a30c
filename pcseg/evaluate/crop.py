"""Crops: which points of a scan a published protocol counts, and where it moves those outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np

from pcseg.errors import ConfigError

Shape = Literal["whole", "box", "ball", "picture"]
Outside = Literal["left out", "clamped"]


@dataclass(frozen=True)
class Crop:
    """A part of space around the sensor.

    Attributes:
        shape: ``whole`` scan, axis-parallel ``box``, ``ball`` about the sensor, or what falls into
            the ``picture`` of the camera.
        low: lowest x, y, z of a box, metres.
        high: highest x, y, z of a box.
        radius_m: of a ball.
        outside: points outside are left out, or moved onto the walls of the box and counted there,
            with a geometry that nobody measured (DGLSS).
    """

    shape: Shape = "whole"
    low: tuple[float, float, float] | None = None
    high: tuple[float, float, float] | None = None
    radius_m: float | None = None
    outside: Outside = "left out"

    def __post_init__(self) -> None:
        given = {"box": self.low and self.high, "ball": self.radius_m}
        if self.shape in given and not given[self.shape]:
            needed = "'low' and 'high'" if self.shape == "box" else "'radius_m'"
            raise ConfigError(f"a crop to a {self.shape} needs {needed}.")
        if self.outside == "clamped" and self.shape != "box":
            raise ConfigError(f"points cannot be moved onto the walls of a {self.shape}.")

    def counted(self, xyz: np.ndarray, in_picture: np.ndarray | None = None) -> np.ndarray:
        """Which points count.

        Args:
            xyz: (N, 3) in the sensor's frame, metres.
            in_picture: (N,) bool, which points fall into the picture; needed for that crop.

        Returns:
            (N,) bool.

        Raises:
            ConfigError: if `in_picture` is needed and missing.
        """
        if self.shape == "picture":
            if in_picture is None:
                raise ConfigError(
                    "this protocol counts points in the camera's picture only: read the data with "
                    "its camera (cameras=...)."
                )
            return in_picture.astype(bool)
        if self.shape == "whole" or self.outside == "clamped":
            return np.ones(len(xyz), bool)
        if self.shape == "ball":
            return np.asarray(np.linalg.norm(xyz, axis=1) < self.radius_m)
        inside = (xyz >= np.asarray(self.low)) & (xyz <= np.asarray(self.high))
        return np.asarray(inside.all(axis=1))

    def moved(self, xyz: np.ndarray) -> np.ndarray:
        """(N, 3) positions as the protocol gives them to the network; all points, in order."""
        if self.outside != "clamped":
            return xyz
        return np.clip(xyz, np.asarray(self.low), np.asarray(self.high)).astype(xyz.dtype)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back: what differs from the whole scan."""
        return {key: value for key, value in asdict(self).items() if value != getattr(WHOLE, key)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Crop:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: for a setting that does not exist, or one that is missing.
        """
        known = [field.name for field in fields(cls)]
        for key in data:
            if key not in known:
                raise ConfigError(f"a crop has no '{key}'. It has: {', '.join(known)}.")
        corners = {key: tuple(map(float, data[key])) for key in ("low", "high") if key in data}
        return cls(**{**data, **corners})

    def __str__(self) -> str:
        if self.shape == "box":
            sides = zip(self.low or (), self.high or (), strict=True)
            return (
                "x, y, z in "
                + ", ".join(f"[{a:g}, {b:g}] m" for a, b in sides)
                + (", points outside moved onto the walls" if self.outside == "clamped" else "")
            )
        return (
            f"within {self.radius_m:g} m" if self.shape == "ball" else f"the {_WORDS[self.shape]}"
        )


WHOLE = Crop()
"""Nothing is cut away."""

_WORDS = {"whole": "whole scan", "picture": "points in the camera's picture"}
