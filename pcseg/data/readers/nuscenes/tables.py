"""From the tables of a nuScenes version to its index, with every link between rows checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pcseg.data.readers.nuscenes.index import Index
from pcseg.data.readers.nuscenes.rows import Row, read_rows
from pcseg.errors import DataError

LIDAR = "LIDAR_TOP"

_QUATERNION_TOLERANCE = 1e-2
"""How far from 1 the length of a stored quaternion may be."""


def build_index(tables: Path) -> Index:
    """Read all tables but the annotations.

    Rows that a reader has no use for (radar, pictures between key frames) are passed over, so that
    memory stays below the size of the files.

    Args:
        tables: a folder such as ``v1.0-trainval``.

    Raises:
        DataError: for a missing or broken table, a token without a row, samples or sweeps whose
            links run in a circle, a file outside the data set; naming table and row.
    """
    scenes = _read_scenes(tables)
    frame_of = _frames_in_order(tables, scenes)
    mounts = _read_mounts(tables)
    found = _read_recordings(tables, frame_of, mounts)
    cameras = sorted({name for name, kind in mounts.sensors if kind == "camera"})
    lidar = _lidar_of_frames(tables, frame_of, found)
    key_tokens = [found.lidar_token[frame] for frame in range(len(frame_of))]
    category_name, category_index = _read_categories(tables)
    return Index(
        scene_name=_texts(scene.name for scene in scenes),
        scene_location=_texts(scene.location for scene in scenes),
        scene_description=_texts(scene.description for scene in scenes),
        scene_start=np.cumsum([0, *(scene.count for scene in scenes)]),
        frame_token=_texts(frame_of),
        frame_lidar=np.array(lidar, np.int32),
        frame_lidar_token=_texts(key_tokens),
        frame_camera=_cameras_of_frames(len(frame_of), cameras, found),
        frame_lidarseg=_label_files(tables, "lidarseg", key_tokens, found),
        frame_panoptic=_label_files(tables, "panoptic", key_tokens, found),
        camera_name=_texts(cameras),
        filename=_texts(found.file),
        time_us=np.array(found.time_us, np.int64),
        previous=_previous(tables, found),
        size=np.array(found.size, np.int32).reshape(-1, 2),
        pose=np.array(found.pose, np.int32),
        mount=np.array(found.mount, np.int32),
        poses=_read_poses(tables, found.pose_of),
        mounts=mounts.placements,
        intrinsics=mounts.intrinsics,
        category_index=category_index,
        category_name=category_name,
    )


@dataclass(frozen=True)
class _Scene:
    """A row of scene.json with the place of its log."""

    row: Row
    token: str
    name: str
    location: str
    description: str
    first: str
    count: int


@dataclass(frozen=True)
class _Mounts:
    """Rows of calibrated_sensor.json with the channel and modality of each."""

    number_of: Mapping[str, int]
    sensors: list[tuple[str, str]]
    placements: np.ndarray
    intrinsics: np.ndarray


@dataclass
class _Recordings:
    """Columns of the rows of sample_data.json that are kept."""

    row_of: dict[str, int] = field(default_factory=dict)
    pose_of: dict[str, int] = field(default_factory=dict)
    key: dict[tuple[int, str], int] = field(default_factory=dict)
    """Of frame and channel."""
    lidar_token: dict[int, str] = field(default_factory=dict)
    """Of the frame's key sweep."""
    file: list[str] = field(default_factory=list)
    time_us: list[int] = field(default_factory=list)
    previous: list[str] = field(default_factory=list)
    size: list[tuple[int, int]] = field(default_factory=list)
    pose: list[int] = field(default_factory=list)
    mount: list[int] = field(default_factory=list)


def _read_scenes(tables: Path) -> list[_Scene]:
    locations = {row.text("token"): row.text("location") for row in read_rows(tables / "log.json")}
    scenes: dict[str, _Scene] = {}
    for row in read_rows(tables / "scene.json"):
        if row.text("log_token") not in locations:
            raise row.dangling("log_token", "log")
        name = row.text("name")
        if not name or name in scenes:
            raise row.error(f"the name '{name}' is missing or another scene has it")
        scenes[name] = _Scene(
            row=row,
            token=row.text("token"),
            name=name,
            location=locations[row.text("log_token")],
            description=row.text("description"),
            first=row.text("first_sample_token"),
            count=row.whole("nbr_samples"),
        )
    return [scenes[name] for name in sorted(scenes)]


def _frames_in_order(tables: Path, scenes: list[_Scene]) -> dict[str, int]:
    """Number of each sample, in order of scene and time."""
    samples: dict[str, Row] = {}
    for row in read_rows(tables / "sample.json"):
        samples[row.text("token")] = row
    frame_of: dict[str, int] = {}
    for scene in scenes:
        token, source = scene.first, scene.row
        for number in range(scene.count):
            if number and not token:
                raise scene.row.error(f"'nbr_samples' is {scene.count}, but only {number} follow")
            if token not in samples:
                raise source.dangling("next" if number else "first_sample_token", "sample")
            source = samples[token]
            if source.text("scene_token") != scene.token:
                raise source.error(f"it is linked from scene {scene.name}, which is not its own")
            if token in frame_of:
                raise source.error(f"the links of {scene.name} come back to it, in a circle")
            frame_of[token] = len(frame_of)
            token = source.text("next")
        if token:
            raise scene.row.error(
                f"'nbr_samples' is {scene.count}, but another sample follows: {token}"
            )
    if len(frame_of) != len(samples):
        left = next(row for token, row in samples.items() if token not in frame_of)
        raise left.error(f"no scene leads to this sample ({len(samples) - len(frame_of)} such)")
    return frame_of


def _read_mounts(tables: Path) -> _Mounts:
    sensor_of = {
        row.text("token"): (row.text("channel"), row.text("modality"))
        for row in read_rows(tables / "sensor.json")
    }
    number_of: dict[str, int] = {}
    sensors: list[tuple[str, str]] = []
    placements, intrinsics = [], []
    for row in read_rows(tables / "calibrated_sensor.json"):
        if row.text("sensor_token") not in sensor_of:
            raise row.dangling("sensor_token", "sensor")
        sensor = sensor_of[row.text("sensor_token")]
        number_of[row.text("token")] = len(sensors)
        sensors.append(sensor)
        placements.append(placement(row))
        intrinsics.append(_camera_matrix(row) if sensor[1] == "camera" else [0.0] * 9)
    return _Mounts(
        number_of, sensors, np.array(placements).reshape(-1, 7), np.array(intrinsics).reshape(-1, 9)
    )


def _camera_matrix(row: Row) -> list[float]:
    lines = row.fields.get("camera_intrinsic")
    if not isinstance(lines, list) or len(lines) != 3:
        raise row.error("'camera_intrinsic' is not a 3x3 matrix")
    parts = (Row(row.path, row.number, {**row.fields, "camera_intrinsic": part}) for part in lines)
    return [number for part in parts for number in part.numbers("camera_intrinsic", 3)]


def placement(row: Row) -> list[float]:
    """x, y, z and the quaternion w, x, y, z of a row with translation and rotation.

    Raises:
        DataError: if they are no such numbers.
    """
    rotation = row.numbers("rotation", 4)
    if abs(np.linalg.norm(rotation) - 1.0) > _QUATERNION_TOLERANCE:
        raise row.error(f"'rotation' is {rotation}, not a quaternion of length 1")
    return [*row.numbers("translation", 3), *rotation]


def _read_recordings(tables: Path, frame_of: Mapping[str, int], mounts: _Mounts) -> _Recordings:
    found = _Recordings()
    for row in read_rows(tables / "sample_data.json"):
        mount = mounts.number_of.get(row.text("calibrated_sensor_token"))
        if mount is None:
            raise row.dangling("calibrated_sensor_token", "calibrated_sensor")
        channel, modality = mounts.sensors[mount]
        is_key = row.fields.get("is_key_frame") is True
        if channel != LIDAR and not (is_key and modality == "camera"):
            continue
        number = len(found.file)
        if is_key:
            if row.text("sample_token") not in frame_of:
                raise row.dangling("sample_token", "sample")
            frame = frame_of[row.text("sample_token")]
            if found.key.setdefault((frame, channel), number) != number:
                raise row.error(f"its sample has two key frames of {channel}")
            if channel == LIDAR:
                found.lidar_token[frame] = row.text("token")
        token = row.text("token")
        found.row_of[token] = number
        found.file.append(row.file())
        found.time_us.append(row.whole("timestamp"))
        found.previous.append(row.text("prev") if channel == LIDAR else "")
        found.size.append(_size(row) if modality == "camera" else (0, 0))
        pose = row.text("ego_pose_token")  # in the genuine tables the same as the row's own
        pose = token if pose == token else pose
        found.pose.append(found.pose_of.setdefault(pose, len(found.pose_of)))
        found.mount.append(mount)
    if len(found.row_of) != len(found.file):
        raise DataError(f"{tables / 'sample_data.json'}: two rows have the same token.")
    return found


def _size(row: Row) -> tuple[int, int]:
    height, width = row.whole("height"), row.whole("width")
    if not (0 < height < 1 << 16 and 0 < width < 1 << 16):
        raise row.error(f"a picture of {width} x {height} pixels cannot be")
    return height, width


def _lidar_of_frames(tables: Path, frame_of: Mapping[str, int], found: _Recordings) -> list[int]:
    for token, frame in frame_of.items():
        if (frame, LIDAR) not in found.key:
            raise DataError(
                f"{tables / 'sample_data.json'}: no key frame of {LIDAR} for sample {token}. "
                "A row is missing: unpack the archive of the metadata again."
            )
    return [found.key[frame, LIDAR] for frame in range(len(frame_of))]


def _cameras_of_frames(frames: int, cameras: list[str], found: _Recordings) -> np.ndarray:
    keys = [[found.key.get((frame, name), -1) for name in cameras] for frame in range(frames)]
    return np.array(keys, np.int32).reshape(frames, len(cameras))


def _previous(tables: Path, found: _Recordings) -> np.ndarray:
    """(D,) links to the sweep before; chains that never end are refused."""
    path = tables / "sample_data.json"
    rows = np.full(len(found.file), -1, np.int32)
    for number, token in enumerate(found.previous):
        if token and token not in found.row_of:
            raise DataError(
                f"{path}: the row of {found.file[number]} has 'prev' {token!r}, which no row of "
                f"{LIDAR} has. Unpack the archive of the metadata again."
            )
        if token:
            rows[number] = found.row_of[token]
    # Twice as far back in every round: whoever has not met an end by then runs in a circle.
    far = rows.copy()
    for _ in range(len(rows).bit_length()):
        far = np.where(far >= 0, far[far], -1)
    if (far >= 0).any():
        number = int(np.flatnonzero(far >= 0)[0])
        raise DataError(
            f"{path}: the links 'prev' from {found.file[number]} on run in a circle. "
            "Unpack the archive of the metadata again."
        )
    return rows


def _read_poses(tables: Path, wanted: Mapping[str, int]) -> np.ndarray:
    poses = np.full((len(wanted), 7), np.nan)
    for row in read_rows(tables / "ego_pose.json"):
        number = wanted.get(row.text("token"))
        if number is not None:
            poses[number] = placement(row)
    lacking = np.flatnonzero(np.isnan(poses[:, 0]))
    if len(lacking):
        token = list(wanted)[lacking[0]]
        raise DataError(
            f"{tables / 'ego_pose.json'}: no row with token {token}, which sample_data.json needs "
            f"({len(lacking)} such). The tables do not belong together or one is cut short: "
            "unpack all of them again."
        )
    return poses


def _label_files(tables: Path, table: str, key_tokens: list[str], found: _Recordings) -> np.ndarray:
    """(F,) file names, empty where there are no labels; the table itself may be missing."""
    path = tables / f"{table}.json"
    named: dict[str, str] = {}
    for row in read_rows(path) if path.exists() else ():
        if row.text("sample_data_token") not in found.row_of:
            raise row.dangling("sample_data_token", "sample_data")
        named[row.text("sample_data_token")] = row.file()
    return _texts(named.get(token, "") for token in key_tokens)


def _read_categories(tables: Path) -> tuple[np.ndarray, np.ndarray]:
    """Names, and lidarseg indices where the table has them (it came without before lidarseg)."""
    rows = list(read_rows(tables / "category.json"))
    indices = [row.whole("index") if "index" in row.fields else -1 for row in rows]
    return _texts(row.text("name") for row in rows), np.array(indices, np.int32)


def _texts(values: Iterable[str]) -> np.ndarray:
    """Fixed-width bytes; at least one wide, because NumPy has no narrower ones."""
    encoded = [value.encode() for value in values]
    return np.array(encoded, f"S{max(map(len, encoded), default=1) or 1}")
