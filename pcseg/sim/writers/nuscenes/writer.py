"""nuScenes layout: sweeps, pictures, lidarseg and panoptic labels, and all tables of the schema."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.scan import Scan
from pcseg.files import remove_leftovers, write_bytes, write_text
from pcseg.io.pictures import picture_bytes
from pcseg.sim.boxes import points_inside
from pcseg.sim.camera import Picture
from pcseg.sim.record import Frame
from pcseg.sim.rig import Rig
from pcseg.sim.writers.nuscenes.files import depth_steps, grid, npz
from pcseg.sim.writers.nuscenes.ids import (
    THINGS,
    VERSION,
    attribute,
    categories,
    token,
)
from pcseg.sim.writers.nuscenes.rig import CAR_FROM_BODY, LIDAR, nuscenes_rig, quaternion
from pcseg.sim.writers.nuscenes.tables import Moments, write_tables

PIXEL_LABELS, DEPTHS = "_labels", "_depth"
"""End the folders with the category and the depth of every pixel (PNG): genuine data have none."""

NOTES = "moments"
"""Folder of what was known of each frame as it was made; the tables are put together from it."""

_EPOCH_US = 1_532_390_400_000_000  # 2018-07-24 00:00 UTC
_APART_US = 3_600_000_000


class NuScenesWriter:
    """Writes key frames, the sweeps between them, six pictures each, and at the end the tables.

    Sequences 00, 01, … become scenes by `scene_names`. As in the genuine data ``ego_pose`` has
    z = 0 whatever the road does; boxes and sensors share that error, so that they fit each other.
    Objects have a box where at least one point of the key frame lies in it. The visibility of
    boxes is left empty, the map is blank, pictures between key frames and radar are left out.
    """

    entries: ClassVar[tuple[str, ...]] = (
        *("samples", "sweeps", "lidarseg", "panoptic", "maps"),
        *(VERSION, NOTES),
    )
    own: ClassVar[str] = (
        rf"((samples|sweeps)/\w+/\.?sim|{NOTES}/)(?P<sequence>\d\d)[-/].*"
        rf"|(lidarseg|panoptic)/{re.escape(VERSION)}/\.?[0-9a-f]{{32}}_[^/]*"
        rf"|{re.escape(VERSION)}/[^/]*\.json|maps/\.?[0-9a-f]{{32}}[^/]*\.png"
    )
    pictures: ClassVar[bool] = True

    def __init__(self, root: Path, rig: Rig) -> None:
        self.root, self._rig = root, rig
        self._body_from_lidar = rig.main.body_from_sensor

    @classmethod
    def rig(cls, sensor: str | None) -> Rig:
        """The car of nuScenes, or another LiDAR on it."""
        return nuscenes_rig(sensor)

    def remove_leftovers(self, sequence: str) -> None:
        """Remove the half-written files of a process that was killed."""
        remove_leftovers(self.root / NOTES / sequence, "*.json")
        remove_leftovers(self.root / VERSION, "*.json")
        for task in ("lidarseg", "panoptic"):
            remove_leftovers(self.root / task / VERSION, "*")
        for folder in [*self.root.glob("samples/*"), *self.root.glob("sweeps/*")]:
            remove_leftovers(folder, f"{_log(sequence)}*")

    def has_frame(self, sequence: str, frame: int) -> bool:
        """Whether a frame's note, which is written last, and all its files are there, whole."""
        try:
            sizes = json.loads(self._note(sequence, frame).read_text())["files"]
            return all((self.root / name).stat().st_size == size for name, size in sizes.items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False  # whatever the matter is, the frame is made again

    def write_frame(self, sequence: str, number: int, frame: Frame) -> None:
        """Write all files of a key frame and of the sweeps before it."""
        files: dict[str, int] = {}
        recordings = [self._write_sweep(sequence, sweep, files) for sweep in frame.sweeps]
        recordings.append(self._write_key_sweep(sequence, frame.scans[0], files))
        for picture in frame.pictures:
            recordings.append(self._write_picture(sequence, picture, frame, files))
        note = {
            "time_us": _moment(sequence, frame.time),
            "files": files,
            "recordings": recordings,
            "boxes": _boxes(frame),
        }
        write_text(self._note(sequence, number), json.dumps(note) + "\n")

    def has_sequence(self, sequence: str, frames: int) -> bool:
        """Nothing belongs to a sequence alone."""
        return True

    def write_sequence(self, sequence: str, bodies: np.ndarray, times: Sequence[float]) -> None:
        """Nothing is known of a scene before its frames are."""

    def finish(self, sequences: Sequence[str], frames: int) -> None:
        """Write the tables of all sequences that are whole, made in this run or before."""
        scenes: dict[str, Moments] = {}
        for folder in sorted((self.root / NOTES).glob("[0-9][0-9]")):
            if all(self.has_frame(folder.name, number) for number in range(frames)):
                paths = [self._note(folder.name, number) for number in range(frames)]
                scenes[folder.name] = [json.loads(path.read_text()) for path in paths]
        write_tables(self.root, self._rig, scenes)

    def _write_sweep(self, sequence: str, scan: Scan, files: dict[str, int]) -> dict[str, Any]:
        made = grid(scan, self._rig.main.sensor)
        moment = _moment(sequence, scan.meta["time"])
        name = f"sweeps/{LIDAR}/{_log(sequence)}__{LIDAR}__{moment}.pcd.bin"
        self._write(name, made.cloud.astype("<f4").tobytes(), files)
        return self._recording(LIDAR, name, moment, self._body(scan), key=False)

    def _write_key_sweep(self, sequence: str, scan: Scan, files: dict[str, int]) -> dict[str, Any]:
        made = grid(scan, self._rig.main.sensor)
        moment = _moment(sequence, scan.meta["time"])
        name = f"samples/{LIDAR}/{_log(sequence)}__{LIDAR}__{moment}.pcd.bin"
        recording = self._recording(LIDAR, name, moment, self._body(scan), key=True)
        begin = f"{VERSION}/{recording['token']}"
        self._write(f"lidarseg/{begin}_lidarseg.bin", made.category.astype("u1").tobytes(), files)
        self._write(f"panoptic/{begin}_panoptic.npz", npz(made.panoptic), files)
        self._write(name, made.cloud.astype("<f4").tobytes(), files)
        return recording

    def _write_picture(
        self, sequence: str, picture: Picture, frame: Frame, files: dict[str, int]
    ) -> dict[str, Any]:
        channel = picture.camera.name
        moment = _moment(sequence, picture.time)
        stem = f"{_log(sequence)}__{channel}__{moment}"
        labels = f"samples/{channel}{PIXEL_LABELS}/{stem}.png"
        self._write(labels, picture_bytes(categories(picture.labels).astype(np.uint8)), files)
        depths = f"samples/{channel}{DEPTHS}/{stem}.png"
        self._write(depths, picture_bytes(depth_steps(picture.depth)), files)
        name = f"samples/{channel}/{stem}.jpg"
        self._write(name, picture_bytes(picture.rgb, "JPEG", quality=95, subsampling=0), files)
        size = picture.rgb.shape[:2]
        return self._recording(channel, name, moment, frame.body, key=True, size=size)

    def _recording(
        self,
        channel: str,
        name: str,
        moment: int,
        body: np.ndarray,
        *,
        key: bool,
        size: Sequence[int] = (0, 0),
    ) -> dict[str, Any]:
        """What the tables will say of one file."""
        car = flat(body) @ np.linalg.inv(CAR_FROM_BODY)
        return {
            "token": token("sample_data", name),
            "channel": channel,
            "filename": name,
            "time_us": moment,
            "key": key,
            "height": int(size[0]),
            "width": int(size[1]),
            "translation": [float(x) + 0.0 for x in (*car[:2, 3], 0.0)],
            "rotation": quaternion(car[:3, :3]),
        }

    def _body(self, scan: Scan) -> np.ndarray:
        assert scan.pose is not None
        body: np.ndarray = scan.pose @ np.linalg.inv(self._body_from_lidar)
        return body

    def _write(self, name: str, content: bytes, files: dict[str, int]) -> None:
        write_bytes(self.root / name, content)
        files[name] = len(content)

    def _note(self, sequence: str, frame: int) -> Path:
        return self.root / NOTES / sequence / f"{frame:06d}.json"


def flat(body: np.ndarray) -> np.ndarray:
    """Body -> world as nuScenes' localisation would have it: the rear axle's middle at z = 0."""
    car = body @ np.linalg.inv(CAR_FROM_BODY)
    lowered = body.copy()
    lowered[2, 3] -= car[2, 3]
    return lowered


def _boxes(frame: Frame) -> list[dict[str, Any]]:
    """Annotations of a key frame: objects that nuScenes knows, with at least one point inside."""
    boxes = [box for box in frame.boxes() if int(categories(np.array(box.label))) in THINGS]
    counts = points_inside(boxes, frame.scans[0])
    drop = flat(frame.body)[2, 3] - frame.body[2, 3]
    return [
        {
            "instance": box.instance,
            "category": int(categories(np.array(box.label))),
            "attribute": attribute(box.label),
            "translation": [*map(float, box.center[:2]), float(box.center[2] + drop)],
            "size": [float(box.size[k]) for k in (1, 0, 2)],
            "rotation": [float(np.cos(box.yaw / 2)), 0.0, 0.0, float(np.sin(box.yaw / 2))],
            "points": int(count),
        }
        for box, count in zip(boxes, counts.tolist(), strict=True)
        if count > 0
    ]


def _moment(sequence: str, seconds: float) -> int:
    """Microseconds of Unix time."""
    return _EPOCH_US + int(sequence) * _APART_US + round(seconds * 1e6)


def _log(sequence: str) -> str:
    """Name of the recording drive; each sequence is one."""
    begin = datetime.fromtimestamp(_moment(sequence, 0.0) / 1e6, timezone.utc)
    return f"sim{sequence}-{begin:%Y-%m-%d-%H-%M-%S}+0000"
