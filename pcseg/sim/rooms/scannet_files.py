"""ScanNet's text files: facts of a scene, the table of categories; and the colours of labels."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np

from pcseg.data.labels import map_data
from pcseg.files import read_json
from pcseg.sim.rooms.kinds import KINDS
from pcseg.sim.rooms.plan import ROOM_KINDS
from pcseg.sim.rooms.rgbd import RgbdCamera
from pcseg.sim.rooms.room import Room

_COLUMNS = (
    "id raw_category category count nyu40id eigen13id nyuClass nyu40class eigen13class "
    "ModelNet40 ModelNet10 ShapeNetCore55 synsetoffset wnsynsetid wnsynsetkey mpcat40 mpcat40index"
).split()


def scene_facts(room: Room, camera: RgbdCamera, alignment: np.ndarray, frames: int) -> str:
    """The text of ``sceneXXXX_XX.txt``.

    Args:
        room: that was scanned.
        camera: that scanned it.
        alignment: (4, 4) scan -> axis-aligned.
        frames: number of frames.
    """
    color, depth = camera.color, camera.depth
    facts: dict[str, object] = {
        "axisAlignment": _row(alignment),
        "colorHeight": color.height,
        "colorToDepthExtrinsics": _row(np.eye(4)),
        "colorWidth": color.width,
        "depthHeight": depth.height,
        "depthWidth": depth.width,
    }
    for name, row, column in (("fx", 0, 0), ("fy", 1, 1), ("mx", 0, 2), ("my", 1, 2)):
        facts[f"{name}_color"] = f"{color.K[row, column]:.6f}"
        facts[f"{name}_depth"] = f"{depth.K[row, column]:.6f}"
    facts |= {"numColorFrames": frames, "numDepthFrames": frames, "numIMUmeasurements": 0}
    facts["sceneType"] = ROOM_KINDS[room.plan.kind].scannet
    return "".join(f"{name} = {value}\n" for name, value in facts.items())


def label_table(scans: Path) -> str:
    """The table of the categories that occur in simulated rooms, with ScanNet's ids and columns.

    Columns that translate to other data sets are left empty.

    Args:
        scans: folder of the scenes, whose annotations are counted.
    """
    counts: Counter[str] = Counter()
    for path in sorted(scans.glob("*/*.aggregation.json")):
        counts.update(group["label"] for group in read_json(path)["segGroups"])
    rows = ["\t".join(_COLUMNS)]
    for kind in KINDS:
        known = {
            "id": kind.id,
            "raw_category": kind.name,
            "category": kind.category,
            "count": counts[kind.name],
            "nyu40id": kind.nyu40,
            "nyu40class": kind.nyu40_name,
        }
        rows.append("\t".join(str(known.get(column, "")) for column in _COLUMNS))
    return "\n".join(rows) + "\n"


@lru_cache(maxsize=1)
def label_colors() -> np.ndarray:
    """(41, 3) uint8 colours of the NYU40 ids, as ScanNet paints its labelled meshes."""
    table = np.zeros((41, 3), np.uint8)
    for number, color in map_data("scannet")["raw_colors"].items():
        table[number] = color
    return table


def _row(matrix: np.ndarray) -> str:
    return " ".join(f"{value + 0.0:.6f}" for value in matrix.reshape(-1))
