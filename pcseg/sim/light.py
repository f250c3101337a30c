"""Light: sun, sky, clouds and haze of a day, or the lamps of a room, drawn from a world's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

import numpy as np

from pcseg.sim.grouping import connected_faces
from pcseg.sim.materials import material
from pcseg.sim.mesh import Mesh
from pcseg.sim.textures import smooth_noise

FAR_M = 400.0
"""How far cameras see, and from how far shadows fall."""
_MOST_LAMPS = 6


@dataclass(frozen=True)
class Source:
    """A sun or a lamp.

    Attributes:
        power: (3,) linear RGB: irradiance of the sun, or of a lamp at one metre.
        toward: (3,) unit vector to the sun; None for a lamp.
        place: (3,) of a lamp; None for the sun.
        size_m: of the lamp, which does not stand in its own light.
    """

    power: np.ndarray
    toward: np.ndarray | None = None
    place: np.ndarray | None = None
    size_m: float = 0.0

    def seen_from(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Directions (N, 3), lengths of the shadow rays (N,), irradiance face on (N, 3) or (3,)."""
        if self.place is None:
            assert self.toward is not None
            directions = np.broadcast_to(self.toward.astype(np.float32), points.shape)
            return directions, np.full(len(points), FAR_M, np.float32), self.power
        away = self.place.astype(np.float32) - points
        distance = np.sqrt(np.einsum("ij,ij->i", away, away))
        away /= np.maximum(distance, 1e-3)[:, None]
        fade = self.power.astype(np.float32) / np.maximum(distance, 0.4)[:, None] ** 2
        return away, np.maximum(distance - self.size_m - 0.02, 0.0), fade


class Light(Protocol):
    """All that shines on a scene."""

    @property
    def sources(self) -> Sequence[Source]:
        """That throw shadows."""
        ...

    @property
    def exposure(self) -> float:
        """Factor by which a camera brightens linear colours."""
        ...

    @property
    def through_windows(self) -> bool:
        """Whether panes show the day outside, because the camera is indoors."""
        ...

    def ambient(self, up: np.ndarray) -> np.ndarray:
        """(N, 3) irradiance from all around for the upward parts (N,) of unit normals."""
        ...

    def sky(self, directions: np.ndarray, time: float) -> np.ndarray:
        """(N, 3) linear colours beyond the scene, for unit vectors (N, 3)."""
        ...

    def surroundings(self, directions: np.ndarray) -> np.ndarray:
        """(N, 3) linear colours that glossy surfaces mirror: smooth, for they are never plane."""
        ...

    def hazed(self, color: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """(N, 3) colours as they look through N metres of air."""
        ...


def light_of(name: str, static: Mesh) -> Light:
    """Lamplight where there are lamps (material ``lamp_light``), else a day of its own.

    Args:
        name: of the scene; equal names have equal days.
        static: what does not move.
    """
    lamps = np.flatnonzero(static.material == material("lamp_light"))
    day = draw_day(name)
    return Lamplight(_lamp_sources(static, lamps), day) if len(lamps) else day


@dataclass(frozen=True)
class Day:
    """Daylight under one kind of sky.

    Attributes:
        sources: the sun.
        zenith: (3,) linear RGB of the sky overhead.
        horizon: (3,) of the sky low down, and of the haze.
        ground: (3,) of the light that comes back from the ground.
        cover: share of the sky under clouds, 0..1.
        haze_m: distance after which two thirds of a colour are lost in the air.
        exposure: of the cameras.
        shift: (2,) places of the clouds and hills.
    """

    sources: tuple[Source, ...]
    zenith: np.ndarray
    horizon: np.ndarray
    ground: np.ndarray
    cover: float
    haze_m: float
    exposure: float
    shift: np.ndarray
    through_windows: bool = False

    def ambient(self, up: np.ndarray) -> np.ndarray:
        """See `Light`: the half of the sky and of the ground that a surface looks at."""
        sky = 0.5 * (self.zenith + self.horizon)
        share = (0.5 + 0.5 * up)[:, None].astype(np.float32)
        return (share * sky + (1 - share) * self.ground).astype(np.float32)

    def sky(self, directions: np.ndarray, time: float) -> np.ndarray:
        """See `Light`: blue above, pale below, clouds, a glow around the sun, hills far away."""
        high = np.clip(directions[:, 2], 0, 1)
        color = self.horizon + (self.zenith - self.horizon) * (high**0.5)[:, None]
        color = self._clouded(color.astype(np.float32), directions, high, time)
        sun = self.sources[0]
        assert sun.toward is not None
        near = np.einsum("ij,j->i", directions, sun.toward.astype(np.float32)).clip(0, 1)
        glow = 0.05 * near**8 + 0.12 * near**64 + 3.0 * (near > 0.99996)
        color += (glow * (1 - 0.8 * self.cover))[:, None] * sun.power.astype(np.float32)
        return self._above_hills(color, directions)

    def surroundings(self, directions: np.ndarray) -> np.ndarray:
        """See `Light`: ground, a soft and darkened horizon of houses and trees, sky."""
        up = directions[:, 2:]
        sky = self.horizon + (self.zenith - self.horizon) * np.sqrt(np.clip(up, 0, 1))
        sky = sky * (1 - 0.3 * self.cover) * np.clip(0.35 + 1.6 * up, 0.35, 1)
        share = np.clip(0.5 + 2.5 * up, 0, 1)
        return (share * sky + (1 - share) * self.ground).astype(np.float32)

    def hazed(self, color: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """See `Light`."""
        clear = np.exp(-distance / np.float32(self.haze_m))[:, None]
        return color * clear + self.horizon.astype(np.float32) * (1 - clear)

    def _clouded(
        self, color: np.ndarray, directions: np.ndarray, high: np.ndarray, time: float
    ) -> np.ndarray:
        """A flat layer of clouds, seen from below, that drifts along x."""
        scale = 1.6 / (high + 0.10)
        u = directions[:, 0] * scale + np.float32(self.shift[0] + 0.004 * time)
        v = directions[:, 1] * scale + np.float32(self.shift[1])
        density = np.zeros(len(u), np.float32)
        for octave in range(4):
            density += 0.5 ** (octave + 1) * smooth_noise(u * 2.0**octave, v * 2.0**octave)
        edge = 0.75 - 1.3 * self.cover
        share = np.clip((density - edge) / 0.28, 0, 1)
        share *= share * (3 - 2 * share) * np.clip(high * 14, 0.25, 1)
        bright = 1.05 - 0.45 * np.clip(density - edge, 0, 1) - 0.25 * self.cover
        cloud = bright[:, None] * (0.5 * self.horizon + 0.5 * self.horizon.max())
        return (color + share[:, None] * (cloud - color)).astype(np.float32)

    def _above_hills(self, color: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Wooded hills around the end of the world, so that it has a skyline."""
        rows = np.flatnonzero(directions[:, 2] < 0.075)
        level = directions[rows, :2]
        level = level / np.maximum(np.linalg.norm(level, axis=1, keepdims=True), 1e-6)
        line = np.zeros(len(rows), np.float32)
        for cells, rise in ((16, 0.022), (64, 0.008), (512, 0.003)):
            # On a circle through the noise, which closes; along a line there would be a seam.
            u, v = (level * (cells / (2 * np.pi)) + self.shift).T
            line += rise * (1 + smooth_noise(u, v))
        below = line - directions[rows, 2]
        share = np.clip(below / 0.002, 0, 1)[:, None]
        wood = np.array([0.055, 0.085, 0.04]) * self.ambient(np.ones(1))[0] / 0.7
        hills = 0.45 * wood + 0.55 * self.horizon * (0.75 + 0.25 * np.exp(-below * 30))[:, None]
        color[rows] += share * (hills - color[rows]).astype(np.float32)
        return color


@dataclass(frozen=True)
class Lamplight:
    """The lamps of a room; what lies beyond its windows is a day.

    Attributes:
        sources: the strongest lamps.
        day: seen through the windows.
    """

    sources: tuple[Source, ...]
    day: Day
    exposure: float = 1.0
    through_windows: bool = True

    def ambient(self, up: np.ndarray) -> np.ndarray:
        """See `Light`: what walls and ceiling send back; a little more comes from above."""
        level = (0.62 + 0.10 * up)[:, None].astype(np.float32)
        return level * np.array([1.0, 0.97, 0.91], np.float32)

    def sky(self, directions: np.ndarray, time: float) -> np.ndarray:
        """See `Light`: a bright day, exposed for the room."""
        return 2 * self.day.exposure * self.day.sky(directions, time)

    def surroundings(self, directions: np.ndarray) -> np.ndarray:
        """See `Light`: a room mirrors its own walls."""
        return 0.5 * self.ambient(directions[:, 2])

    def hazed(self, color: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """See `Light`: the air of a room is clear."""
        return color


_WEATHER: dict[str, tuple[float, float, tuple[float, float, float], float, float]] = {
    # strength of the sun, cloud cover, zenith (linear RGB), whiteness of the horizon, haze (m)
    "clear": (1.0, 0.10, (0.13, 0.34, 0.95), 0.50, 1500.0),
    "fair": (0.95, 0.42, (0.16, 0.38, 0.95), 0.60, 1100.0),
    "broken": (0.7, 0.64, (0.26, 0.46, 0.90), 0.72, 800.0),
    "hazy": (0.5, 0.25, (0.50, 0.64, 0.85), 0.92, 380.0),
    "overcast": (0.06, 1.0, (0.74, 0.79, 0.84), 1.0, 900.0),
}


def draw_day(name: str) -> Day:
    """The weather and the time of day of a scene; the same for the same name."""
    rng = np.random.default_rng(crc32(name.encode()))
    strength, cover, zenith, white, haze = _WEATHER[
        str(rng.choice(list(_WEATHER), p=[0.27, 0.27, 0.18, 0.13, 0.15]))
    ]
    height, bearing = np.radians(rng.uniform(24, 60)), rng.uniform(0, 2 * np.pi)
    toward = np.array(
        [np.cos(height) * np.cos(bearing), np.cos(height) * np.sin(bearing), np.sin(height)]
    )
    low = 1 - np.sin(height)  # the lower the sun, the warmer its light
    sun = 2.6 * strength * np.array([1.0, 0.97 - 0.16 * low, 0.90 - 0.42 * low])
    overhead = np.array(zenith)
    horizon = (1 - white) * overhead + white * np.array([0.86, 0.90, 0.94]) * overhead.max()
    falling = sun * np.sin(height) + 0.5 * (overhead + horizon)
    return Day(
        sources=(Source(sun, toward),),
        zenith=overhead,
        horizon=horizon,
        ground=0.16 * falling * np.array([1.05, 1.0, 0.9]),
        cover=float(np.clip(cover + rng.uniform(-0.08, 0.08), 0, 1)),
        haze_m=float(haze * rng.uniform(0.8, 1.3)),
        # A lit grey of 18 % comes out in the middle of the scale, like a light meter has it.
        exposure=float(0.44 / (0.18 * falling.mean()) * rng.uniform(0.85, 1.2)),
        shift=rng.uniform(0, 200, 2),
    )


def _lamp_sources(static: Mesh, faces: np.ndarray) -> tuple[Source, ...]:
    """One source for each lamp, the largest ones if there are many; all share the same power."""
    corners = static.vertices[static.faces[faces]].astype(np.float64)  # (L, 3, 3)
    middle, area = corners.mean(1), static.areas()[faces]
    # Faces of one instance are one lamp; without instances those that hang together.
    instance = static.instance[faces].astype(np.int64)
    loose = -1 - connected_faces(static.faces[faces])
    owner = np.unique(np.where(instance > 0, instance, loose), return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(owner, area)
    chosen = np.argsort(-sizes, kind="stable")[:_MOST_LAMPS]
    made = []
    for lamp in np.sort(chosen):
        mine = owner == lamp
        place = np.average(middle[mine], axis=0, weights=area[mine] + 1e-9)
        reach = float(np.linalg.norm(corners[mine] - place, axis=2).max())
        power = 4.2 / len(chosen) ** 0.7 * np.array([1.0, 0.93, 0.80])
        made.append(Source(power, place=place, size_m=reach))
    return tuple(made)
