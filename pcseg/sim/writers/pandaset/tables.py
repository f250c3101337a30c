"""PandaSet's tables of simulated frames: points, their classes and cuboids, as pickled pandas."""

from __future__ import annotations

import gzip
import io
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pcseg.data.labels import map_data
from pcseg.optional import need
from pcseg.sim.boxes import Box
from pcseg.sim.classes import BICYCLIST, MOTORCYCLIST, MOVING
from pcseg.sim.record import Frame
from pcseg.sim.rig import Rig
from pcseg.sim.writers.pandaset.rig import CAMERA_NUMBERS, CLASS_OF

PROTOCOL = 4

_MOVING = frozenset(MOVING.values())
_RIDDEN = {BICYCLIST, MOTORCYCLIST, MOVING[BICYCLIST], MOVING[MOTORCYCLIST]}


def pickled(columns: Mapping[str, np.ndarray], index_name: str | None = None) -> bytes:
    """A gzipped pickle of a DataFrame with these columns and the index 0..N-1.

    Names and texts are plain objects, as old versions of pandas store them.

    Raises:
        MissingExtra: if pandas is not installed.
    """
    pandas = need("pandas", "datasets", "writing the layout of PandaSet")
    frame = pandas.DataFrame(dict(columns))
    frame.columns = pandas.Index(list(columns), dtype=object)
    for name, values in columns.items():
        if values.dtype == object:
            frame[name] = frame[name].astype(object)
    frame.index.name = index_name
    file = io.BytesIO()
    frame.to_pickle(file, protocol=PROTOCOL, compression=None)
    return gzip.compress(file.getvalue(), 6, mtime=0)


def points_and_classes(
    frame: Frame, origin: np.ndarray, start: float
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The columns of ``lidar/FF.pkl.gz``, and the class of each row.

    The Pandar64's points come first, each LiDAR's in the order of measurement; coordinates and
    intensities have the steps of the originals (float32, whole numbers).

    Args:
        frame: with a scan of the Pandar64 and one of the PandarGT.
        origin: (3,) of the scene's world in the simulator's.
        start: Unix time of the scene's beginning.
    """
    parts: list[dict[str, np.ndarray]] = []
    classes = []
    for lidar, scan in enumerate(frame.scans):
        assert scan.pose is not None and scan.raw_labels is not None
        order = np.argsort(scan.attrs["time"], kind="stable")
        world = scan.xyz[order].astype(np.float64) @ scan.pose[:3, :3].T + scan.pose[:3, 3] - origin
        world = world.astype(np.float32).astype(np.float64)
        bright = np.rint(255.0 * scan.attrs["intensity"][order].astype(np.float64))
        parts.append(
            {
                **{axis: world[:, k] for k, axis in enumerate("xyz")},
                "i": np.clip(bright, 0, 255),
                "t": start + frame.time + scan.attrs["time"][order].astype(np.float64),
                "d": np.full(len(scan), lidar, np.int64),
            }
        )
        classes.append(CLASS_OF[scan.raw_labels[order]])
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return columns, np.concatenate(classes)


def cuboids(frame: Frame, rig: Rig, sequence: str, origin: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of ``annotations/cuboids/FF.pkl.gz``: the objects that some point lies on.

    Objects in motion have a box for each LiDAR that sees them, which know each other as siblings.
    """
    seen = [_instances(scan.instances) for scan in frame.scans]
    rows = []
    for box in frame.boxes():
        lidars = [number for number, found in enumerate(seen) if box.instance in found]
        moving = box.label in _MOVING
        if not lidars:
            continue
        names = [_uuid(sequence, box.instance, number) for number in range(2)]
        for lidar in lidars if moving else [-1]:
            paired = moving and len(lidars) > 1
            rows.append(
                {
                    "uuid": names[max(lidar, 0)],
                    "cuboids.sibling_id": names[1 - lidar] if paired else "-",
                    "cuboids.sensor_id": lidar,
                    **_facts(box, frame, rig, origin, moving),
                }
            )
    return {key: _column([row[key] for row in rows], key) for key in _COLUMNS}


def _facts(box: Box, frame: Frame, rig: Rig, origin: np.ndarray, moving: bool) -> dict[str, Any]:
    place, (length, width, height) = box.center - origin, box.size
    person = int(CLASS_OF[box.label]) in _PEOPLE
    riding = {True: "With Rider", False: "Without Rider"}
    return {
        "label": _NAMES[int(CLASS_OF[box.label])],
        # From the world's y axis, counter-clockwise.
        "yaw": float((box.yaw - np.pi / 2 + np.pi) % (2 * np.pi) - np.pi),
        "stationary": not moving,
        "camera_used": _camera_used(box, frame, rig),
        **{f"position.{axis}": float(place[k]) for k, axis in enumerate("xyz")},
        **{
            f"dimensions.{axis}": float(v)
            for axis, v in zip("xyz", (width, length, height), strict=True)
        },
        "attributes.object_motion": "Moving" if moving else "Parked",
        "attributes.rider_status": (
            riding[box.label in _RIDDEN] if int(CLASS_OF[box.label]) in _RIDEABLE else np.nan
        ),
        "attributes.pedestrian_behavior": ("Walking" if moving else "Standing")
        if person
        else np.nan,
        "attributes.pedestrian_age": "Adult" if person else np.nan,
    }


def _camera_used(box: Box, frame: Frame, rig: Rig) -> int:
    """The first camera that has the middle of a box in its picture, -1 for none."""
    there = {camera.name: camera for camera in rig.cameras}
    for number, name in enumerate(CAMERA_NUMBERS):
        if name in there:
            camera = there[name]
            pose = frame.body @ camera.body_from_camera
            x, y, z = camera.K @ (pose[:3, :3].T @ (box.center - pose[:3, 3]))
            if z > 0 and 0 <= x / z < camera.width and 0 <= y / z < camera.height:
                return number
    return -1


def _instances(instances: np.ndarray | None) -> set[int]:
    assert instances is not None
    return set(np.unique(instances).tolist()) - {0}


def _uuid(sequence: str, instance: int, lidar: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{sequence}/{instance}/{lidar}"))


def _column(values: Sequence[Any], key: str) -> np.ndarray:
    kind = _COLUMNS[key]
    if kind is not object:
        return np.array(values, kind)
    column = np.empty(len(values), object)
    column[:] = values
    return column


_NAMES: dict[int, str] = map_data("pandaset")["raw_names"]
_PEOPLE, _RIDEABLE = {30, 31}, {18, 21, 25, 26}
_COLUMNS: dict[str, type] = {
    "uuid": object,
    "label": object,
    "yaw": float,
    "stationary": bool,
    "camera_used": int,
    **dict.fromkeys([f"position.{axis}" for axis in "xyz"], float),
    **dict.fromkeys([f"dimensions.{axis}" for axis in "xyz"], float),
    "attributes.object_motion": object,
    "cuboids.sibling_id": object,
    "cuboids.sensor_id": int,
    "attributes.rider_status": object,
    "attributes.pedestrian_behavior": object,
    "attributes.pedestrian_age": object,
}
"""In the order of the originals."""
