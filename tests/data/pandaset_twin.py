"""A tiny simulated PandaSet scene, and the frames as they were before they were written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pcseg.sim.record import Frame, Recorder
from pcseg.sim.writers.pandaset.tables import pickled
from pcseg.sim.writers.pandaset.writer import PandaSetWriter
from tests.data.small_street import small_street

SCENE, CAMERAS = "004", ("front_camera", "left_camera")
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
        return self.root / "pandaset" / SCENE


def make_twin(places: pytest.TempPathFactory) -> Twin:
    """Record and write two frames, once a session; nobody may change them."""
    if not _MADE:
        _MADE.append(_write_twin(places.mktemp("pandaset")))
    return _MADE[0]


def _write_twin(root: Path) -> Twin:
    rig = PandaSetWriter.rig(None).with_cameras(CAMERAS, 0.2).thinned(10, 2)
    recorder = Recorder(small_street(), rig)
    writer = PandaSetWriter(root, rig)
    bodies = np.stack([recorder.world.body_pose(time) for time in TIMES])
    writer.write_sequence("04", bodies, TIMES)
    frames = []
    for number, time in enumerate(TIMES):
        frames.append(recorder.record(time, [5, 4, 1, number]))
        writer.write_frame("04", number, frames[-1])
    return Twin(root, recorder, tuple(frames))


def retable(path: Path, change: Callable[[dict[str, np.ndarray]], Mapping[str, Any]]) -> None:
    """Write a table again with changed columns; "index" becomes the index."""
    import io

    import pandas

    frame = pandas.read_pickle(io.BytesIO(gzip.decompress(path.read_bytes())))
    columns = dict(change({name: frame[name].to_numpy() for name in frame}))
    index = columns.pop("index", None)
    data = pickled(columns)
    if index is not None:
        made = pandas.DataFrame(columns, index=index)
        file = io.BytesIO()
        made.to_pickle(file, compression=None)
        data = gzip.compress(file.getvalue())
    path.write_bytes(data)


def rejson(path: Path, change: Callable[[Any], Any]) -> None:
    """Write a JSON file again, changed."""
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


_MADE: list[Twin] = []
