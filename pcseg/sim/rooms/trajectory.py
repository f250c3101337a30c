"""Trajectories: the way of a hand-held camera through the free space of a room, looking around."""

from __future__ import annotations

from collections import deque

import numpy as np

from pcseg.sim.rig import camera_pose
from pcseg.sim.rooms.room import Room

_CELL_M = 0.1
_CLEARANCE_M = 0.25
_STRIDE_MPS = 0.35


def hand_held(room: Room, frames: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A round through the room, the camera held before the chest and swept across everything.

    The carrier visits free places all around the room and looks from each across the room, by
    turns up and down, so that even few frames see most of it.

    Args:
        room: to walk in.
        frames: pictures on the way.
        rng: source of all chance.

    Returns:
        (F, 4, 4) float64 camera -> room, the camera's x right, y down, z forward; and (F,) seconds
        from the first picture.
    """
    way = _closed_way(room, rng)
    step = np.linalg.norm(np.diff(way, axis=0), axis=1)
    travelled = np.concatenate([[0.0], np.cumsum(step)])
    duration = max(travelled[-1] / _STRIDE_MPS, frames / 30.0)
    share = (np.arange(frames) + 0.5) / frames
    times = share * duration
    place = np.stack([np.interp(share * travelled[-1], travelled, way[:, k]) for k in (0, 1)], 1)
    middle = np.array([room.plan.width / 2, room.plan.depth / 2])
    phase = rng.uniform(0, 2 * np.pi)
    # Across the room, and slowly to the left and right of that.
    away = middle - place
    yaw = np.arctan2(away[:, 1], away[:, 0])
    yaw = yaw + 1.1 * np.sin(2 * np.pi * share * 5.0 + phase)
    pitch = np.radians(-14 + 24 * np.sin(2 * np.pi * share * 7.0 + 2 * phase))
    height = 1.45 + 0.12 * np.sin(2 * np.pi * share * 3.0 + 3 * phase)
    roll = np.radians(4) * np.sin(2 * np.pi * share * 11.0 + phase)
    poses = np.stack(
        [
            camera_pose((*xy, z), a, b, c)
            for xy, z, a, b, c in zip(place, height, yaw, pitch, roll, strict=True)
        ]
    )
    return poses, times - times[0]


def standing_places(room: Room, count: int) -> np.ndarray:
    """(count, 2) free places, each far from those before it; fewer if there are fewer cells."""
    free = _free_cells(room)
    cells = np.argwhere(_largest_part(free))
    middle = np.array(free.shape) / 2
    chosen = [cells[np.square(cells - middle).sum(1).argmin()]]
    nearest = np.square(cells - chosen[0]).sum(1)
    while len(chosen) < min(count, len(cells)):
        chosen.append(cells[nearest.argmax()])
        nearest = np.minimum(nearest, np.square(cells - chosen[-1]).sum(1))
    return (np.array(chosen) + 0.5) * _CELL_M


def _closed_way(room: Room, rng: np.random.Generator) -> np.ndarray:
    """(P, 2) points of a smooth closed walk through free cells."""
    free = _largest_part(_free_cells(room))
    stops = standing_places(room, 7)
    middle = np.array([room.plan.width / 2, room.plan.depth / 2])
    angle = np.arctan2(*(stops - middle).T[::-1])
    start = rng.uniform(-np.pi, np.pi)
    stops = stops[np.argsort((angle - start) % (2 * np.pi))]
    cells = [
        tuple(np.minimum((stop / _CELL_M).astype(int), np.array(free.shape) - 1)) for stop in stops
    ]
    way: list[np.ndarray] = []
    for one, other in zip(cells, [*cells[1:], cells[0]], strict=True):
        way += _shortest(free, one, other)
    points = (np.array(way) + 0.5) * _CELL_M
    if len(points) < 8:  # hardly room to turn round
        return np.stack([points[0], points[0] + 0.05])
    kernel = np.ones(5) / 5
    padded = np.concatenate([points[-2:], points, points[:2]])
    return np.stack([np.convolve(padded[:, k], kernel, "valid") for k in (0, 1)], 1)


def _free_cells(room: Room) -> np.ndarray:
    """(X, Y) bool: cells in which a person can stand; over low things the camera is held out."""
    plan, mesh = room.plan, room.static
    shape = (max(1, int(plan.width / _CELL_M)), max(1, int(plan.depth / _CELL_M)))
    corners = mesh.vertices[mesh.faces]
    for floor_m in (0.1, 0.9, 1.2):
        standing = (corners[..., 2].max(1) > floor_m) & (corners[..., 2].min(1) < 1.9)
        # The walls bound the room; what is let into them lies outside.
        boxes = corners[standing]
        free = np.ones(shape, bool)
        low = np.floor((boxes[..., :2].min(1) - _CLEARANCE_M) / _CELL_M).astype(int)
        high = np.ceil((boxes[..., :2].max(1) + _CLEARANCE_M) / _CELL_M).astype(int)
        for (a, b), (c, d) in zip(np.maximum(low, 0), high, strict=True):
            free[a:c, b:d] = False
        if _largest_part(free).mean() > 0.12:
            return free
    margin = int(_CLEARANCE_M / _CELL_M) + 1
    free = np.zeros(shape, bool)
    free[margin:-margin, margin:-margin] = True
    return free


def _largest_part(free: np.ndarray) -> np.ndarray:
    """The largest connected part of a (X, Y) mask."""
    left, best = free.copy(), np.zeros_like(free)
    while left.any():
        start = tuple(np.argwhere(left)[0])
        part = np.zeros_like(free)
        for cell in _reach(left, start):
            part[cell] = True
        left &= ~part
        if part.sum() > best.sum():
            best = part
    return best


def _shortest(free: np.ndarray, start: tuple[int, ...], end: tuple[int, ...]) -> list[np.ndarray]:
    """Cells from start to end; only these two if there is no way."""
    before = _reach(free, start)
    if end not in before:
        return [np.array(start), np.array(end)]
    cells, cell = [np.array(end)], end
    while cell != start:
        cell = before[cell]
        cells.append(np.array(cell))
    return cells[::-1]


def _reach(free: np.ndarray, start: tuple[int, ...]) -> dict[tuple[int, ...], tuple[int, ...]]:
    """Every cell that can be walked to, with the one before it on the shortest way."""
    before = {start: start}
    queue = deque([start])
    while queue:
        x, y = cell = queue.popleft()
        for a, b in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            inside = 0 <= a < free.shape[0] and 0 <= b < free.shape[1]
            if inside and free[a, b] and (a, b) not in before:
                before[a, b] = cell
                queue.append((a, b))
    return before
