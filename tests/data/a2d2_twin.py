"""A tiny simulated A2D2 scene, and the frames as they were before they were written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pcseg.sim.record import Frame, Recorder
from pcseg.sim.writers.a2d2.rig import CAMERA
from pcseg.sim.writers.a2d2.writer import A2D2Writer
from tests.data.small_street import small_street

SCENE = "20180101_000006"
TIMES = (0.0, 0.1)


@dataclass(frozen=True)
class Twin:
    """Where the scene lies, and what was recorded."""

    root: Path
    recorder: Recorder
    frames: tuple[Frame, ...]

    @property
    def scene(self) -> Path:
        """The folder of the scene."""
        return self.root / "camera_lidar_semantic" / SCENE

    def path(self, kind: str, suffix: str, number: int = 0) -> Path:
        """A file of a frame: lidar .npz, label .png, camera .png and .json."""
        return file_of(self.scene, kind, suffix, number)


def file_of(scene: Path, kind: str, suffix: str, number: int = 0) -> Path:
    """A file of a frame of a scene."""
    name = f"{SCENE.replace('_', '')}_{kind}_frontcenter_{number:09d}{suffix}"
    return scene / kind / "cam_front_center" / name


def make_twin(places: pytest.TempPathFactory) -> Twin:
    """Record and write two frames, once a session; nobody may change them."""
    if not _MADE:
        _MADE.append(_write_twin(places.mktemp("a2d2")))
    return _MADE[0]


def _write_twin(root: Path) -> Twin:
    rig = A2D2Writer.rig(None).with_cameras((CAMERA,), 0.25).thinned(3, 1)
    recorder = Recorder(small_street(), rig)
    writer = A2D2Writer(root, rig)
    bodies = np.stack([recorder.world.body_pose(time) for time in TIMES])
    writer.write_sequence("06", bodies, TIMES)
    frames = []
    for number, time in enumerate(TIMES):
        frames.append(recorder.record(time, [5, 6, 1, number]))
        writer.write_frame("06", number, frames[-1])
    return Twin(root, recorder, tuple(frames))


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz."""
    with np.load(path) as archive:
        return {name: archive[name] for name in archive}


def write_npz(path: Path, arrays: Mapping[str, np.ndarray], pickled: bool = False) -> None:
    """Write an .npz, with pickled objects if the test wants them."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, values, allow_pickle=pickled)
            archive.writestr(f"{name}.npy", part.getvalue())


_MADE: list[Twin] = []
