"""Prepared data: any dataset's scans as one file each, that loads at the speed of the disk.

A prepared folder holds ``prepared.json``, the manifest, and ``<sequence>/<frame>.npz``. Its scans
are those of the dataset's own reader, bit by bit; `pcseg.data_prep` writes it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import Reader
from pcseg.data.scan import Scan
from pcseg.errors import DataError
from pcseg.files import read_json
from pcseg.io.numpy_files import read_arrays, write_arrays

MANIFEST = "prepared.json"
FORMAT = "pcseg-prepared/1"
JOURNAL = "unfinished.jsonl"
"""Stands beside the scans for as long as the manifest is not written."""

_BYTES = "bytes of "
"""Marks attributes stored as 0..255 that are that number over 255, exactly."""


@dataclass(frozen=True)
class Manifest:
    """What a prepared folder says of itself.

    Attributes:
        dataset: as the catalogue lists it.
        label_map: whose raw ids the labels are.
        splits: conventions of the dataset, see `Reader.split_table`.
        split: that was prepared.
        options: of the reader.
        version: of pcseg.
        simulated: whether the data were made by `pcseg.sim`.
        items: facts of every scan, in the reader's order: points, bytes, sha256, and source.
    """

    dataset: str
    label_map: str
    splits: dict[str, dict[str, list[str]]]
    split: str
    options: dict[str, Any]
    version: str
    simulated: bool
    items: dict[FrameId, dict[str, Any]]


class Prepared(Reader):
    """The scans of a prepared folder, with splits and labels as in the original dataset."""

    name: str = "prepared"
    frame_files = "prepared scan"

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        label_set: str | LabelSet | None = None,
        *,
        sequences: Sequence[str] | None = None,
        labels: str = "optional",
        invalid: str = "error",
        every: int = 1,
    ) -> None:
        """Read the manifest and find the scans of a split; see `Reader`."""
        self.manifest = read_manifest(Path(root))
        self.name = self.manifest.dataset
        super().__init__(
            root,
            split,
            label_set,
            sequences=sequences,
            labels=labels,
            invalid=invalid,
            every=every,
        )
        self.simulated = self.manifest.simulated

    def point_counts(self) -> np.ndarray:
        """(F,) int64 points of each scan, from the manifest."""
        return np.array([self.manifest.items[f]["points"] for f in self.frames], np.int64)

    def split_table(self) -> dict[str, dict[str, list[str]]]:
        """Those that the dataset had when it was prepared."""
        return self.manifest.splits

    def _map_name(self, root: Path) -> str:
        return self.manifest.label_map

    def _locate(self, root: Path) -> Path:
        return root

    def _sequences_there(self) -> list[str]:
        return list(self._names)

    def _frames_there(self, sequence: str) -> list[str]:
        return self._names[sequence]

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """Frames by sequence, in order."""
        found: dict[str, list[str]] = {}
        for frame in self.manifest.items:
            found.setdefault(frame.sequence, []).append(frame.frame)
        return found

    def _is_labelled(self, frame: FrameId) -> bool:
        return bool(self.manifest.items[frame]["labelled"])

    def _raw_scan(self, frame: FrameId) -> Scan:
        scan = load_scan(scan_path(self.folder, frame))
        return scan if self._has_labels(frame) else scan.replace(raw_labels=None, instances=None)

    def _label_source(self, frame: FrameId) -> Path:
        return scan_path(self.folder, frame)

    def _files(self, index: int) -> list[Path]:
        return [scan_path(self.folder, self.frames[index])]

    def _count_points(self, index: int) -> int:
        return int(self.manifest.items[self.frames[index]]["points"])


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a prepared folder.

    Raises:
        DataError: if it is missing, damaged, or of another format.
    """
    path = folder / MANIFEST
    if (folder / JOURNAL).is_file():
        raise DataError(
            f"{folder / JOURNAL}: the preparation is not finished. "
            "Run the same `pcseg prepare` again: it goes on."
        )
    if not path.is_file():
        raise DataError(f"{path}: missing, so this is no prepared folder. See `pcseg prepare -h`.")
    data = read_json(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = data.get("format") if isinstance(data, dict) else type(data).__name__
        raise DataError(f"{path}: format '{found}', not '{FORMAT}'. Prepare the data again.")
    try:
        if data["items_sha256"] != items_sha256(data["items"]):
            raise ValueError("its items were changed")
        items = {FrameId(str(row["sequence"]), str(row["frame"])): row for row in data["items"]}
        for row in data["items"]:
            if not (isinstance(row["points"], int) and isinstance(row["labelled"], bool)):
                raise TypeError("points and labelled")
        if len(items) != len(data["items"]):
            raise ValueError("a scan is listed twice")
        for frame in items:
            scan_path(folder, frame)
        return Manifest(
            dataset=str(data["dataset"]),
            label_map=str(data["label_map"]),
            splits={
                str(convention): {str(k): [str(s) for s in v] for k, v in table.items()}
                for convention, table in data["splits"].items()
            },
            split=str(data["split"]),
            options=dict(data["options"]),
            version=str(data["version"]),
            simulated=bool(data["simulated"]),
            items=items,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path}: not a whole manifest ({type(error).__name__}: {error}). "
            "Run the same `pcseg prepare` again: it keeps the scans that are sound."
        ) from error


def is_prepared(folder: Path) -> bool:
    """Whether a folder holds prepared scans, or the beginning of some."""
    return (folder / MANIFEST).is_file() or (folder / JOURNAL).is_file()


def items_sha256(items: Sequence[Mapping[str, Any]]) -> str:
    """The checksum by which a manifest vouches for its list of scans."""
    return hashlib.sha256(json.dumps(items, sort_keys=True).encode()).hexdigest()


def scan_path(folder: Path, frame: FrameId) -> Path:
    """Where the scan of a frame lies.

    Raises:
        DataError: for names that would lead elsewhere.
    """
    for word in frame:
        if word and (not re.fullmatch(r"[\w .+-]+", word) or word.startswith(".")):
            raise DataError(f"{folder}: '{word}' cannot be the name of a sequence or a frame.")
    return folder / frame.sequence / f"{frame.frame}.npz"


def save_scan(path: Path, scan: Scan) -> None:
    """Write a scan as the reader of its dataset gave it, without train ids and pictures.

    Ids take the smallest type that holds them. Attributes that came from bytes go back into bytes.
    """
    arrays: dict[str, Any] = {"xyz": scan.xyz}
    for name, values in scan.attrs.items():
        whole = _as_bytes(values)
        arrays[f"attr {name}" if whole is None else f"{_BYTES}{name}"] = (
            values if whole is None else whole
        )
    for name in ("raw_labels", "instances"):
        values = getattr(scan, name)
        if values is not None:
            arrays[name] = values.astype(_smallest(values))
    if scan.pose is not None:
        arrays["pose"] = scan.pose
    plain = {k: v for k, v in scan.meta.items() if k not in ("path", "things")}
    for name, value in list(plain.items()):
        if isinstance(value, np.ndarray):
            arrays[f"meta {name}"] = plain.pop(name)
    text = json.dumps(plain, sort_keys=True, default=_as_list)
    arrays["meta"] = np.frombuffer(text.encode(), np.uint8)
    write_arrays(path, arrays)


def load_scan(path: Path) -> Scan:
    """The inverse of `save_scan`.

    Raises:
        DataError: for a damaged file, or one that is no scan.
    """
    if not path.is_file():
        raise DataError(f"{path}: missing. Run the same `pcseg prepare` again.")
    arrays = read_arrays(path)
    try:
        meta = json.loads(arrays.pop("meta").tobytes())
        fields: dict[str, Any] = {"xyz": arrays.pop("xyz"), "attrs": {}}
        for name, values in arrays.items():
            kind, _, rest = name.partition(" ")
            if name.startswith(_BYTES):
                fields["attrs"][name[len(_BYTES) :]] = values / np.float32(255)
            elif kind == "attr":
                fields["attrs"][rest] = values
            elif kind == "meta":
                meta[rest] = values
            else:
                ids = name in ("raw_labels", "instances")
                fields[name] = values.astype(np.int64) if ids else values
        return Scan(**fields, meta={**meta, "path": str(path)})
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: not a prepared scan ({type(error).__name__}: {error}). "
            "Delete it and run the same `pcseg prepare` again."
        ) from error


def _smallest(values: np.ndarray) -> np.dtype[Any]:
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    return np.result_type(np.min_scalar_type(low), np.min_scalar_type(high))


def _as_bytes(values: np.ndarray) -> np.ndarray | None:
    """0..255 if each of the float32 values is exactly such a number over 255."""
    if values.dtype != np.float32 or not len(values) or not np.isfinite(values).all():
        return None
    if values.min() < 0 or values.max() > 1:
        return None
    whole = np.rint(values * np.float32(255)).astype(np.uint8)
    return whole if np.array_equal(whole / np.float32(255), values) else None


def _as_list(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")
