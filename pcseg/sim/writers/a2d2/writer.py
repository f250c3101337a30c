"""A2D2 layout: the points in the front camera's picture as .npz, label pictures in colours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.labels import map_data
from pcseg.errors import ConfigError
from pcseg.files import remove_leftovers, write_bytes, write_text
from pcseg.io.numpy_files import write_arrays
from pcseg.io.pictures import picture_bytes
from pcseg.sim.camera import Picture
from pcseg.sim.record import Frame
from pcseg.sim.rig import CAMERA_FROM_BODY, Rig
from pcseg.sim.writers.a2d2.rig import (
    BODY_FROM_VEHICLE,
    CAMERA,
    a2d2_rig,
    class_ids,
    vehicle_from_view,
)

FIRST_MICROSECOND = 1_514_764_837_000_000
"""Of the first scene: 2018-01-01 on the clock of cameras and recorder (TAI)."""

LEAP_MICROSECONDS = 37_000_000
"""By which ``timestamp`` (UTC) lags behind ``rectime`` and the camera's time (TAI)."""


class A2D2Writer:
    """Writes scenes under ``root/camera_lidar_semantic/20180101_0000SS``.

    The arrays have the names of the labelled data set's files. The camera has no distortion:
    pictures as taken and undistorted ones are the same, and cams_lidars.json says so.
    """

    entries: ClassVar[tuple[str, ...]] = ("camera_lidar_semantic", "cams_lidars.json")
    own: ClassVar[str] = (
        r"cams_lidars\.json"
        r"|camera_lidar_semantic/(20180101_0000(?P<sequence>\d\d)/.*|[^/]*class_list[^/]*\.json)"
    )
    pictures: ClassVar[bool] = True

    def __init__(self, root: Path, rig: Rig) -> None:
        """Take a rig that has its camera.

        Raises:
            ConfigError: without the camera, whose pictures hold the labels.
        """
        if not rig.cameras:
            raise ConfigError(
                "layout a2d2 needs its camera: points are stored and labelled by its pictures. "
                f"Use cameras=[{CAMERA}], smaller pictures by image_scale."
            )
        self.root, self._rig = root, rig

    @classmethod
    def rig(cls, sensor: str | None) -> Rig:
        """A2D2's car, or five LiDARs of another device on it."""
        return a2d2_rig(sensor)

    def folder(self, sequence: str) -> Path:
        """Where a scene lies."""
        return self.root / "camera_lidar_semantic" / f"20180101_0000{sequence}"

    def remove_leftovers(self, sequence: str) -> None:
        """Remove the half-written files of a process that was killed."""
        remove_leftovers(self.root, "cams_lidars.json")
        remove_leftovers(self.root / "camera_lidar_semantic", "class_list.json")
        for kind in ("lidar", "label", "camera"):
            remove_leftovers(self.folder(sequence) / kind / f"cam_{CAMERA}", "*")

    def has_frame(self, sequence: str, frame: int) -> bool:
        """Whether points, pictures and the camera's note of a frame are there."""
        return all(path.is_file() for path in self._paths(sequence, frame).values())

    def write_frame(self, sequence: str, number: int, frame: Frame) -> None:
        """Write the points that the picture shows, the picture and its labels."""
        (picture,) = frame.pictures
        paths, zero = self._paths(sequence, number), _start(sequence)
        write_bytes(paths["camera"], picture_bytes(picture.rgb))
        write_bytes(paths["label"], picture_bytes(_label_colours(picture)))
        write_text(paths["note"], json.dumps(self._note(paths, zero + round(1e6 * frame.time))))
        write_arrays(paths["lidar"], self._arrays(frame, picture, zero), compressed=True)

    def has_sequence(self, sequence: str, frames: int) -> bool:
        """Whether calibration and class list are there."""
        return (self.root / "cams_lidars.json").is_file() and self._class_list.is_file()

    def write_sequence(self, sequence: str, bodies: np.ndarray, times: Sequence[float]) -> None:
        """Write what all scenes share: the calibration and the colours of the classes."""
        facts = map_data("a2d2")
        colours = {f"#{r:02x}{g:02x}{b:02x}": raw for raw, (r, g, b) in facts["raw_colors"].items()}
        names = {c: facts["raw_names"][raw] for c, raw in colours.items() if raw > 0}
        write_text(self.root / "cams_lidars.json", json.dumps(self._calibration(), indent=2))
        write_text(self._class_list, json.dumps(names, indent=2))

    def finish(self, sequences: Sequence[str], frames: int) -> None:
        """Nothing here spans scenes."""

    @property
    def _class_list(self) -> Path:
        return self.root / "camera_lidar_semantic" / "class_list.json"

    def _paths(self, sequence: str, frame: int) -> dict[str, Path]:
        folder, name = self.folder(sequence), CAMERA.replace("_", "")

        def path(kind: str, suffix: str) -> Path:
            stem = f"201801010000{sequence}_{kind}_{name}_{frame:09d}"
            return folder / kind / f"cam_{CAMERA}" / f"{stem}{suffix}"

        return {
            "lidar": path("lidar", ".npz"),
            "label": path("label", ".png"),
            "camera": path("camera", ".png"),
            "note": path("camera", ".json"),
        }

    def _note(self, paths: Mapping[str, Path], stamp: int) -> dict[str, Any]:
        names = [mount.name for mount in self._rig.lidars]
        return {
            "cam_name": CAMERA,
            "cam_tstamp": stamp,
            "image_png": paths["camera"].name,
            "image_zoom": 1.0,
            "lidar_ids": {str(number): name for number, name in enumerate(names)},
            "pcld_npz": paths["lidar"].name,
            "pcld_view": _view(vehicle_from_view(self._rig.cameras[0])),
        }

    def _arrays(self, frame: Frame, picture: Picture, zero: int) -> dict[str, np.ndarray]:
        parts = [self._seen(number, frame, picture, zero) for number in range(len(frame.scans))]
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    def _seen(
        self, number: int, frame: Frame, picture: Picture, zero: int
    ) -> dict[str, np.ndarray]:
        """The points of one LiDAR in the picture, in the order of measurement."""
        scan, camera = frame.scans[number], picture.camera
        assert scan.pose is not None
        camera_from_lidar = np.linalg.inv(picture.pose) @ scan.pose
        points = scan.xyz @ camera_from_lidar[:3, :3].T + camera_from_lidar[:3, 3]
        points = (points @ CAMERA_FROM_BODY).astype(np.float32).astype(np.float64)
        depth = np.where(points[:, 0] > 0, points[:, 0], np.nan)
        column = camera.K[0, 2] - camera.K[0, 0] * points[:, 1] / depth
        row = camera.K[1, 2] - camera.K[1, 1] * points[:, 2] / depth
        inside = (column >= 0) & (column <= camera.width - 1)
        inside &= (row >= 0) & (row <= camera.height - 1)
        time = scan.attrs["time"].astype(np.float64)
        order = np.argsort(np.where(inside, time, np.inf), kind="stable")[: inside.sum()]
        recorded = zero + np.rint(1e6 * (frame.time + time[order])).astype(np.int64)
        bright = np.rint(255.0 * scan.attrs["intensity"][order].astype(np.float64))
        ring = scan.attrs["ring"][order]
        rings = self._rig.lidars[number].sensor.rows
        return {
            "points": points[order],
            "azimuth": np.arctan2(scan.xyz[order, 1], scan.xyz[order, 0]).astype(np.float64),
            "boundary": (ring == 0) | (ring == rings - 1),
            "col": column[order],
            "depth": depth[order],
            "distance": np.linalg.norm(points[order], axis=1),
            "lidar_id": np.full(len(order), number, np.int64),
            "rectime": recorded,
            "reflectance": np.clip(bright, 0, 255).astype(np.int64),
            "row": row[order],
            "timestamp": recorded - LEAP_MICROSECONDS,
            "valid": np.ones(len(order), bool),
        }

    def _calibration(self) -> dict[str, Any]:
        (camera,) = self._rig.cameras
        K = camera.K.tolist()
        from_body = np.linalg.inv(BODY_FROM_VEHICLE)
        return {
            "cameras": {
                CAMERA: {
                    "CamMatrix": K,
                    "CamMatrixOriginal": K,
                    "Distortion": [[0.0] * 5],
                    "Lens": "Telecam",
                    "Resolution": [camera.width, camera.height],
                    "tstamp_delay": 0,
                    "view": _view(vehicle_from_view(camera)),
                }
            },
            "lidars": {
                mount.name: {"view": _view(from_body @ mount.body_from_sensor)}
                for mount in self._rig.lidars
            },
            "vehicle": {"view": _view(np.eye(4))},
        }


def _start(sequence: str) -> int:
    return FIRST_MICROSECOND + int(sequence) * 1_000_000_000


def _view(pose: np.ndarray) -> dict[str, list[float]]:
    axes = {"x-axis": pose[:3, 0].tolist(), "y-axis": pose[:3, 1].tolist()}
    return {"origin": pose[:3, 3].tolist(), **axes}


def _label_colours(picture: Picture) -> np.ndarray:
    table = np.zeros((256, 3), np.uint8)
    for raw, colour in map_data("a2d2")["raw_colors"].items():
        table[int(raw)] = colour
    return table[class_ids(picture.labels, picture.instances)]
