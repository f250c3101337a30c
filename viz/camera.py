"""Camera: where a picture is taken from, chosen for street scans, rooms and objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.errors import PcsegError


@dataclass(frozen=True)
class Camera:
    """An orbit around a target; z is up.

    Attributes:
        target: (x, y, z) metres, the point in the middle of the picture.
        distance: metres from the target.
        azimuth_deg: where the camera stands, seen from the target: 0 on +x, 90 on +y.
        elevation_deg: height of the camera over the horizon of the target; 90 looks straight down.
        fov_deg: vertical opening; 0 for a parallel projection that shows `distance` metres.
        cut_above: points higher than this are not drawn (ceilings), or None.
    """

    target: tuple[float, float, float]
    distance: float
    azimuth_deg: float = 180.0
    elevation_deg: float = 30.0
    fov_deg: float = 40.0
    cut_above: float | None = None

    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the camera is and how it is turned.

        Returns:
            eye: (3,) float64 metres.
            rotation: (3, 3) float64, world to camera (x right, y down, z forward).
        """
        azimuth, elevation = np.radians(self.azimuth_deg), np.radians(self.elevation_deg)
        outward = np.array(
            [
                np.cos(elevation) * np.cos(azimuth),
                np.cos(elevation) * np.sin(azimuth),
                np.sin(elevation),
            ]
        )
        # From the azimuth alone, so that looking straight down is not singular.
        right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
        down = np.cross(-outward, right)
        return np.asarray(self.target) + self.distance * outward, np.stack([right, down, -outward])


VIEWS = ("auto", "top")


def camera_for(view: str, xyz: np.ndarray) -> Camera:
    """The camera of a named view of these points.

    Raises:
        PcsegError: for a view that is not one of `VIEWS`.
    """
    if view not in VIEWS:
        raise PcsegError(f"there is no view '{view}'. Choose one of: {', '.join(VIEWS)}.")
    return top_camera(xyz) if view == "top" else default_camera(xyz)


def default_camera(xyz: np.ndarray) -> Camera:
    """A view that shows what matters: from behind and above a sensor, or into a room.

    Args:
        xyz: (N, 3) float32 metres, finite.
    """
    if len(xyz) == 0:
        return Camera((0.0, 0.0, 0.0), 10.0)
    sample = _sample(xyz)
    return _street_camera(sample) if _is_street(sample) else _room_camera(sample)


def top_camera(xyz: np.ndarray) -> Camera:
    """The plan: seen from straight above in parallel projection, forward (+x) upwards."""
    if len(xyz) == 0:
        return Camera((0.0, 0.0, 0.0), 10.0, elevation_deg=90.0, fov_deg=0.0)
    low, high = np.percentile(_sample(xyz), (3, 97), axis=0)
    size = 1.1 * float(np.max(high - low))
    x, y, z = ((low + high) / 2).tolist()
    return Camera((x, y, z), max(size, 1.0), elevation_deg=90.0, fov_deg=0.0)


def point_size(count: int, camera: Camera) -> float:
    """Diameter in metres at which `count` points look neither thin nor clotted."""
    sparse = min(max((100_000 / max(count, 1)) ** 0.25, 1.0), 2.0)
    return 0.0028 * camera.distance * sparse


def _is_street(xyz: np.ndarray) -> bool:
    """Whether the points surround a sensor at the origin, tens of metres far."""
    low, high = np.percentile(xyz, (1, 99), axis=0)
    around = bool((low[:2] < 0).all() and (high[:2] > 0).all())
    return around and float(np.percentile(np.linalg.norm(xyz[:, :2], axis=1), 95)) > 15


def _street_camera(xyz: np.ndarray) -> Camera:
    reach = float(np.percentile(np.linalg.norm(xyz[:, :2], axis=1), 80))
    ground = float(np.percentile(xyz[:, 2], 10))
    size = float(np.clip(reach, 12, 40))
    return Camera((0.42 * size, 0.0, ground), 1.9 * size, 200.0, 31.0, 40.0)


def _room_camera(xyz: np.ndarray) -> Camera:
    low, high = np.percentile(xyz, (1, 99), axis=0)
    cut = _ceiling(xyz, float(low[2]), float(high[2]))
    top = high[2] if cut is None else cut
    x, y, z = (float(value) for value in (*((low + high) / 2)[:2], (low[2] + top) / 2))
    radius = 0.5 * float(np.linalg.norm([*(high - low)[:2], top - low[2]]))
    return Camera((x, y, z), max(2.2 * radius, 0.1), 230.0, 42.0, 40.0, cut)


def _ceiling(xyz: np.ndarray, low: float, high: float) -> float | None:
    """The height above which there is only a ceiling that would hide the room, or None."""
    height = high - low
    if not 1.8 < height < 8:
        return None
    slab = xyz[:, 2] > high - 0.12 * height
    if np.count_nonzero(slab) < 0.06 * len(xyz):
        return None
    spread = np.ptp(xyz[slab, :2], axis=0) / np.maximum(np.ptp(xyz[:, :2], axis=0), 1e-6)
    # Shelves and lamps are high too, but do not reach from wall to wall.
    return high - 0.12 * height if (spread > 0.8).all() else None


def _sample(xyz: np.ndarray) -> np.ndarray:
    return xyz[:: max(1, len(xyz) // 50_000)]
