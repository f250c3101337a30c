"""Roles: which raw ids of a dataset are ground and objects, and what its sensor is like."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from pcseg.data.catalogue import DATASETS, default_label_set
from pcseg.data.labels import label_set, list_label_sets
from pcseg.data.rings import ring_numbers
from pcseg.data.scan import IGNORE, Scan
from pcseg.errors import LabelError


@dataclass(frozen=True)
class Roles:
    """What the corruptions know of a dataset.

    Attributes:
        dataset: its name.
        ground: raw ids of flat, paved ground; empty if not known.
        objects: raw ids of each class of vehicles and cycles; empty if not known.
        beams: of the sensor; 0 if not known.
        noise: raw ids that Robo3D's files give to fog, snow and crosstalk.
        crosstalk: share of the points at each severity.
        wet_noise_floor: of wet ground at each severity.
    """

    dataset: str
    ground: tuple[int, ...] = ()
    objects: tuple[tuple[int, ...], ...] = ()
    beams: int = 0
    noise: tuple[int, int, int] = (IGNORE, IGNORE, IGNORE)
    crosstalk: tuple[float, float, float] = (0.006, 0.008, 0.01)
    wet_noise_floor: tuple[float, float, float] = (0.3, 0.3, 0.7)


_PUBLISHED = {
    # Road, parking, sidewalk and other ground; car to other-vehicle of the 19 classes.
    "semantickitti": Roles(
        "semantickitti",
        ground=(40, 44, 48, 49, 60),
        objects=((10, 252), (11,), (15,), (18, 258), (13, 16, 20, 256, 257, 259)),
        beams=64,
        noise=(21, 22, 23),
    ),
    # Drivable, other flat and sidewalk; bicycle, bus, car, construction vehicle, motorcycle,
    # trailer and truck of the 16 classes. Robo3D states crosstalk for light only (0.03); the
    # others grow here as SemanticKITTI's do.
    "nuscenes": Roles(
        "nuscenes",
        ground=(24, 25, 26),
        objects=((14,), (15, 16), (17,), (18,), (21,), (22,), (23,)),
        beams=32,
        noise=(41, 42, 43),
        crosstalk=(0.03, 0.04, 0.05),
        wet_noise_floor=(0.2, 0.3, 0.7),
    ),
}


@cache
def roles_of(dataset: str) -> Roles:
    """The roles in a dataset: Robo3D's where it has them, else from the house's label tree.

    The nodes drivable and sidewalk of the label set ``dg_l2`` are ground (``flat-ground`` of
    ``dg_l3`` where no raw id is either), its vehicles and two-wheelers the objects.
    """
    if dataset in _PUBLISHED:
        return _PUBLISHED[dataset]
    label_map = default_label_set(dataset) if dataset in DATASETS else None
    if label_map is None or f"{label_map}/dg_l2" not in list_label_sets():
        return Roles(dataset)
    fine, coarse = (_by_name(f"{label_map}/dg_{level}") for level in ("l2", "l3"))
    ground = fine.get("drivable", ()) + fine.get("sidewalk", ()) or coarse.get("flat-ground", ())
    kinds = ("car", "large-vehicle", "two-wheeler")
    objects = tuple(fine[kind] for kind in kinds if kind in fine)
    return Roles(dataset, ground, objects or tuple(filter(None, [coarse.get("vehicle")])))


def ground_of(scan: Scan, roles: Roles) -> np.ndarray:
    """(N,) bool: points on paved ground, by their labels.

    Raises:
        LabelError: if there are no raw labels, or it is not known which are ground.
    """
    return np.isin(_raw(scan, roles.ground, "the ground"), roles.ground)


def objects_of(scan: Scan, roles: Roles) -> list[np.ndarray]:
    """(M,) int64 points of each class of objects, by their labels.

    Raises:
        LabelError: if there are no raw labels, or it is not known which are objects.
    """
    raw = _raw(scan, roles.objects, "the objects")
    return [np.flatnonzero(np.isin(raw, ids)) for ids in roles.objects]


def beams_of(scan: Scan, roles: Roles) -> tuple[np.ndarray, int]:
    """(N,) int64 beam of each point, and how many beams the sensor has.

    That is what is known of the dataset, unless the scan shows a very different number: other
    sensors, too, write files in a dataset's layout.
    """
    rings = ring_numbers(scan)
    found = int(rings.max()) + 1
    if abs(found - roles.beams) > roles.beams // 8:
        return rings, found
    return rings.clip(max=roles.beams - 1), roles.beams


def ignored(scan: Scan, chosen: np.ndarray, raw_id: int) -> Scan:
    """The scan with the `chosen` points (N,) bool not scored: they show something else now."""
    labels, raw, instances = scan.labels, scan.raw_labels, scan.instances
    return scan.replace(
        labels=None if labels is None else np.where(chosen, IGNORE, labels),
        raw_labels=None if raw is None else np.where(chosen, raw_id, raw),
        instances=None if instances is None else np.where(chosen, 0, instances),
    )


def _raw(scan: Scan, known: tuple[object, ...], what: str) -> np.ndarray:
    if scan.raw_labels is None:
        raise LabelError(
            f"{scan.name}: this corruption finds {what} by the labels, and there are none. "
            "Use labelled scans, or another corruption."
        )
    if not known:
        raise LabelError(
            f"{scan.name}: which raw ids are {what} is not known for the dataset "
            f"'{scan.meta.get('dataset', '')}'. It can be told where the label map has the set "
            "'dg_l2'."
        )
    return scan.raw_labels


def _by_name(name: str) -> dict[str, tuple[int, ...]]:
    """Raw ids of each class of a label set that has any."""
    table = label_set(name)
    found: dict[str, tuple[int, ...]] = {}
    for raw_id, train_id in sorted(table.raw_to_train.items()):
        if train_id != IGNORE:
            found[table.names[train_id]] = (*found.get(table.names[train_id], ()), raw_id)
    return found
