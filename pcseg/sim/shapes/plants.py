"""Plants: broad-leaved and coniferous trees with trunks, bushes, hedges and rough grass."""

from __future__ import annotations

import numpy as np

from pcseg.sim.classes import TERRAIN, TRUNK, VEGETATION
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.shapes.primitives import leaves, tube


def tree(rng: np.random.Generator, height: float | None = None) -> Mesh:
    """A tree of a random habit: round, spreading, columnar or coniferous."""
    habit = rng.choice(["round", "spreading", "column", "conifer"], p=[0.4, 0.25, 0.12, 0.23])
    tall = float(rng.uniform(5, 13)) if height is None else height
    if habit == "conifer":
        return _conifer(rng, tall)
    clear = float(rng.uniform(0.8, 2.0)) if habit != "column" else float(rng.uniform(0.5, 1.2))
    clear = min(clear, 0.4 * tall)
    spread = {"round": 0.28, "spreading": 0.4, "column": 0.13}[str(habit)] * tall
    radius = 0.018 * tall + float(rng.uniform(0.03, 0.12))
    lean = rng.normal(0, 0.03, 2) * tall
    fork = np.array([lean[0] * 0.4, lean[1] * 0.4, clear + 0.1 * tall])
    wood = [tube((0, 0, -0.2), fork, radius * 1.15, "bark", 0.8 * radius, sides=8)]
    crown = np.array([lean[0], lean[1], clear + 0.5 * (tall - clear)])
    blobs = _blobs(rng, crown, spread, 0.5 * (tall - clear), int(rng.integers(5, 10)))
    for center, _ in blobs[: 4 + int(rng.integers(0, 3))]:
        wood.append(tube(fork, center, 0.45 * radius, "bark", 0.1 * radius, sides=5))
    foliage = _foliage(rng, blobs, int(400 + 36 * tall), "leaf", 0.18 + 0.012 * tall)
    return join([join(wood).labelled(TRUNK), foliage.labelled(VEGETATION)])


def bush(rng: np.random.Generator, size: float | None = None) -> Mesh:
    """A bush that is leaves down to the ground."""
    radius = float(rng.uniform(0.4, 1.3)) if size is None else size
    blobs = _blobs(rng, np.array([0, 0, 0.75 * radius]), radius, 0.7 * radius, 4)
    return _foliage(rng, blobs, int(150 + 150 * radius), "leaf", 0.2).labelled(VEGETATION)


def hedge(rng: np.random.Generator, start: np.ndarray, end: np.ndarray) -> Mesh:
    """A clipped hedge between two points of the ground, dense at its faces."""
    height, half = float(rng.uniform(0.8, 2.1)), float(rng.uniform(0.25, 0.5))
    along = end - start
    length = float(np.linalg.norm(along))
    across = np.array([-along[1], along[0], 0.0]) / max(length, 1e-6)
    count = int(length * (80 + 80 * height))
    u = rng.random(count)
    # Two parts of three lie in the faces, the rest inside: a shell with depth, not a box.
    shell = rng.random(count) < 0.67
    v = np.where(shell, rng.choice([-1.0, 1.0], count), rng.uniform(-1, 1, count)) * half
    w = rng.random(count) * height
    top = rng.random(count) < 0.3
    w[top], v[top] = height, rng.uniform(-half, half, int(top.sum()))
    centers = start + u[:, None] * along + v[:, None] * across + w[:, None] * np.array([0, 0, 1.0])
    centers += rng.normal(0, 0.05, centers.shape)
    return leaves(centers, rng.uniform(0.16, 0.3, count), "leaf", rng).labelled(VEGETATION)


def climber(rng: np.random.Generator, corner: np.ndarray, along: np.ndarray, height: float) -> Mesh:
    """Ivy on a wall that starts at `corner` and runs along the vector `along`."""
    count = int(60 * np.linalg.norm(along) * height)
    u, w = rng.random(count), rng.random(count) ** 1.3 * height
    centers = corner + u[:, None] * along + w[:, None] * np.array([0, 0, 1.0])
    centers += rng.normal(0, 0.07, centers.shape)
    return leaves(centers, 0.22, "leaf", rng).labelled(VEGETATION)


def grass(rng: np.random.Generator, ground: np.ndarray) -> Mesh:
    """Tufts on the (N, 3) ground points: what makes a lawn rougher than a pavement."""
    centers = ground + rng.normal(0, 0.02, ground.shape) + [0, 0, 0.03]
    return leaves(centers, rng.uniform(0.08, 0.2, len(ground)), "grass", rng).labelled(TERRAIN)


def _conifer(rng: np.random.Generator, tall: float) -> Mesh:
    clear = float(rng.uniform(0.2, 1.2))
    radius = 0.016 * tall + 0.05
    wood = tube((0, 0, -0.2), (0, 0, 0.93 * tall), radius, "bark", 0.02, sides=7)
    count = int(400 + 50 * tall)
    level = rng.random(count) ** 1.5
    tiers = 0.82 + 0.18 * np.cos(level * tall * 3.5)  # branches stand in whorls
    reach = (1 - level) * float(rng.uniform(0.17, 0.26)) * tall * tiers * np.sqrt(rng.random(count))
    around = rng.uniform(0, 2 * np.pi, count)
    z = clear + level * (tall - clear) - 0.15 * reach
    centers = np.stack([reach * np.cos(around), reach * np.sin(around), z], 1)
    needles = leaves(centers, rng.uniform(0.2, 0.4, count), "needle", rng)
    return join([wood.labelled(TRUNK), needles.labelled(VEGETATION)])


def _blobs(
    rng: np.random.Generator, center: np.ndarray, spread: float, rise: float, count: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Overlapping ellipsoids (centre, radii) that make up a crown."""
    made = [(center, np.array([0.72 * spread, 0.72 * spread, 0.85 * rise]))]
    for _ in range(count - 1):
        angle = rng.uniform(0, 2 * np.pi)
        out = spread * rng.uniform(0.3, 0.75)
        shift = [out * np.cos(angle), out * np.sin(angle), rise * rng.uniform(-0.6, 0.6)]
        size = rng.uniform(0.35, 0.6)
        made.append((center + shift, np.array([size * spread, size * spread, size * rise])))
    return made


def _foliage(
    rng: np.random.Generator,
    blobs: list[tuple[np.ndarray, np.ndarray]],
    count: int,
    of: str,
    size: float,
) -> Mesh:
    """Leaf clumps spread over the blobs, denser towards their surfaces."""
    chosen = rng.integers(0, len(blobs), count)
    centers = np.array([center for center, _ in blobs])[chosen]
    radii = np.array([radius for _, radius in blobs])[chosen]
    ray = rng.normal(0, 1, (count, 3))
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    depth = rng.random(count)[:, None] ** 0.25
    return leaves(centers + ray * radii * depth, rng.uniform(0.7, 1.5, count) * size, of, rng)
