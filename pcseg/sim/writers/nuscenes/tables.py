"""The tables of nuScenes, put together from the notes of all frames; every link is consistent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.files import write_bytes
from pcseg.io.pictures import picture_bytes
from pcseg.sim.rig import Rig
from pcseg.sim.writers.nuscenes.ids import (
    ATTRIBUTES,
    VERSION,
    VISIBILITY,
    category_names,
    scene_names,
    token,
)
from pcseg.sim.writers.nuscenes.rig import (
    CAR_FROM_BODY,
    CAR_FROM_LIDAR,
    LIDAR,
    quaternion,
)

Row = dict[str, Any]
Moments = list[Row]
"""The notes of a scene's key frames, in order."""

_MAP = f"maps/{token('map')}.png"
_MAP_PIXELS = 16


def write_tables(root: Path, rig: Rig, scenes: Mapping[str, Moments]) -> None:
    """Write thirteen tables of the schema, lidarseg and panoptic; unchanged files are left alone.

    Args:
        root: of the data set.
        rig: whose sensors the tables describe.
        scenes: notes by sequence, for example ``"08"``.
    """
    tables: dict[str, list[Row]] = {name: [] for name in _TABLES}
    tables |= _fixed(rig)
    for sequence, moments in scenes.items():
        _add_scene(tables, sequence, moments)
    tables["map"] = [
        {
            "category": "semantic_prior",
            "token": token("map"),
            "filename": _MAP,
            "log_tokens": [row["token"] for row in tables["log"]],
        }
    ]
    _write_changed(root / _MAP, picture_bytes(np.zeros((_MAP_PIXELS, _MAP_PIXELS), np.uint8)))
    for name, rows in tables.items():
        text = json.dumps(rows, indent=0, allow_nan=False) + "\n"
        _write_changed(root / VERSION / f"{name}.json", text.encode())


_TABLES = (
    *("scene", "sample", "sample_data", "ego_pose", "log", "instance", "sample_annotation"),
    *("lidarseg", "panoptic"),
)


def _fixed(rig: Rig) -> dict[str, list[Row]]:
    """What does not depend on the scenes: categories, attributes, visibility levels, sensors."""
    names = category_names().items()
    return {
        "category": [
            {"token": token("category", name), "name": name, "description": "", "index": index}
            for index, name in names
        ],
        "attribute": [
            {"token": token("attribute", name), "name": name, "description": text}
            for name, text in ATTRIBUTES.items()
        ],
        "visibility": [
            {"token": key, "level": level, "description": f"visibility of {level[1:]} %"}
            for key, level in VISIBILITY.items()
        ],
        "sensor": [
            {
                "token": token("sensor", channel),
                "channel": channel,
                "modality": "lidar" if channel == LIDAR else "camera",
            }
            for channel in (LIDAR, *(camera.name for camera in rig.cameras))
        ],
        "calibrated_sensor": list(_mounts(rig)),
    }


def _mounts(rig: Rig) -> Iterable[Row]:
    lidar = CAR_FROM_BODY @ rig.main.body_from_sensor @ CAR_FROM_LIDAR
    yield _mount(LIDAR, lidar, [])
    for camera in rig.cameras:
        yield _mount(camera.name, CAR_FROM_BODY @ camera.body_from_camera, camera.K.tolist())


def _mount(channel: str, place: np.ndarray, intrinsic: list[list[float]]) -> Row:
    return {
        "token": token("calibrated_sensor", channel),
        "sensor_token": token("sensor", channel),
        "translation": [float(x) + 0.0 for x in place[:3, 3]],
        "rotation": quaternion(place[:3, :3]),
        "camera_intrinsic": intrinsic,
    }


def _add_scene(tables: dict[str, list[Row]], sequence: str, moments: Moments) -> None:
    scene = scene_names()[int(sequence)]
    samples = [token("sample", scene, number) for number in range(len(moments))]
    drive = moments[0]["recordings"][-1]["filename"].split("/")[-1].split("__")[0]
    tables["log"].append(
        {
            "token": token("log", scene),
            "logfile": drive,
            "vehicle": "simulated",
            "date_captured": drive.split("-", 1)[1][:10],
            "location": "simulated-street",
        }
    )
    tables["scene"].append(
        {
            "token": token("scene", scene),
            "log_token": token("log", scene),
            "nbr_samples": len(moments),
            "first_sample_token": samples[0],
            "last_sample_token": samples[-1],
            "name": scene,
            "description": f"Simulated street {sequence}, day",
        }
    )
    for moment, links in zip(moments, _links(samples), strict=True):
        row = {"timestamp": moment["time_us"], "scene_token": token("scene", scene)}
        tables["sample"].append({**links, **row})
    _add_recordings(tables, samples, moments)
    _add_annotations(tables, scene, samples, moments)


def _add_recordings(tables: dict[str, list[Row]], samples: list[str], moments: Moments) -> None:
    chains: dict[str, list[tuple[str, Row]]] = {}
    for sample, moment in zip(samples, moments, strict=True):
        for recording in moment["recordings"]:
            # A sweep belongs to the key frame that follows it.
            chains.setdefault(recording["channel"], []).append((sample, recording))
    for channel, chain in chains.items():
        for (sample, made), links in zip(
            chain, _links([made["token"] for _, made in chain]), strict=True
        ):
            place = {"translation": made["translation"], "rotation": made["rotation"]}
            tables["ego_pose"].append(
                {"token": made["token"], "timestamp": made["time_us"], **place}
            )
            tables["sample_data"].append(
                {
                    **links,
                    "sample_token": sample,
                    "ego_pose_token": made["token"],
                    "calibrated_sensor_token": token("calibrated_sensor", channel),
                    "timestamp": made["time_us"],
                    "fileformat": "pcd" if channel == LIDAR else "jpg",
                    "is_key_frame": made["key"],
                    "height": made["height"],
                    "width": made["width"],
                    "filename": made["filename"],
                }
            )
            if channel == LIDAR and made["key"]:
                _add_labels(tables, made["token"])


def _add_labels(tables: dict[str, list[Row]], recording: str) -> None:
    for task, ending in (("lidarseg", "lidarseg.bin"), ("panoptic", "panoptic.npz")):
        tables[task].append(
            {
                "token": recording,
                "sample_data_token": recording,
                "filename": f"{task}/{VERSION}/{recording}_{ending}",
            }
        )


def _add_annotations(
    tables: dict[str, list[Row]], scene: str, samples: list[str], moments: Moments
) -> None:
    tracks: dict[int, list[tuple[str, Row]]] = {}
    for sample, moment in zip(samples, moments, strict=True):
        for box in moment["boxes"]:
            tracks.setdefault(box["instance"], []).append((sample, box))
    names = category_names()
    for number, track in sorted(tracks.items()):
        tokens = [token("sample_annotation", sample, number) for sample, _ in track]
        instance = token("instance", scene, number)
        tables["instance"].append(
            {
                "token": instance,
                "category_token": token("category", names[track[0][1]["category"]]),
                "nbr_annotations": len(track),
                "first_annotation_token": tokens[0],
                "last_annotation_token": tokens[-1],
            }
        )
        for (sample, box), links in zip(track, _links(tokens), strict=True):
            named = [] if box["attribute"] is None else [token("attribute", box["attribute"])]
            tables["sample_annotation"].append(
                {
                    **links,
                    "sample_token": sample,
                    "instance_token": instance,
                    "visibility_token": "",
                    "attribute_tokens": named,
                    "translation": box["translation"],
                    "size": box["size"],
                    "rotation": box["rotation"],
                    "num_lidar_pts": box["points"],
                    "num_radar_pts": 0,
                }
            )


def _links(tokens: Sequence[str]) -> list[Row]:
    """Token, prev and next of each row of a chain."""
    chain = ["", *tokens, ""]
    return [
        {"token": here, "prev": before, "next": after}
        for before, here, after in zip(chain, chain[1:], chain[2:], strict=False)
    ]


def _write_changed(path: Path, content: bytes) -> None:
    if not (path.is_file() and path.read_bytes() == content):
        write_bytes(path, content)
