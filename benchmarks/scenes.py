"""The clouds that benchmarks run on: a simulated 64-beam scan, made here from a seed."""

from __future__ import annotations

import numpy as np

BEAMS_DEG = (-24.8, 2.0)
"""Lowest and highest beam."""

HEIGHT_M = 1.73
RANGE_M = 60.0


def lidar_scan(columns: int = 2000, beams: int = 64, seed: int = 0) -> np.ndarray:
    """(N, 3) float32 points of a spinning sensor on a plane among round and flat obstacles."""
    rng = np.random.default_rng(seed)
    azimuth = np.linspace(-np.pi, np.pi, columns, endpoint=False)
    elevation = np.deg2rad(np.linspace(*BEAMS_DEG, beams))
    azimuth, elevation = (grid.ravel() for grid in np.meshgrid(azimuth, elevation))
    flat = np.stack([np.cos(azimuth), np.sin(azimuth)], 1)
    rays = np.column_stack([flat * np.cos(elevation)[:, None], np.sin(elevation)])
    distance = np.full(len(rays), np.inf)
    down = rays[:, 2] < 0
    distance[down] = HEIGHT_M / -rays[down, 2]
    for centre, radius in _trunks(rng):
        distance = np.minimum(distance, _to_cylinder(rays, centre, radius))
    for side in (-14.0, 17.0):  # house fronts along the road
        with np.errstate(divide="ignore"):
            wall = side / rays[:, 1]
        height = wall * rays[:, 2] + HEIGHT_M
        there = (wall > 0) & (height < 9.0)
        distance = np.where(there, np.minimum(distance, wall), distance)
    distance = distance + rng.normal(0, 0.02, len(distance))
    seen = distance < RANGE_M
    return (rays * distance[:, None])[seen].astype(np.float32)


def _trunks(rng: np.random.Generator) -> list[tuple[np.ndarray, float]]:
    centres = rng.uniform(-35, 35, (60, 2))
    return [(c, float(rng.uniform(0.2, 2.0))) for c in centres if np.abs(c).max() > 4]


def _to_cylinder(rays: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Distance along each ray to an upright cylinder, infinite where it is missed."""
    towards = rays[:, :2] @ centre
    square = (rays[:, :2] ** 2).sum(1)
    root = towards**2 - square * (centre @ centre - radius**2)
    near = (towards - np.sqrt(np.maximum(root, 0))) / square
    return np.where((root > 0) & (near > 1), near, np.inf)
