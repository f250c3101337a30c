"""The datasets pcseg reads: a name for each reader, and its facts from its label map."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

from pcseg.data.dataset import ScanDataset
from pcseg.data.labels import LabelSet, map_data
from pcseg.data.prepared import Prepared, is_prepared, read_manifest
from pcseg.errors import ConfigError, DataError
from pcseg.hints import did_you_mean

DATASETS = {
    "semantickitti": "pcseg.data.readers.kitti.semantickitti:SemanticKITTI",
    "semanticposs": "pcseg.data.readers.kitti.semanticposs:SemanticPOSS",
    "semanticstf": "pcseg.data.readers.kitti.semanticstf:SemanticSTF",
    "synlidar": "pcseg.data.readers.kitti.synlidar:SynLiDAR",
    "simkitti32": "pcseg.data.readers.kitti.simkitti32:SimKITTI32",
    "semantickitti_c": "pcseg.data.readers.kitti.robo3d:SemanticKITTIC",
    "rellis3d": "pcseg.data.readers.kitti.rellis3d:Rellis3D",
    "parisluco3d": "pcseg.data.readers.generic.parisluco3d:ParisLuco3D",
    "pandaset": "pcseg.data.readers.pandaset.reader:PandaSet",
    "a2d2": "pcseg.data.readers.a2d2.reader:A2D2",
    "las": "pcseg.data.readers.generic.las:Las",
    "nuscenes": "pcseg.data.readers.nuscenes.reader:NuScenes",
    "scannet": "pcseg.data.readers.scannet.reader:ScanNet",
    "s3dis": "pcseg.data.readers.s3dis.reader:S3DIS",
    "rgbd": "pcseg.data.readers.rgbd.reader:RGBD",
    "waymo": "pcseg.data.readers.waymo.reader:Waymo",
    "kitti360": "pcseg.data.readers.kitti360.reader:KITTI360",
    "generic": "pcseg.data.readers.generic.reader:Generic",
}
"""Reader of each dataset, as ``module:class``."""


def open_dataset(
    name: str,
    root: str | Path,
    split: str,
    label_set: str | LabelSet | None = None,
    **options: Any,
) -> ScanDataset:
    """Open a dataset by name.

    Args:
        name: one of `DATASETS`.
        root: its folder, or one that `pcseg prepare` made of it.
        split: ``train``, ``val``, ``test``, ``all``, or what else the reader understands.
        label_set: a label set or its name; the dataset's first by default.
        options: settings of the reader (see its class).

    Raises:
        ConfigError: for a dataset or an option that does not exist, with a suggestion.
        DataError: if its files are missing or damaged, or were prepared from another dataset.
    """
    reader = _reader(name)
    if is_prepared(Path(root)):
        made_from = read_manifest(Path(root)).dataset
        if made_from != name:
            raise DataError(f"{root}: was prepared from '{made_from}', not from '{name}'.")
        reader = Prepared
    known = [key for key in inspect.signature(reader).parameters if key not in _GIVEN]
    for key in options:
        if key not in known:
            raise ConfigError(
                f"dataset '{name}' has no option '{key}'{did_you_mean(key, known)}. "
                f"Options: {', '.join(known)}."
            )
    dataset: ScanDataset = reader(root, split, label_set, **options)
    return dataset


def dataset_facts(name: str) -> dict[str, str]:
    """What ``pcseg ls datasets`` shows: title, licence, sensors, scans, citation, url and classes.

    Raises:
        ConfigError: if there is no such dataset.
    """
    label_map = getattr(_reader(name), "label_map", None)
    if label_map is None:
        return {
            "title": "your own files",
            "licence": "yours",
            "sensors": "any",
            "classes": "from your labels.yaml",
        }
    data = map_data(label_map)
    sets = {key: len(table["names"]) for key, table in data["sets"].items()}
    facts = {key: str(value) for key, value in data["facts"].items()}
    return {**facts, "classes": ", ".join(f"{key} ({n})" for key, n in sets.items())}


def default_label_set(name: str) -> str | None:
    """The name of the label set a dataset is read with by default; None if it is the user's own.

    Raises:
        ConfigError: if there is no such dataset.
    """
    return getattr(_reader(name), "label_map", None)


_GIVEN = ("root", "split", "label_set")


def _reader(name: str) -> type:
    if name not in DATASETS:
        raise ConfigError(
            f"there is no dataset '{name}'{did_you_mean(name, list(DATASETS))}. "
            f"Datasets: {', '.join(DATASETS)}."
        )
    module, _, cls = DATASETS[name].partition(":")
    reader: type = getattr(importlib.import_module(module), cls)
    return reader
