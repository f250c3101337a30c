"""Tiny indoor data in the exact bytes of ScanNet, S3DIS and 7-Scenes, written without pcseg."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from plyfile import PlyData, PlyElement

TABLE_ROWS = (
    # id, raw_category, nyu40id, nyu40class
    (1, "wall", 1, "wall"),
    (3, "floor", 2, "floor"),
    (2, "chair", 5, "chair"),
    (27, "refrigerator", 24, "refridgerator"),
)
OBJECTS = ("wall", "floor", "chair", "refrigerator")
GRID = 9
"""Each object is a square of GRID x GRID vertices."""

COLOR_K = np.array([[60.0, 0, 47.5], [0, 60.0, 35.5], [0, 0, 1]])
COLOR_SIZE = (72, 96)
DEPTH_K = np.array([[28.0, 0, 23.0], [0, 28.0, 17.5], [0, 0, 1]])
DEPTH_SIZE = (36, 48)
ALIGNMENT = "0 1 0 2 -1 0 0 -1 0 0 1 0.5 0 0 0 1"


def patch(origin: Sequence[float], along: Sequence[float], up: Sequence[float]) -> np.ndarray:
    """(GRID * GRID, 3) float32 vertices of a square."""
    steps = np.linspace(0, 1, GRID)
    a, b = np.meshgrid(steps, steps)
    grid = np.asarray(origin) + a[..., None] * np.asarray(along) + b[..., None] * np.asarray(up)
    return grid.reshape(-1, 3).astype(np.float32)


def scene_mesh() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, colours and faces: a wall at x = 3, the floor, and two squares before the wall."""
    xyz = np.concatenate(
        [
            patch((3, -1, 0.2), (0, 2, 0), (0, 0, 2)),
            patch((1, -1, 0), (0, 2, 0), (1.9, 0, 0)),
            patch((2, -0.4, 0.1), (0, 0.4, 0), (0, 0, 0.5)),
            patch((2.2, 0.3, 0.1), (0, 0.5, 0), (0, 0, 1)),
        ]
    )
    rgb = np.stack([np.arange(len(xyz)) % 256] * 3, axis=1).astype(np.uint8)
    cell = np.arange(GRID * GRID).reshape(GRID, GRID)
    a, b, c, d = (
        x.reshape(-1) for x in (cell[:-1, :-1], cell[:-1, 1:], cell[1:, 1:], cell[1:, :-1])
    )
    square = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    faces = np.concatenate([square + i * GRID * GRID for i in range(len(OBJECTS))])
    return xyz, rgb, faces


def vertex_ids(ids: str) -> np.ndarray:
    """(N,) what ``labels.ply`` holds, in one convention or the other."""
    column = {"raw": 0, "nyu40": 2}[ids]
    by_name = {row[1]: row[column] for row in TABLE_ROWS}
    return np.repeat([by_name[name] for name in OBJECTS], GRID * GRID).astype(np.uint16)


def write_scene(
    root: Path,
    name: str = "scene0000_00",
    ids: str | None = "nyu40",
    folder: str = "scans",
    table: bool = True,
) -> Path:
    """Write a scene, without labels if `ids` is None, and give its folder."""
    scene = root / folder / name
    scene.mkdir(parents=True)
    xyz, rgb, faces = scene_mesh()
    write_ply(scene / f"{name}_vh_clean_2.ply", xyz, rgb, faces)
    (scene / f"{name}.txt").write_text(
        f"axisAlignment = {ALIGNMENT} \ncolorHeight = {COLOR_SIZE[0]}\ncolorWidth = "
        f"{COLOR_SIZE[1]}\ndepthHeight = {DEPTH_SIZE[0]}\ndepthWidth = {DEPTH_SIZE[1]}\n"
        "sceneType = Kitchen\n"
    )
    if table:
        write_table(root)
    if ids is not None:
        labels = scene / f"{name}_vh_clean_2.labels.ply"
        write_ply(labels, xyz, rgb, faces, vertex_ids(ids))
        write_segments(scene / f"{name}_vh_clean_2.0.010000.segs.json", segment_ids().tolist())
        write_objects(scene / f"{name}.aggregation.json", groups())
    return scene


def segment_ids() -> np.ndarray:
    """(N,) two segments for each object, with numbers that are not consecutive."""
    halves = (np.arange(GRID * GRID) > GRID * GRID // 2).astype(int)
    return np.concatenate([100 * i + 7 * halves for i in range(len(OBJECTS))])


def groups() -> list[dict[str, object]]:
    """One group for each object; the wall's first half only, so that some vertices have none."""
    found: list[dict[str, object]] = []
    for i, name in enumerate(OBJECTS):
        segments = [100 * i, 100 * i + 7] if i else [0]
        found.append({"id": i, "objectId": i, "segments": segments, "label": name})
    return found


def write_segments(path: Path, ids: object) -> None:
    path.write_text(json.dumps({"params": {}, "sceneId": path.stem, "segIndices": ids}))


def write_objects(path: Path, found: object) -> None:
    path.write_text(json.dumps({"sceneId": "scannet.x", "appId": "A", "segGroups": found}))


def write_table(root: Path) -> Path:
    path = root / "scannetv2-labels.combined.tsv"
    lines = ["id\traw_category\tcategory\tcount\tnyu40id\teigen13id\tnyuClass\tnyu40class"]
    lines += [f"{i}\t{raw}\t{raw}\t1\t{nyu}\t1\t{raw}\t{name}" for i, raw, nyu, name in TABLE_ROWS]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_ply(
    path: Path,
    xyz: np.ndarray,
    rgb: np.ndarray,
    faces: np.ndarray,
    labels: np.ndarray | None = None,
) -> None:
    """Write a mesh as ScanNet does, with plyfile."""
    fields = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
    fields += [(color, "u1") for color in ("red", "green", "blue", "alpha")]
    fields += [("label", "<u2")] if labels is not None else []
    vertex = np.zeros(len(xyz), fields)
    for i, axis in enumerate("xyz"):
        vertex[axis] = xyz[:, i]
    for i, color in enumerate(("red", "green", "blue")):
        vertex[color] = rgb[:, i]
    vertex["alpha"] = 255
    if labels is not None:
        vertex["label"] = labels
    face = np.zeros(len(faces), [("vertex_indices", "<i4", (3,))])
    face["vertex_indices"] = faces
    elements = [PlyElement.describe(vertex, "vertex"), PlyElement.describe(face, "face")]
    PlyData(elements, byte_order="<").write(str(path))


def camera_pose(step: int = 0) -> np.ndarray:
    """(4, 4) camera to world, looking along world x, each step 5 cm further to the left."""
    pose = np.eye(4)
    pose[:3, :3] = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    pose[:3, 3] = [0.3, 0.05 * step, 1.2]
    return pose


def room_depth(pose: np.ndarray) -> np.ndarray:
    """DEPTH_SIZE uint16 millimetres of the wall at x = 3 and the floor, one pixel unknown."""
    v = np.arange(DEPTH_SIZE[0])[:, None] * np.ones(DEPTH_SIZE[1])
    down = (v - DEPTH_K[1, 2]) / DEPTH_K[1, 1]
    with np.errstate(divide="ignore"):
        floor = np.where(down > 0, pose[2, 3] / down, np.inf)
    depth = np.rint(np.minimum(3 - pose[0, 3], floor) * 1000).astype(np.uint16)
    depth[0, 0] = 0
    return depth


def room_rgb(step: int = 0) -> np.ndarray:
    """COLOR_SIZE x 3 uint8: red tells the column, green the row, blue the frame."""
    rows, columns = np.indices(COLOR_SIZE)
    return np.stack([columns * 2, rows * 3, np.full(COLOR_SIZE, step)], axis=2).astype(np.uint8)


def room_labels(pose: np.ndarray) -> np.ndarray:
    """COLOR_SIZE uint16: raw ids of the wall (1) and the floor (3) as the colour camera sees them.

    The top row is not annotated.
    """
    down = (np.arange(COLOR_SIZE[0]) - COLOR_K[1, 2]) / COLOR_K[1, 1]
    with np.errstate(divide="ignore"):
        floor = np.where(down > 0, pose[2, 3] / down, np.inf) < 3 - pose[0, 3]
    ids = np.where(floor, 3, 1)
    ids[0] = 0
    return np.repeat(ids[:, None], COLOR_SIZE[1], axis=1).astype(np.uint16)


def write_label_pictures(scene: Path, numbers: Sequence[int], packed: bool) -> Path:
    """Write ``label-filt``, as a folder or packed as ScanNet distributes it."""
    folder, archive = scene / "label-filt", scene / f"{scene.name}_2d-label-filt.zip"
    if not packed:
        folder.mkdir()
        for i in numbers:
            Image.fromarray(room_labels(camera_pose(i))).save(folder / f"{i}.png")
        return folder
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for i in numbers:
            out = io.BytesIO()
            Image.fromarray(room_labels(camera_pose(i))).save(out, "PNG")
            file.writestr(f"label-filt/{i}.png", out.getvalue())
    return archive


def encoded(rgb: np.ndarray, format: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, format, **({"quality": 95} if format == "JPEG" else {}))
    return out.getvalue()


def write_sens(
    path: Path,
    num_frames: int = 3,
    color: int = 1,
    depth: int = 1,
    lost: Sequence[int] = (),
    **changed: object,
) -> Path:
    """Write a version-4 stream; ``color`` and ``depth`` are the numbers of the compressions."""
    head: dict[str, object] = {
        "version": 4, "color_size": COLOR_SIZE, "depth_size": DEPTH_SIZE, "shift": 1000.0,
        "frames": num_frames, "name": b"StructureSensor", **changed,
    }  # fmt: skip
    name, (ch, cw), (dh, dw) = head["name"], head["color_size"], head["depth_size"]  # type: ignore[misc]
    data = struct.pack("<IQ", head["version"], len(name)) + name  # type: ignore[arg-type]
    for K in (COLOR_K, None, DEPTH_K, None):
        matrix = np.eye(4)
        if K is not None:
            matrix[:3, :3] = K
        data += matrix.astype("<f4").tobytes()
    data += struct.pack("<2i4IfQ", color, depth, cw, ch, dw, dh, head["shift"], head["frames"])
    for i in range(num_frames):
        pose = np.full((4, 4), -np.inf) if i in lost else camera_pose(i)
        rgb = room_rgb(i)
        picture = rgb.tobytes() if color == 0 else encoded(rgb, {1: "PNG", 2: "JPEG"}[color])
        depths = room_depth(camera_pose(i)).astype("<u2").tobytes()
        depths = zlib.compress(depths) if depth == 1 else depths
        data += pose.astype("<f4").tobytes()
        data += struct.pack("<4Q", 1_000_000 * i, 1_000_000 * i + 5, len(picture), len(depths))
        data += picture + depths
    path.write_bytes(data)
    return path


def write_exported(folder: Path, num_frames: int = 3, lost: Sequence[int] = ()) -> Path:
    """Write frames as SensReader exports them."""
    for name in ("color", "depth", "pose", "intrinsic"):
        (folder / name).mkdir(parents=True)
    for i in range(num_frames):
        (folder / "color" / f"{i}.jpg").write_bytes(encoded(room_rgb(i), "JPEG"))
        Image.fromarray(room_depth(camera_pose(i))).save(folder / "depth" / f"{i}.png")
        pose = np.full((4, 4), -np.inf) if i in lost else camera_pose(i)
        np.savetxt(folder / "pose" / f"{i}.txt", pose, fmt="%f")
    for name, K in (("color", COLOR_K), ("depth", DEPTH_K)):
        matrix = np.eye(4)
        matrix[:3, :3] = K
        np.savetxt(folder / "intrinsic" / f"intrinsic_{name}.txt", matrix, fmt="%f")
    return folder


def write_seven_scenes(folder: Path, num_frames: int = 4, intrinsics: bool = True) -> Path:
    """Write frames as 7-Scenes does: colour and depth of one size, 65535 where nothing is known."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(num_frames):
        name = folder / f"frame-{i * 10:06d}"
        depth = room_depth(camera_pose(i))
        depth[0, 1] = 65535
        rgb = room_rgb(i)[: DEPTH_SIZE[0], : DEPTH_SIZE[1]]
        Image.fromarray(rgb).save(f"{name}.color.png")
        Image.fromarray(depth).save(f"{name}.depth.png")
        np.savetxt(f"{name}.pose.txt", camera_pose(i))
    if intrinsics:
        np.savetxt(folder / "camera-intrinsics.txt", DEPTH_K)
    return folder


def write_room(
    root: Path,
    objects: Mapping[str, Sequence[str]],
    area: str = "Area_1",
    room: str = "office_1",
    in_room: Sequence[str] | None = None,
) -> Path:
    """Write a room of S3DIS; `objects` are the lines of each annotation file by its stem."""
    folder = root / "Stanford3dDataset_v1.2_Aligned_Version" / area / room
    (folder / "Annotations").mkdir(parents=True)
    for stem, lines in objects.items():
        text = "".join(f"{line}\n" for line in lines)
        (folder / "Annotations" / f"{stem}.txt").write_text(text)
    lines = [line for part in objects.values() for line in part] if in_room is None else in_room
    (folder / f"{room}.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder
