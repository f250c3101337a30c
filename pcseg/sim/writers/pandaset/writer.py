"""PandaSet layout: pickled tables in world coordinates, poses as JSON, six cameras as JPEG."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.labels import map_data
from pcseg.data.quaternions import quaternion_of
from pcseg.files import remove_leftovers, write_bytes, write_text
from pcseg.io.pictures import picture_bytes
from pcseg.sim.record import Frame
from pcseg.sim.rig import Rig
from pcseg.sim.writers.pandaset.rig import BODY_FROM_EGO, CLASS_OF, pandaset_rig
from pcseg.sim.writers.pandaset.tables import cuboids, pickled, points_and_classes

JPEG_QUALITY = 95
FIRST_SECOND = 1_557_539_924.5
"""Unix time at which the first scene begins; each scene has a thousand seconds."""

_LATITUDE, _LONGITUDE, _METRES_A_DEGREE = 37.7747, -122.4011, 111_320.0


class PandaSetWriter:
    """Writes scenes under ``root/pandaset/NNN``; each file is whole or absent.

    What differs from the originals: both sweeps are centred on the time stamp, and pixel labels,
    which PandaSet does not have, lie beside the pictures in ``camera/<name>_labels/FF.png`` (16-bit
    raw ids, 0 for the sky).
    """

    entries: ClassVar[tuple[str, ...]] = ("pandaset",)
    own: ClassVar[str] = r"pandaset/0(?P<sequence>\d\d)/.*"
    pictures: ClassVar[bool] = True

    def __init__(self, root: Path, rig: Rig) -> None:
        self.root, self._rig = root, rig
        self._origins: dict[str, np.ndarray] = {}

    @classmethod
    def rig(cls, sensor: str | None) -> Rig:
        """PandaSet's car, or another LiDAR in the Pandar64's place."""
        return pandaset_rig(sensor)

    def folder(self, sequence: str) -> Path:
        """Where a scene lies."""
        return self.root / "pandaset" / f"{int(sequence):03d}"

    def remove_leftovers(self, sequence: str) -> None:
        """Remove the half-written files of a process that was killed."""
        folder = self.folder(sequence)
        if folder.is_dir():
            for place in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
                remove_leftovers(place, "*")

    def has_frame(self, sequence: str, frame: int) -> bool:
        """Whether tables and pictures of a frame are there."""
        return all(path.is_file() for path in self._paths(sequence, frame).values())

    def write_frame(self, sequence: str, number: int, frame: Frame) -> None:
        """Write points, classes, cuboids and pictures."""
        paths, origin = self._paths(sequence, number), self._origins[sequence]
        points, classes = points_and_classes(frame, origin, _start(sequence))
        boxes = cuboids(frame, self._rig, sequence, origin)
        write_bytes(paths["semseg"], pickled({"class": classes}))
        write_bytes(paths["cuboids"], pickled(boxes))
        for picture in frame.pictures:
            name, classes_seen = picture.camera.name, CLASS_OF[picture.labels].astype(np.uint16)
            write_bytes(paths[name], picture_bytes(picture.rgb, "JPEG", quality=JPEG_QUALITY))
            write_bytes(paths[f"{name}_labels"], picture_bytes(classes_seen))
        write_bytes(paths["lidar"], pickled(points, "index"))

    def has_sequence(self, sequence: str, frames: int) -> bool:
        """Whether poses and times of every frame are there."""
        paths = [self.folder(sequence) / name for name in self._small_files()]
        lists = [path for path in paths if path.name in ("poses.json", "timestamps.json")]
        try:
            whole = all(len(json.loads(path.read_text())) == frames for path in lists)
        except (OSError, ValueError, TypeError):
            return False  # whatever the matter is, they are written again
        return whole and all(path.is_file() for path in paths)

    def write_sequence(self, sequence: str, bodies: np.ndarray, times: Sequence[float]) -> None:
        """Write poses, times, intrinsics, GPS and class names; the world begins at frame 0."""
        egos = bodies @ BODY_FROM_EGO
        self._origins[sequence] = egos[0, :3, 3].copy()
        folder, stamps = self.folder(sequence), [_start(sequence) + time for time in times]
        placed = {"lidar": egos}
        for camera in self._rig.cameras:
            placed[f"camera/{camera.name}"] = bodies @ camera.body_from_camera
            (fx, _, cx), (_, fy, cy), _ = camera.K.tolist()
            _write(
                folder / f"camera/{camera.name}/intrinsics.json",
                {"fx": fx, "fy": fy, "cx": cx, "cy": cy},
            )
        for place, poses in placed.items():
            poses = poses.copy()
            poses[:, :3, 3] -= self._origins[sequence]
            _write(folder / place / "poses.json", [_pose(pose) for pose in poses])
            _write(folder / place / "timestamps.json", stamps)
        _write(folder / "meta/timestamps.json", stamps)
        _write(folder / "meta/gps.json", _gps(egos, times))
        names = map_data("pandaset")["raw_names"]
        _write(
            folder / "annotations/semseg/classes.json",
            {str(key): name for key, name in names.items() if key > 0},
        )

    def finish(self, sequences: Sequence[str], frames: int) -> None:
        """Nothing here spans scenes."""

    def _paths(self, sequence: str, frame: int) -> dict[str, Path]:
        folder, name = self.folder(sequence), f"{frame:02d}"
        paths = {
            "lidar": folder / f"lidar/{name}.pkl.gz",
            "semseg": folder / f"annotations/semseg/{name}.pkl.gz",
            "cuboids": folder / f"annotations/cuboids/{name}.pkl.gz",
        }
        for camera in self._rig.cameras:
            paths[camera.name] = folder / f"camera/{camera.name}/{name}.jpg"
            paths[camera.name + "_labels"] = folder / f"camera/{camera.name}_labels/{name}.png"
        return paths

    def _small_files(self) -> list[str]:
        sensors = ["lidar", *(f"camera/{camera.name}" for camera in self._rig.cameras)]
        names = [f"{place}/{name}.json" for place in sensors for name in ("poses", "timestamps")]
        names += [f"{place}/intrinsics.json" for place in sensors[1:]]
        return [
            *names,
            "meta/timestamps.json",
            "meta/gps.json",
            "annotations/semseg/classes.json",
        ]


def _start(sequence: str) -> float:
    return FIRST_SECOND + 1000.0 * int(sequence)


def _pose(pose: np.ndarray) -> dict[str, dict[str, float]]:
    position, heading = pose[:3, 3].tolist(), quaternion_of(pose[:3, :3]).tolist()
    return {
        "position": dict(zip("xyz", position, strict=True)),
        "heading": dict(zip("wxyz", heading, strict=True)),
    }


def _gps(egos: np.ndarray, times: Sequence[float]) -> list[dict[str, float]]:
    """Where the car was on the globe (x east, y north), and its velocity in its own axes."""
    places = egos[:, :3, 3]
    speeds = np.gradient(places, times, axis=0) if len(times) > 1 else np.zeros_like(places)
    found = []
    for pose, place, speed in zip(egos, places, speeds, strict=True):
        across, along, _ = pose[:3, :3].T @ speed
        shrink = np.cos(np.radians(_LATITUDE))
        found.append(
            {
                "lat": float(_LATITUDE + place[1] / _METRES_A_DEGREE),
                "long": float(_LONGITUDE + place[0] / (_METRES_A_DEGREE * shrink)),
                "height": float(place[2]),
                "xvel": float(across),
                "yvel": float(along),
            }
        )
    return found


def _write(path: Path, value: list[Any] | Mapping[str, Any]) -> None:
    write_text(path, json.dumps(value, allow_nan=False))
