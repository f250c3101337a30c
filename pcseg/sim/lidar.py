"""A LiDAR sweep: rays of a moving sensor into a moving world, and what comes back of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.data.scan import Scan
from pcseg.sim.radiometry import Surface, albedo, detection_probability, intensity
from pcseg.sim.raycast import Caster, caster
from pcseg.sim.sensors import Sensor
from pcseg.sim.world import Mover, World

# The carrier is a car under the sensor; rays that would meet its roof or its bonnet and boot are
# lost. Each slab: x from, x to, half width, height above ground (metres).
_CARRIER_M = ((-1.3, 0.9, 0.6, 1.48), (-2.4, 2.3, 0.85, 0.95))


def scan(
    world: World,
    sensor: Sensor,
    pose: np.ndarray,
    time: float,
    rng: np.random.Generator,
    *,
    velocity: np.ndarray | None = None,
    yaw_rate: float = 0.0,
) -> Scan:
    """One sweep, compensated for the motion of the sensor (moving objects keep their shear).

    For many sweeps of one world make one `Lidar` and use that: it keeps the ray casters.

    Args:
        world: to look at.
        sensor: to look with.
        pose: (4, 4) sensor -> world in the middle of the sweep.
        time: of the middle of the sweep (seconds).
        rng: source of noise, drop-out and the phase of the head.
        velocity: (3,) of the sensor in the world (m/s); at rest if None.
        yaw_rate: of the sensor (rad/s).

    Returns:
        Points ring after ring from the top, azimuth growing counter-clockwise from straight ahead
        within a ring; `intensity`, `ring` and `time` (seconds from the middle of the sweep) among
        the attrs; raw labels, instances and pose.
    """
    return Lidar(world, sensor).scan(pose, time, rng, velocity=velocity, yaw_rate=yaw_rate)


class Lidar:
    """A sensor in a world, ready to sweep again and again."""

    def __init__(self, world: World, sensor: Sensor, engine: str | None = None) -> None:
        self.world = world
        self.sensor = sensor
        self._engine = engine
        self._static = caster(world.static, engine)
        self._phases: dict[tuple[int, int], Caster] = {}
        self._free = ~_blocked(sensor).reshape(-1)

    def drive(self, times: Sequence[float], rngs: Sequence[np.random.Generator]) -> Iterator[Scan]:
        """Sweeps from the world's own carrier at each of the times (seconds)."""
        for time, rng in zip(times, rngs, strict=True):
            ego = self.world.ego
            pose = self.world.sensor_pose(time, self.sensor.mount_height_m)
            step = 0.05
            turned = ego.path.direction(ego.travelled(time) + ego.speed_mps * step)
            yaw_rate = float(turned - ego.path.direction(ego.travelled(time))) / step
            yield self.scan(pose, time, rng, velocity=ego.velocity(time), yaw_rate=yaw_rate)

    def scan(
        self,
        pose: np.ndarray,
        time: float,
        rng: np.random.Generator,
        *,
        velocity: np.ndarray | None = None,
        yaw_rate: float = 0.0,
    ) -> Scan:
        """One sweep; see the function `scan`."""
        rays = self._rays(pose, rng, velocity, yaw_rate)
        found = self._cast_static(rays)
        for number, mover in enumerate(self.world.movers):
            self._cast_mover(number, mover, rays, found, pose, time)
        return self._returns(rays, found, pose, time, rng)

    def _rays(
        self,
        pose: np.ndarray,
        rng: np.random.Generator,
        velocity: np.ndarray | None,
        yaw_rate: float,
    ) -> _Rays:
        sensor = self.sensor
        shape = sensor.directions.shape
        times = sensor.column_time_s
        phase = 0.0
        if sensor.kind == "spinning":  # the head is not locked to the frame rate
            phase = -rng.random() * 2 * np.pi / sensor.columns
        turn = phase + yaw_rate * times
        rotation = np.zeros((sensor.columns, 3, 3))
        rotation[:, 0, 0] = rotation[:, 1, 1] = np.cos(turn)
        rotation[:, 1, 0] = np.sin(turn)
        rotation[:, 0, 1] = -rotation[:, 1, 0]
        rotation[:, 2, 2] = 1.0
        rotation = (pose[:3, :3] @ rotation).astype(np.float32)
        speed = np.zeros(3) if velocity is None else np.asarray(velocity, float)
        # Computing near the sensor keeps float32 exact far along the street.
        shift = (times[:, None] * speed).astype(np.float32) + pose[:3, 3].astype(np.float32)
        return _Rays(
            origins=(_turned(rotation, sensor.origins) + shift).reshape(-1, 3),
            directions=_turned(rotation, sensor.directions).reshape(-1, 3),
            times=np.broadcast_to(times.astype(np.float32), shape[:2]).reshape(-1),
        )

    def _cast_static(self, rays: _Rays) -> _Found:
        limit = np.where(self._free, np.float32(self.sensor.range_max_m), np.float32(0.0))
        hits = self._static.cast(rays.origins, rays.directions, limit)
        hit = hits.face >= 0
        face = np.where(hit, hits.face, 0)
        mesh = self.world.static
        return _Found(
            distance=hits.distance,
            hit=hit,
            cosine=_cosine(hits.normal, rays.directions),
            label=mesh.label[face],
            instance=mesh.instance[face],
            material=mesh.material[face],
            tint=mesh.tint[face],
        )

    def _cast_mover(
        self, number: int, mover: Mover, rays: _Rays, found: _Found, pose: np.ndarray, time: float
    ) -> None:
        """Send the rays that pass near the mover into its own frame, each at its own time."""
        place = mover.track.pose(time)
        mesh = mover.phases[mover.phase(time)]
        low, high = mesh.vertices.min(0), mesh.vertices.max(0)
        center = place[:3, :3] @ ((low + high) / 2) + place[:3, 3]
        away = center - pose[:3, 3]
        distance = float(np.linalg.norm(away))
        motion = abs(mover.track.speed_mps) + self.world.ego.speed_mps
        radius = (
            float(np.linalg.norm(high - low)) / 2 + 0.4 + 0.5 * motion / self.sensor.frame_rate_hz
        )
        if distance - radius > self.sensor.range_max_m:
            return
        cosine = -1.0
        if distance > radius:
            cosine = float(np.sqrt(1 - (radius / distance) ** 2))
        near = np.flatnonzero(rays.directions @ (away / distance).astype(np.float32) > cosine)
        near = near[found.distance[near] > distance - radius]
        if not len(near):
            return
        back = place[:3, :3].astype(np.float32)  # row vectors: v @ R is R^T v
        start = rays.origins[near] - place[:3, 3].astype(np.float32)
        start -= rays.times[near, None] * mover.track.velocity(time).astype(np.float32)
        directions = np.ascontiguousarray(rays.directions[near] @ back)
        hits = self._phase_caster(number, mover, time).cast(
            np.ascontiguousarray(start @ back), directions, found.distance[near]
        )
        met = hits.face >= 0
        rows, face = near[met], hits.face[met]
        found.hit[rows] = True
        found.distance[rows] = hits.distance[met]
        found.cosine[rows] = _cosine(hits.normal[met], directions[met])
        found.label[rows] = mesh.label[face]
        found.instance[rows] = mesh.instance[face]
        found.material[rows] = mesh.material[face]
        found.tint[rows] = mesh.tint[face]

    def _phase_caster(self, number: int, mover: Mover, time: float) -> Caster:
        key = (number, mover.phase(time))
        if key not in self._phases:
            self._phases[key] = caster(mover.phases[key[1]], self._engine)
        return self._phases[key]

    def _returns(
        self, rays: _Rays, found: _Found, pose: np.ndarray, time: float, rng: np.random.Generator
    ) -> Scan:
        sensor = self.sensor
        rows = np.flatnonzero(found.hit & (found.distance > sensor.range_min_m))
        origins, directions = rays.origins[rows], rays.directions[rows]
        distance = found.distance[rows]
        surface = Surface(
            distance=distance,
            cosine=found.cosine[rows],
            material=found.material[rows],
            tint=found.tint[rows],
            place=origins + distance[:, None] * directions,
        )
        reflectivity = albedo(surface)
        chance = rng.random(len(rows), dtype=np.float32)
        seen = chance < detection_probability(sensor, surface, reflectivity)
        bright = intensity(surface, reflectivity, rng)
        measured = _measured(distance, sensor, rng)
        seen &= (measured > sensor.range_min_m) & (measured < sensor.range_max_m)
        rows, origins, directions = rows[seen], origins[seen], directions[seen]
        world = (origins - pose[:3, 3].astype(np.float32)) + measured[seen, None] * directions
        xyz = world @ pose[:3, :3].astype(np.float32)
        ring = (rows // sensor.columns).astype(np.int16)
        order = _file_order(xyz, ring)
        rows = rows[order]
        return Scan(
            xyz=np.ascontiguousarray(xyz[order]),
            attrs={
                "intensity": bright[seen][order],
                "ring": ring[order],
                "time": rays.times[rows],
            },
            raw_labels=found.label[rows].astype(np.int64),
            instances=found.instance[rows].astype(np.int64),
            pose=np.array(pose, float),
            meta={"dataset": "simulated", "sensor": sensor.name, "time_s": float(time)},
        )


@dataclass(frozen=True)
class _Rays:
    """R * C rays, row after row: world origins and directions (N, 3), firing times (N,)."""

    origins: np.ndarray
    directions: np.ndarray
    times: np.ndarray


@dataclass(frozen=True)
class _Found:
    """What each ray met so far; the arrays are updated as movers come in between."""

    distance: np.ndarray
    hit: np.ndarray
    cosine: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    material: np.ndarray
    tint: np.ndarray


def _turned(rotation: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(C, 3, 3) rotations of (R, C, 3) vectors, column by column."""
    return np.matmul(rotation[None], vectors[..., None])[..., 0]


def _cosine(normal: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(N,) float32 |cos| between normals of any length and unit directions."""
    along = np.einsum("ij,ij->i", normal, direction)
    length = np.sqrt(np.einsum("ij,ij->i", normal, normal))
    return np.abs(along) / np.maximum(length, np.float32(1e-20))


def _measured(distance: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """Ranges with noise, rounded to the quantum of the device."""
    noise = rng.standard_normal(len(distance), dtype=np.float32)
    noisy = distance + np.float32(sensor.range_sigma_m) * noise
    if sensor.range_quantum_m:
        quantum = np.float32(sensor.range_quantum_m)
        noisy = np.rint(noisy / quantum) * quantum
    return noisy


def _file_order(xyz: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Ring after ring; within a ring azimuth grows counter-clockwise from straight ahead."""
    azimuth = np.arctan2(xyz[:, 1], xyz[:, 0])
    azimuth[azimuth < 0] += np.float32(2 * np.pi)
    return np.argsort(ring.astype(np.float64) * 7.0 + azimuth, kind="stable")


def _blocked(sensor: Sensor) -> np.ndarray:
    """(R, C) rays that the carrier is in the way of: where they cross the height of a slab."""
    blocked = np.zeros(sensor.directions.shape[:2], bool)
    down = np.minimum(sensor.directions[..., 2], -1e-6)
    for back, front, half, height in _CARRIER_M:
        top = height - sensor.mount_height_m
        if top > -0.05:
            continue  # the sensor is mounted beside the car, not above it
        reach = (top - sensor.origins[..., 2]) / down
        x = sensor.origins[..., 0] + reach * sensor.directions[..., 0]
        y = sensor.origins[..., 1] + reach * sensor.directions[..., 1]
        blocked |= (x > back) & (x < front) & (np.abs(y) < half)
    return blocked
