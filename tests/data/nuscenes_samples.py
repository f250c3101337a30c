"""nuScenes tables written by hand around given sweeps: rows that tests may then damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.labels import map_data

LEVEL = [1.0, 0.0, 0.0, 0.0]
# The LiDAR's own x is the car's right, its y the car's front.
LIDAR_IN_CAR = [0.7071067811865476, 0.0, 0.0, -0.7071067811865476]
START_US = 1_532_402_927_000_000

Tables = dict[str, list[dict[str, Any]]]


def token(*parts: object) -> str:
    """32 hex digits that tell what they stand for to nobody but their maker."""
    return "".join(f"{ord(letter):02x}" for letter in "/".join(map(str, parts)))[:32].ljust(32, "0")


def make_tables(scenes: dict[str, int], *, step_m: float = 1.0) -> Tables:
    """Consistent tables: so many key frames a scene, one sweep between each two, no cameras.

    The car drives along the world's x, `step_m` from sweep to sweep.
    """
    names = map_data("nuscenes_lidarseg")["raw_names"]
    tables: Tables = {
        "category": [
            {"token": token("c", i), "name": name, "description": "", "index": i}
            for i, name in names.items()
        ],
        "sensor": [{"token": token("LIDAR"), "channel": "LIDAR_TOP", "modality": "lidar"}],
        "calibrated_sensor": [
            {
                "token": token("mount"),
                "sensor_token": token("LIDAR"),
                "translation": [0.94, 0.0, 1.84],
                "rotation": LIDAR_IN_CAR,
                "camera_intrinsic": [],
            }
        ],
        "log": [{"token": token("log"), "logfile": "n0", "location": "boston-seaport"}],
    }
    for name in ("scene", "sample", "sample_data", "ego_pose", "lidarseg", "panoptic"):
        tables[name] = []
    for name in ("instance", "sample_annotation"):
        tables[name] = []
    for scene, count in scenes.items():
        _add_scene(tables, scene, count, step_m)
    return tables


def _add_scene(tables: Tables, scene: str, count: int, step_m: float) -> None:
    samples = [token("s", scene, k) for k in range(count)]
    linked = ["", *samples, ""]
    tables["scene"].append(
        {
            "token": token("S", scene),
            "name": scene,
            "description": "Night, cones" if scene.endswith("9") else "Busy street",
            "log_token": token("log"),
            "nbr_samples": count,
            "first_sample_token": samples[0],
            "last_sample_token": samples[-1],
        }
    )
    for k in range(count):
        tables["sample"].append(
            {
                "token": samples[k],
                "timestamp": START_US + 500_000 * k,
                "scene_token": token("S", scene),
                "prev": linked[k],
                "next": linked[k + 2],
            }
        )
    recordings = [token("d", scene, n) for n in range(2 * count - 1)]
    chain = ["", *recordings, ""]
    for n, recording in enumerate(recordings):
        is_key = n % 2 == 0
        folder = "samples" if is_key else "sweeps"
        tables["ego_pose"].append(
            {
                "token": recording,
                "timestamp": START_US + 250_000 * n,
                "translation": [100.0 + step_m * n, 50.0, 0.0],
                "rotation": LEVEL,
            }
        )
        tables["sample_data"].append(
            {
                "token": recording,
                "sample_token": samples[(n + 1) // 2],
                "ego_pose_token": recording,
                "calibrated_sensor_token": token("mount"),
                "filename": f"{folder}/LIDAR_TOP/{scene}_{n}.pcd.bin",
                "fileformat": "pcd",
                "width": 0,
                "height": 0,
                "timestamp": START_US + 250_000 * n,
                "is_key_frame": is_key,
                "prev": chain[n],
                "next": chain[n + 2],
            }
        )
        if is_key:
            for table, ending in (("lidarseg", "lidarseg.bin"), ("panoptic", "panoptic.npz")):
                tables[table].append(
                    {
                        "token": recording,
                        "sample_data_token": recording,
                        "filename": f"{table}/v1.0-mini/{recording}_{ending}",
                    }
                )


def add_box(
    tables: Tables, scene: str, frame: int, index: int, center: list[float], size: list[float]
) -> None:
    """One more object with one annotation; its category by lidarseg index, size w, l, h."""
    number = len(tables["instance"])
    tables["instance"].append(
        {"token": token("i", number), "category_token": token("c", index), "nbr_annotations": 1}
    )
    tables["sample_annotation"].append(
        {
            "token": token("a", number),
            "sample_token": token("s", scene, frame),
            "instance_token": token("i", number),
            "translation": center,
            "size": size,
            "rotation": LEVEL,
        }
    )


def write_tables(root: Path, tables: Tables, version: str = "v1.0-mini") -> None:
    """The tables as JSON files; those that are None are left out."""
    folder = root / version
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(rows, indent=0))


def write_clouds(root: Path, tables: Tables, count: int = 6) -> None:
    """A cloud for every recording, labels for every key frame; see `cloud_of` and `labels_of`."""
    for n, row in enumerate(tables["sample_data"]):
        path = root / row["filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        cloud_of(n, count).astype("<f4").tofile(path)
        if row["is_key_frame"]:
            seg = root / "lidarseg" / "v1.0-mini" / f"{row['token']}_lidarseg.bin"
            pan = root / "panoptic" / "v1.0-mini" / f"{row['token']}_panoptic.npz"
            seg.parent.mkdir(parents=True, exist_ok=True)
            pan.parent.mkdir(parents=True, exist_ok=True)
            raw, number = labels_of(count)
            raw.astype(np.uint8).tofile(seg)
            np.savez_compressed(pan, data=(raw * 1000 + number).astype(np.uint16))


def cloud_of(n: int, count: int) -> np.ndarray:
    """(count, 5) x right, y forward, z up, intensity 0..255, ring."""
    k = np.arange(count)
    return np.stack([k + 1.0, 10.0 * k + n, -1.8 + 0 * k, 10 * k, k % 32], 1)


def labels_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Raw ids and object numbers: road, car 1, car 2, person 1, ego, road, ..."""
    raw = np.resize([24, 17, 17, 2, 31], count)
    number = np.resize([0, 1, 2, 1, 0], count)
    return raw, number
