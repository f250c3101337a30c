"""LiDAR sensors as bundles of rays: beam tables of real devices and the rigs that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml

from pcseg.errors import ConfigError
from pcseg.hints import did_you_mean

DEFAULT_MOUNT_HEIGHT_M = 1.8
"""Height above ground where a rig does not publish its own: a usual car roof."""


@dataclass(frozen=True)
class Sensor:
    """Where each ray of a sweep starts and points, and how well its range is measured.

    Rows run from the highest beam to the lowest, columns in the order of firing.

    Attributes:
        name: key of the device in sensors.yaml.
        model: vendor and model in words.
        kind: ``"spinning"`` or ``"solid_state_scanning"``.
        directions: (R, C, 3) float32 unit vectors, x forward, y left, z up.
        origins: (R, C, 3) float32 metres from the sensor origin.
        column_time_s: (C,) float64 firing times, 0 at the middle of the sweep.
        beams: (R,) int64 rows of the whole device that are here; all of them unless it was thinned.
        firings: (C,) int64 columns of the whole device that are here.
        frame_rate_hz: sweeps a second.
        range_min_m: nearer returns are cut.
        range_max_m: farther returns are cut.
        range_sigma_m: standard deviation of the range noise.
        range_quantum_m: step of the measured range, 0 for none.
        rated_reflectivity: of the target that is just seen at `range_max_m`, face on.
        mount_height_m: of the origin above the ground on its usual rig.
    """

    name: str
    model: str
    kind: str
    directions: np.ndarray
    origins: np.ndarray
    column_time_s: np.ndarray
    beams: np.ndarray
    firings: np.ndarray
    frame_rate_hz: float
    range_min_m: float
    range_max_m: float
    range_sigma_m: float
    range_quantum_m: float
    rated_reflectivity: float
    mount_height_m: float

    @property
    def rows(self) -> int:
        """R, the number of beams."""
        return self.directions.shape[0]

    @property
    def columns(self) -> int:
        """C, the number of firings of a sweep."""
        return self.directions.shape[1]

    def thinned(self, columns: int = 1, rows: int = 1) -> Sensor:
        """Only every `columns`-th firing and every `rows`-th beam: lighter, with the same field."""
        if columns < 1 or rows < 1:
            raise ConfigError(f"thinning must be 1 or more, not columns={columns}, rows={rows}.")
        return replace(
            self,
            directions=np.ascontiguousarray(self.directions[::rows, ::columns]),
            origins=np.ascontiguousarray(self.origins[::rows, ::columns]),
            column_time_s=self.column_time_s[::columns],
            beams=self.beams[::rows],
            firings=self.firings[::columns],
        )

    def fired(self, time: np.ndarray) -> np.ndarray:
        """(N,) int64 columns whose firing times are nearest to the times (N,), in seconds."""
        edges = (self.column_time_s[1:] + self.column_time_s[:-1]) / 2
        return np.searchsorted(edges, time)

    @property
    def whole(self) -> Sensor:
        """The device with all its rays, where this one was thinned."""
        return sensor(self.name, self.frame_rate_hz)


def sensor(name: str, frame_rate_hz: float | None = None) -> Sensor:
    """The sensor of a device or of a data set's rig.

    Args:
        name: a device (`list_sensors`) or a rig (`list_rigs`), for example ``"hdl64e_s3"``,
            ``"semantic_kitti"``. A rig brings its mount height and frame rate.
        frame_rate_hz: where the device can turn at several rates; the first listed otherwise.

    Raises:
        ConfigError: for an unknown name (with suggestions) or a rate the device does not have.
    """
    facts = _facts()
    rigs, devices = facts["rigs"], facts["sensors"]
    if name in rigs:
        rig = rigs[name]
        rate = frame_rate_hz or rig.get("frame_rate_hz")
        made = _device(rig["sensor"], float(rate) if rate else None)
        return replace(made, mount_height_m=_height(rig))
    if name not in devices:
        hint = did_you_mean(name, [*devices, *rigs])
        raise ConfigError(
            f"there is no sensor '{name}'{hint}. Devices: {', '.join(list_sensors())}. "
            f"Rigs: {', '.join(list_rigs())}."
        )
    return _device(name, frame_rate_hz)


def list_sensors() -> list[str]:
    """Names of all devices."""
    return list(_facts()["sensors"])


def list_rigs() -> list[str]:
    """Names of all rigs: data sets whose sensor and mount are known."""
    return list(_facts()["rigs"])


def rig_facts(name: str) -> Mapping[str, Any]:
    """What is known of a rig, as sensors.yaml states it: mount, frame, point order, intensity."""
    if name not in _facts()["rigs"]:
        raise ConfigError(f"there is no rig '{name}'. Rigs: {', '.join(list_rigs())}.")
    return _facts()["rigs"][name]


@lru_cache(maxsize=1)
def _facts() -> dict[str, Any]:
    return yaml.safe_load((files("pcseg.sim") / "sensors.yaml").read_text())


@lru_cache(maxsize=8)
def _device(name: str, frame_rate_hz: float | None) -> Sensor:
    facts = _facts()["sensors"][name]
    rate = _rate(name, facts, frame_rate_hz)
    grid = _spinning if facts["kind"] == "spinning" else _scanning
    directions, origins, times = grid(facts, rate)
    rigs = [rig for rig in _facts()["rigs"].values() if rig["sensor"] == name]
    return Sensor(
        name=name,
        model=f"{facts['vendor']} {facts['model']}",
        kind=facts["kind"],
        directions=_frozen(directions),
        origins=_frozen(origins),
        column_time_s=times,
        beams=np.arange(directions.shape[0]),
        firings=np.arange(directions.shape[1]),
        frame_rate_hz=rate,
        range_min_m=float(facts.get("range_m", {}).get("min", 0.9)),
        range_max_m=float(facts.get("range_m", {}).get("max", 120.0)),
        range_sigma_m=float(facts.get("range_sigma_m", 0.02)),
        range_quantum_m=float(facts.get("range_quantum_m", 0.0)),
        rated_reflectivity=float(facts.get("range_rated_reflectivity", 0.10)),
        mount_height_m=_height(rigs[0]) if rigs else DEFAULT_MOUNT_HEIGHT_M,
    )


def _spinning(facts: dict[str, Any], rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = int(facts["channels"])
    columns = facts["columns_per_rev"]
    if isinstance(columns, dict):
        columns = columns[f"at_{rate:.0f}hz"]
    elevation = np.radians(_elevations(facts))[:, None]
    # The head turns clockwise from straight behind, so that it looks ahead in mid-sweep.
    head = (np.arange(columns) + 0.5) * (2 * np.pi / columns) - np.pi
    azimuth = -(head[None] + np.radians(_per_row(facts.get("azimuth_offsets_deg"), rows)))
    directions = np.stack(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.broadcast_to(np.sin(elevation), azimuth.shape),
        ],
        -1,
    )
    lateral = _per_row(facts.get("origin_lateral_offset_m"), rows)
    height = _per_row(facts.get("origin_height_offset_m"), rows)
    origins = np.stack(
        np.broadcast_arrays(lateral * np.sin(head), lateral * np.cos(head), height), -1
    )
    times = ((np.arange(columns) + 0.5) / columns - 0.5) / rate
    return directions, origins, times


def _scanning(facts: dict[str, Any], rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    wide, high = facts["horizontal_fov_deg"], facts["vertical_fov_deg"]
    columns = round((wide["left"] - wide["right"]) / facts["grid"]["horizontal_step_deg"])
    # The published points of a frame fix the number of lines better than the nominal step.
    rows = round(facts["points_per_frame"] / columns)
    elevation = np.radians(np.linspace(high["up"], high["down"], rows))[:, None]
    azimuth = np.radians(np.linspace(wide["left"], wide["right"], columns))[None]
    directions = np.stack(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.broadcast_to(np.sin(elevation), (rows, columns)),
        ],
        -1,
    )
    times = ((np.arange(columns) + 0.5) / columns - 0.5) / rate
    return directions, np.zeros((rows, columns, 3)), times


def _elevations(facts: dict[str, Any]) -> np.ndarray:
    given = facts["elevations_deg"]
    if isinstance(given, str):  # "linspace(up, down, channels)"
        field = facts["vertical_fov_deg"]
        return np.linspace(field["up"], field["down"], int(facts["channels"]))
    return np.asarray(given, float)


def _per_row(given: Any, rows: int) -> np.ndarray:
    """A scalar, a list or nothing as an (R, 1) column."""
    return np.broadcast_to(np.asarray(0.0 if given is None else given, float), (rows,))[:, None]


def _rate(name: str, facts: dict[str, Any], asked: float | None) -> float:
    known = facts["frame_rate_hz"]
    known = [float(rate) for rate in (known if isinstance(known, list) else [known])]
    if asked is None:
        return known[0]
    if asked not in known:
        raise ConfigError(f"{name}: no frame rate of {asked} Hz. Known: {known}.")
    return asked


def _height(rig: Mapping[str, Any]) -> float:
    height = rig.get("mount_height_m")
    return DEFAULT_MOUNT_HEIGHT_M if height is None else float(height)


def _frozen(array: np.ndarray) -> np.ndarray:
    """Contiguous float32 that cannot be changed by accident: devices are shared by a cache."""
    array = np.ascontiguousarray(array, np.float32)
    array.flags.writeable = False
    return array
