"""Annotated boxes of nuScenes: their index, and the labels that points take from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.data.readers.nuscenes.index import BoxIndex, Index, placed
from pcseg.data.readers.nuscenes.rows import Row, read_rows
from pcseg.data.readers.nuscenes.tables import placement

DETECTION = (
    "movable_object.barrier",
    "vehicle.bicycle",
    "vehicle.bus.bendy",
    "vehicle.bus.rigid",
    "vehicle.car",
    "vehicle.construction",
    "vehicle.motorcycle",
    "human.pedestrian.adult",
    "human.pedestrian.child",
    "human.pedestrian.construction_worker",
    "human.pedestrian.police_officer",
    "movable_object.trafficcone",
    "vehicle.trailer",
    "vehicle.truck",
)
"""Categories with a class in the detection task; labels from boxes are of these first."""


def build_box_index(tables: Path, index: Index) -> BoxIndex:
    """Read instance.json and sample_annotation.json.

    Raises:
        DataError: for a missing or broken table, a token without a row, or an impossible box.
    """
    category_of = {
        row.text("token"): number for number, row in enumerate(read_rows(tables / "category.json"))
    }
    objects: dict[str, tuple[int, int]] = {}
    for row in read_rows(tables / "instance.json"):
        if row.text("category_token") not in category_of:
            raise row.dangling("category_token", "category")
        objects[row.text("token")] = (len(objects) + 1, category_of[row.text("category_token")])
    frame_of = {token.decode(): frame for frame, token in enumerate(index.frame_token.tolist())}
    frames, instances, categories, boxes, sizes = [], [], [], [], []
    for row in read_rows(tables / "sample_annotation.json"):
        if row.text("sample_token") not in frame_of:
            raise row.dangling("sample_token", "sample")
        if row.text("instance_token") not in objects:
            raise row.dangling("instance_token", "instance")
        instance, category = objects[row.text("instance_token")]
        frames.append(frame_of[row.text("sample_token")])
        instances.append(instance)
        categories.append(category)
        boxes.append(placement(row))
        sizes.append(_size(row))
    order = np.argsort(np.array(frames, np.int64), kind="stable")
    counts = np.bincount(np.array(frames, np.int64), minlength=len(frame_of))
    return BoxIndex(
        start=np.cumsum([0, *counts]),
        category=np.array(categories, np.int32)[order],
        instance=np.array(instances, np.int32)[order],
        box=np.array(boxes, np.float64).reshape(-1, 7)[order],
        size=np.array(sizes, np.float64).reshape(-1, 3)[order],
    )


def _size(row: Row) -> list[float]:
    size = row.numbers("size", 3)
    if min(size) < 0 or max(size) > 1000:
        raise row.error(f"a box of {size} m cannot be")
    return size


def label_points(
    world: np.ndarray, boxes: BoxIndex, frame: int, ids: np.ndarray, first: np.ndarray, outside: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels from boxes, as xMUDA (Jaritz et al., CVPR 2020) makes them.

    A point takes the category of the box it lies in (borders included). Where boxes overlap, one
    with a class in the detection task comes before one without, and a later row of the table before
    an earlier one. xMUDA looks at the boxes in sight of the front camera only; here all count.

    Args:
        world: (N, 3) float64 points in world coordinates.
        boxes: of the whole version.
        frame: whose boxes are taken.
        ids: (categories,) raw id of each category.
        first: (categories,) bool, which have a class in the detection task.
        outside: raw id of points in no box.

    Returns:
        (N,) int64 raw ids and (N,) int64 instances, 0 for none.
    """
    labels = np.full(len(world), outside, np.int64)
    instances = np.zeros(len(world), np.int64)
    numbers = np.arange(boxes.start[frame], boxes.start[frame + 1])
    numbers = numbers[np.argsort(first[boxes.category[numbers]], kind="stable")]
    order = np.argsort(world[:, 0], kind="stable")  # so that a box looks at a slice only
    along = world[order, 0]
    for number in numbers.tolist():
        width, length, height = boxes.size[number]
        place = placed(boxes.box[number])
        reach = float(np.linalg.norm([width, length, height])) / 2
        start, stop = np.searchsorted(along, [place[0, 3] - reach, place[0, 3] + reach])
        near = order[start:stop]
        local = np.abs((world[near] - place[:3, 3]) @ place[:3, :3])
        inside = near[(local <= np.array([length, width, height]) / 2).all(1)]
        labels[inside] = ids[boxes.category[number]]
        instances[inside] = boxes.instance[number]
    return labels, instances
