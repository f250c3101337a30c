"""Boxes: where every countable object of a world is, how big, which way it looks and moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.data.scan import Scan
from pcseg.sim.mesh import Mesh, pose
from pcseg.sim.world import Mover, World

MARGIN_M = 0.05
"""Room left on all sides: a LiDAR sees surfaces up to two or three deviations beside themselves."""


@dataclass(frozen=True)
class Box:
    """The upright box around one object at one moment.

    Attributes:
        center: (3,) float64 world coordinates of its middle (metres).
        size: (3,) float64 length (along the heading), width and height in metres.
        yaw: radians in -pi..pi, counter-clockwise from the world's x to the object's front.
        label: the simulator's raw id (SemanticKITTI's, with its ids for moving objects).
        instance: id of the object, the same at all times and in all scans.
        velocity: (3,) float64 metres per second in the world; 0 for what stands still.
    """

    center: np.ndarray
    size: np.ndarray
    yaw: float
    label: int
    instance: int
    velocity: np.ndarray

    @property
    def world_from_box(self) -> np.ndarray:
        """(4, 4) float64: the box's frame has its origin in the middle and x forward."""
        return pose(self.center, self.yaw)

    def corners(self) -> np.ndarray:
        """(8, 3) float64 world coordinates; the first four are the bottom, counter-clockwise."""
        signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
        unit = np.concatenate([np.c_[signs, np.full(4, z)] for z in (-1, 1)]) / 2
        return unit * self.size @ self.world_from_box[:3, :3].T + self.center

    def holds(self, points: np.ndarray) -> np.ndarray:
        """(N,) bool: which of the (N, 3) world points lie inside."""
        local = (points - self.center) @ self.world_from_box[:3, :3]
        return (np.abs(local) <= self.size / 2).all(1)


def objects(world: World, time: float) -> list[Box]:
    """The boxes of all objects with an instance id, ordered by it.

    An object that stands still has the tightest box for its heading; if the heading is unknown,
    the upright box of least ground area, its long side taken for the length. A mover has one size
    for all its phases; of its slope only the height of the middle is kept. During a sweep it moves:
    points that were measured early or late lie beside the box of the middle of the sweep, by their
    ``attrs["time"]`` times the velocity.

    Args:
        world: with its movers.
        time: seconds from the sequence's beginning.
    """
    found = _still(world.static, world.headings)
    found += [_moving(mover, time) for mover in world.movers if mover.instance > 0]
    return sorted(found, key=lambda box: box.instance)


def points_inside(boxes: Sequence[Box], scan: Scan) -> np.ndarray:
    """(B,) int64: how many points of a scan with a pose lie in each box, whatever their labels.

    Raises:
        ValueError: if the scan has no pose, so that nobody knows where in the world it is.
    """
    if scan.pose is None:
        raise ValueError("a scan without a pose cannot be compared with boxes in the world")
    points = scan.xyz.astype(np.float64) @ scan.pose[:3, :3].T + scan.pose[:3, 3]
    points = points[np.argsort(points[:, 0])]  # a box then needs to look at a slice only
    reach = np.array([np.hypot(*box.size[:2]) / 2 for box in boxes])
    middle = np.array([box.center[0] for box in boxes])
    start = np.searchsorted(points[:, 0], middle - reach, "left")
    stop = np.searchsorted(points[:, 0], middle + reach, "right")
    slices = zip(boxes, start, stop, strict=True)
    return np.array([int(box.holds(points[a:b]).sum()) for box, a, b in slices], np.int64)


def _moving(mover: Mover, time: float) -> Box:
    place = mover.track.pose(time)
    return Box(
        center=place[:3, :3] @ mover.center + place[:3, 3],
        size=mover.size.astype(np.float64) + 2 * MARGIN_M,
        yaw=float(np.arctan2(place[1, 0], place[0, 0])),
        label=int(mover.phases[0].label[0]),
        instance=mover.instance,
        velocity=mover.track.velocity(time),
    )


def _still(mesh: Mesh, headings: Mapping[int, float]) -> list[Box]:
    rows = np.flatnonzero(mesh.instance > 0)
    rows = rows[np.argsort(mesh.instance[rows], kind="stable")]
    numbers, starts = np.unique(mesh.instance[rows], return_index=True)
    made = []
    for number, mine in zip(numbers.tolist(), np.split(rows, starts)[1:], strict=True):
        points = mesh.vertices[np.unique(mesh.faces[mine])].astype(np.float64)
        yaw = headings[number] if number in headings else least_rectangle(points[:, :2])
        made.append(_around(points, yaw, int(mesh.label[mine[0]]), number))
    return made


def _around(points: np.ndarray, yaw: float, label: int, instance: int) -> Box:
    turn = pose((0, 0, 0), yaw)[:3, :3]
    local = points @ turn
    low, high = local.min(0) - MARGIN_M, local.max(0) + MARGIN_M
    yaw = float((yaw + np.pi) % (2 * np.pi) - np.pi)
    return Box(turn @ (low + high) / 2, high - low, yaw, label, instance, np.zeros(3))


def least_rectangle(points: np.ndarray) -> float:
    """The direction (radians, -pi/2..pi/2) of the long side of the smallest rectangle around.

    One side of it lies along an edge of the convex hull (Freeman & Shapira 1975, "Determining the
    minimum-area encasing rectangle for an arbitrary closed curve").

    Args:
        points: (N, 2), at least one.
    """
    hull = _hull(points)
    edges = np.roll(hull, -1, axis=0) - hull
    angles = np.unique(np.arctan2(edges[:, 1], edges[:, 0]) % (np.pi / 2))
    along = np.stack([np.cos(angles), np.sin(angles)], 1)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    length, width = np.ptp(hull @ along.T, axis=0), np.ptp(hull @ across.T, axis=0)
    best = int(np.argmin(length * width))
    angle = angles[best] + (np.pi / 2 if width[best] > length[best] else 0.0)
    return float(angle - np.pi if angle > np.pi / 2 else angle)


def _hull(points: np.ndarray) -> np.ndarray:
    """Corners (H, 2) of the convex hull, counter-clockwise (Andrew's monotone chain)."""
    ordered = np.unique(np.asarray(points, np.float64), axis=0).tolist()
    if len(ordered) < 3:
        return np.array(ordered)
    lower, upper = _chain(ordered), _chain(ordered[::-1])
    return np.array(lower[:-1] + upper[:-1])


def _chain(ordered: list[list[float]]) -> list[list[float]]:
    kept: list[list[float]] = []
    for x, y in ordered:
        while len(kept) > 1:
            (ax, ay), (bx, by) = kept[-2], kept[-1]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                break
            kept.pop()
        kept.append([x, y])
    return kept
