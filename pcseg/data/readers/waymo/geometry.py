"""Waymo's range images: from a range in a row and column to a point, pose by pose."""

from __future__ import annotations

import numpy as np


def row_inclinations(
    values: np.ndarray | None, low: float, high: float, rows: int
) -> np.ndarray | None:
    """(H,) float64 radians above the horizon of every row, from the top one down.

    Waymo stores them ascending, from the lowest beam; where there is no list, the beams are spaced
    evenly between the limits (the dataset's ``range_image_utils.compute_inclination``).

    Args:
        values: stored list, or None.
        low: stored limit (radians).
        high: stored limit (radians).
        rows: H, of the range image.

    Returns:
        None if the list does not fit the rows.
    """
    if values is None or len(values) == 0:
        return (low + (np.arange(rows) + 0.5) / rows * (high - low))[::-1]
    return np.asarray(values, np.float64)[::-1] if len(values) == rows else None


def column_azimuths(columns: int, yaw: float) -> np.ndarray:
    """(W,) float64 radians to the left of the LiDAR's own x of every column.

    Column 0 looks backwards as the *vehicle* sees it and the beam turns clockwise, whatever the yaw
    (radians) of the LiDAR on the vehicle.
    """
    share = (columns - np.arange(columns) - 0.5) / columns
    return share * 2 * np.pi - np.pi - yaw


def points_in_vehicle(
    ranges: np.ndarray,
    inclination: np.ndarray,
    vehicle_from_lidar: np.ndarray,
    pixel_pose: np.ndarray | None,
    world_from_vehicle: np.ndarray,
) -> np.ndarray:
    """The points of a range image, row by row.

    Args:
        ranges: (H, W) metres; only those above 0 are points.
        inclination: (H,) radians from the top row down.
        vehicle_from_lidar: (4, 4) extrinsic.
        pixel_pose: (H, W, 6) roll, pitch, yaw (3-2-1 Euler angles) and x, y, z of the vehicle in
            the world when each pixel was measured; None if all were at the same time.
        world_from_vehicle: (4, 4) pose of the vehicle at the time of the frame.

    Returns:
        (N, 3) float64 metres in the vehicle's frame at the time of the frame.
    """
    rows, columns = np.nonzero(ranges > 0)
    yaw = float(np.arctan2(vehicle_from_lidar[1, 0], vehicle_from_lidar[0, 0]))
    azimuth = column_azimuths(ranges.shape[1], yaw)[columns]
    distance, up = ranges[rows, columns].astype(np.float64), inclination[rows]
    level = distance * np.cos(up)
    beam = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), distance * np.sin(up)], 1)
    with np.errstate(invalid="ignore"):  # points that are no numbers are told of later
        points = beam @ vehicle_from_lidar[:3, :3].T + vehicle_from_lidar[:3, 3]
        if pixel_pose is None:
            return points
        poses = pixel_pose[rows, columns].astype(np.float64)
        # World coordinates are kilometres away: subtract before anything is rounded.
        moved = _turned(points, poses[:, :3]) + (poses[:, 3:] - world_from_vehicle[:3, 3])
        return moved @ world_from_vehicle[:3, :3]


def euler_angles(rotation: np.ndarray) -> np.ndarray:
    """(..., 3) roll, pitch, yaw of rotations (..., 3, 3) = Rz(yaw) · Ry(pitch) · Rx(roll)."""
    roll = np.arctan2(rotation[..., 2, 1], rotation[..., 2, 2])
    pitch = -np.arcsin(np.clip(rotation[..., 2, 0], -1.0, 1.0))
    yaw = np.arctan2(rotation[..., 1, 0], rotation[..., 0, 0])
    return np.stack([roll, pitch, yaw], -1)


def _turned(points: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """(N, 3) points turned by Rz(yaw) · Ry(pitch) · Rx(roll); angles (N, 3) radians."""
    x, y, z = points.T
    (cr, cp, cy), (sr, sp, sy) = np.cos(angles).T, np.sin(angles).T
    y, z = cr * y - sr * z, sr * y + cr * z
    x, z = cp * x + sp * z, -sp * x + cp * z
    return np.stack([cy * x - sy * y, sy * x + cy * y, z], 1)
