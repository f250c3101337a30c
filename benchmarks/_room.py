"""A furnished room as a camera sees it: points on the surfaces that it can see."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

ROOM_M = (3.6, 2.95, 2.25)
"""Length, width, and height up to which the walls are seen."""

POINTS_PER_M2 = 6000
"""Of a surface of the room: 2.4 for each voxel of 2 cm, which leaves one voxel in ten empty."""

NOISE_M = 0.0015


def room_points(rng: np.random.Generator) -> np.ndarray:
    """(N, 3) points in metres."""
    points = np.concatenate([*_shell(rng), *_furniture(rng)])
    return points + rng.normal(0, NOISE_M, points.shape)


def _shell(rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The floor and two walls: a scan seldom sees all of a room."""
    x, y, z = ROOM_M
    yield _sheet(rng, (0, 0, 0), (x, 0, 0), (0, y, 0))
    yield _sheet(rng, (x, 0, 0), (0, y, 0), (0, 0, z))
    yield _sheet(rng, (0, y, 0), (x, 0, 0), (0, 0, z))


def _furniture(rng: np.random.Generator) -> Iterator[np.ndarray]:
    """A table with four chairs, shelves with books, a sofa, a lamp; nothing stands square."""
    table = np.array([1.7, 1.2, 0.0])
    yield from _stand(rng, table, 0.3, (1.4, 0.8, 0.74))
    for angle in (0.3, 1.87, 3.44, 5.01):
        place = table + 0.95 * np.array([np.cos(angle), np.sin(angle), 0])
        yield from _stand(rng, place, angle, (0.42, 0.42, 0.45))
        back = place + 0.21 * np.array([np.cos(angle), np.sin(angle), 0]) + np.array([0, 0, 0.45])
        yield from _box(rng, back, angle, (0.04, 0.42, 0.45))
    for level in range(4):
        yield from _box(rng, np.array([2.95, 1.2, 0.4 * level]), 0.04, (0.3, 1.0, 0.02))
        for number in range(8):
            place = np.array([2.95, 0.82 + 0.1 * number, 0.4 * level + 0.02])
            tall = float(rng.uniform(0.18, 0.3))
            yield from _box(rng, place, 0.04 + rng.normal(0, 0.08), (0.2, 0.04, tall))
    yield from _box(rng, np.array([0.55, 1.3, 0.0]), -0.1, (0.7, 1.4, 0.4))
    yield from _box(rng, np.array([0.28, 1.3, 0.4]), -0.1, (0.15, 1.4, 0.35))
    yield _ball(rng, np.array([2.7, 2.3, 1.6]), 0.18)


def _stand(
    rng: np.random.Generator,
    place: np.ndarray,
    angle: float,
    size: tuple[float, float, float],
) -> Iterator[np.ndarray]:
    """A top of 4 cm at the height size[2], on four legs."""
    x, y, z = size
    yield from _box(rng, place + np.array([0, 0, z - 0.04]), angle, (x, y, 0.04))
    for sx, sy in itertools.product((-0.45, 0.45), repeat=2):
        corner = _turn(np.array([[sx * x, sy * y, 0.0]]), angle)[0]
        yield from _box(rng, place + corner, angle, (0.05, 0.05, z - 0.04))


def _box(
    rng: np.random.Generator, place: np.ndarray, angle: float, size: tuple[float, float, float]
) -> Iterator[np.ndarray]:
    """Points on five faces, not on the bottom, whose middle `place` is."""
    x, y, z = size
    low = np.array([-x / 2, -y / 2, 0.0])
    edges = [np.array(e) for e in ((x, 0, 0), (0, y, 0), (0, 0, z))]
    for across in range(3):
        first, second = (edges[a] for a in range(3) if a != across)
        for origin in (low, low + edges[across])[across == 2 :]:
            yield _turn(_sheet(rng, origin, first, second), angle) + place


def _sheet(rng: np.random.Generator, origin: object, first: object, second: object) -> np.ndarray:
    """Points on a rectangle."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    count = int(POINTS_PER_M2 * np.linalg.norm(a) * np.linalg.norm(b)) + 1
    u, v = rng.random((2, count, 1))
    return np.asarray(origin, float) + u * a + v * b


def _ball(rng: np.random.Generator, centre: np.ndarray, radius: float) -> np.ndarray:
    way = rng.normal(size=(int(POINTS_PER_M2 * 4 * np.pi * radius**2), 3))
    return centre + radius * way / np.linalg.norm(way, axis=1, keepdims=True)


def _turn(points: np.ndarray, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
