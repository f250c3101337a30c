"""A LiDAR sweep: rays of a moving sensor into a moving world, and what comes back of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.data.scan import Scan
from pcseg.sim.radiometry import Surface, albedo, detection_probability, intensity, measured
from pcseg.sim.rays import Bearings, Rays, blocked, rotated, sweep_rays
from pcseg.sim.sensors import Sensor
from pcseg.sim.stage import Stage
from pcseg.sim.world import World


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
        the attrs; raw labels, instances and pose. ``meta["motion"]`` is that of the sensor in the
        sweep, as `sweep_rays` takes it.
    """
    return Lidar(world, sensor).scan(pose, time, rng, velocity=velocity, yaw_rate=yaw_rate)


class Lidar:
    """A sensor in a world, ready to sweep again and again."""

    def __init__(
        self,
        world: World | Stage,
        sensor: Sensor,
        engine: str | None = None,
        *,
        body_from_sensor: np.ndarray | None = None,
    ) -> None:
        """Prepare a sensor; `body_from_sensor` tells which rays its carrier is in the way of."""
        self.stage = world if isinstance(world, Stage) else Stage(world, engine)
        self.world = self.stage.world
        self.sensor = sensor
        self._bearings = Bearings(sensor)
        hidden = blocked(sensor, body_from_sensor)
        self._reach = np.where(hidden, 0.0, sensor.range_max_m).astype(np.float32).ravel()

    def with_sensor(self, sensor: Sensor) -> Lidar:
        """Another sensor in the same world, which is not prepared again."""
        return Lidar(self.stage, sensor)

    def drive(self, times: Sequence[float], rngs: Sequence[np.random.Generator]) -> Iterator[Scan]:
        """Sweeps from the world's own carrier at each of the times (seconds)."""
        ego, height = self.world.ego, self.sensor.mount_height_m
        for time, rng in zip(times, rngs, strict=True):
            pose = self.world.sensor_pose(time, height)
            rate = ego.speed_mps * ego.path.bend(ego.travelled(time))
            yield self.scan(pose, time, rng, velocity=ego.velocity(time), yaw_rate=rate)

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
        sensor = self.sensor
        phase = 0.0
        if sensor.kind == "spinning":  # the head is not locked to the frame rate
            phase = -rng.random() * 2 * np.pi / sensor.columns
        speed = np.zeros(3) if velocity is None else np.asarray(velocity, float)
        rays = sweep_rays(sensor, pose, phase, speed, yaw_rate)
        hits = self.stage.static.cast(rays.origins, rays.directions, self._reach)
        found = _Found(hits.distance, hits.face, _cosine(hits.normal, rays.directions))
        for number in self.world.movers_within(sensor.range_max_m, pose[:3, 3], time):
            self._cast_mover(number, rays, found, pose, time)
        seen = self._returns(rays, found, pose, time, rng)
        motion = {"phase": phase, "velocity": speed, "yaw_rate": yaw_rate}
        return seen.replace(meta={**seen.meta, "motion": motion})

    def _cast_mover(
        self, number: int, rays: Rays, found: _Found, pose: np.ndarray, time: float
    ) -> None:
        """Send the rays that pass near the mover into its own frame, each at its own time."""
        mover = self.world.movers[number]
        place, velocity = mover.track.pose(time), mover.track.velocity(time)
        center = place[:3, :3] @ mover.center + place[:3, 3]
        # Half a sweep of motion on both sides, and beams that start beside the sensor's origin.
        motion = abs(mover.track.speed_mps) + self.world.ego.speed_mps
        radius = mover.radius_m + 0.4 + 0.5 * motion / self.sensor.frame_rate_hz
        near = self._bearings.near(pose, center, radius)
        away = float(np.linalg.norm(center - pose[:3, 3]))
        near = near[found.distance[near] > away - radius]
        if not len(near):
            return
        into = place[:3, :3].T.astype(np.float32)
        start = rays.origins[near] - place[:3, 3].astype(np.float32)
        start -= rays.times[near, None] * velocity.astype(np.float32)
        directions = rotated(rays.directions[near], into)
        shown = mover.phase(time)
        hits = self.stage.mover(number, shown).cast(
            rotated(start, into), directions, found.distance[near]
        )
        met = np.flatnonzero(hits.face >= 0)
        rows = near[met]
        found.distance[rows] = hits.distance[met]
        found.face[rows] = hits.face[met] + self.stage.faces.start(number, shown)
        found.cosine[rows] = _cosine(hits.normal[met], directions[met])

    def _returns(
        self, rays: Rays, found: _Found, pose: np.ndarray, time: float, rng: np.random.Generator
    ) -> Scan:
        """What the sensor reports of what was met: losses, noise, brightness, file order."""
        sensor, faces = self.sensor, self.stage.faces
        rows = np.flatnonzero((found.face >= 0) & (found.distance > sensor.range_min_m))
        origins, directions = rays.origins[rows], rays.directions[rows]
        distance, face = found.distance[rows], found.face[rows]
        surface = Surface(
            distance=distance,
            cosine=found.cosine[rows],
            material=faces.material[face],
            tint=faces.tint[face],
            place=origins + distance[:, None] * directions,
        )
        reflectivity = albedo(surface)
        chance = rng.random(len(rows), dtype=np.float32)
        kept = chance < detection_probability(sensor, surface, reflectivity)
        bright = intensity(surface, reflectivity, rng)
        ranges = measured(distance, sensor, rng)
        kept &= (ranges > sensor.range_min_m) & (ranges < sensor.range_max_m)
        origins -= pose[:3, 3].astype(np.float32)
        origins += ranges[:, None] * directions
        xyz = rotated(origins[kept], pose[:3, :3].T.astype(np.float32))
        ring = rows[kept] // sensor.columns
        order = _file_order(xyz, ring)
        chosen = np.flatnonzero(kept)[order]
        return Scan(
            xyz=xyz[order],
            attrs={
                "intensity": bright[chosen],
                "ring": ring[order].astype(np.int16),
                "time": rays.times[rows[chosen]],
            },
            raw_labels=faces.label[face[chosen]].astype(np.int64),
            instances=faces.instance[face[chosen]].astype(np.int64),
            pose=np.array(pose, float),
            meta={
                "dataset": "simulated",
                "simulated": True,
                "sensor": sensor.name,
                "time": float(time),
            },
        )


@dataclass(frozen=True)
class _Found:
    """Distance, face (of `Faces`, -1 for none) and cosine of what each ray met so far.

    The arrays are updated as movers come in between.
    """

    distance: np.ndarray
    face: np.ndarray
    cosine: np.ndarray


def _cosine(normal: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(N,) float32 |cos| between normals of any length and unit directions."""
    along = np.einsum("ij,ij->i", normal, direction)
    length = np.sqrt(np.einsum("ij,ij->i", normal, normal))
    return np.abs(along) / np.maximum(length, np.float32(1e-20))


def _file_order(xyz: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Ring after ring; within a ring azimuth grows counter-clockwise from straight ahead."""
    azimuth = np.arctan2(xyz[:, 1], xyz[:, 0])
    azimuth[azimuth < 0] += np.float32(2 * np.pi)
    return np.argsort(ring * 7.0 + azimuth, kind="stable")
