"""Your own data: a folder of point files in any format and one label map, without any code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pcseg.data.dataset import FileDataset, FrameId
from pcseg.data.invalid import INVALID_POLICIES, settle_invalid
from pcseg.data.labels import LabelSet, map_data, read_label_set
from pcseg.data.labels import label_set as shipped_label_set
from pcseg.data.reader import LABEL_MODES, check_choice, check_every
from pcseg.data.readers.generic.files import choose_split, find_point_files, label_file, read_labels
from pcseg.data.readers.kitti.files import read_label_file
from pcseg.data.scan import Scan
from pcseg.errors import LabelError
from pcseg.io import FORMATS, PointFile, read_points, to_scan

LABEL_MAPS = ("labels.yaml", "labels.yml", "label_map.yaml")

_EXAMPLE = """\
dataset: mine
sets:
  main:
    names: [ground, building]
    raw_to_train: {0: -1, 1: 0, 2: 1}"""


class Generic(FileDataset):
    """A folder of point files.

    Labels are taken from the files themselves (ply, las, npz, pcd…) or from files beside them, see
    `pcseg.data.readers.generic.files.label_file`. Large coordinates are kept exact: what was
    subtracted is in ``meta["offset"]``.
    """

    name: str = "generic"

    def __init__(
        self,
        root: str | Path,
        split: str = "all",
        label_set: str | LabelSet | None = None,
        *,
        label_map: str | Path | None = None,
        labels: str = "optional",
        invalid: str = "error",
        fractions: Mapping[str, float] | None = None,
        seed: int = 0,
        suffix: str | None = None,
        columns: str | None = None,
        intensity_max: float | None = None,
        every: int = 1,
    ) -> None:
        """Find the files of a split.

        Args:
            root: the folder, or a single file.
            split: ``all``; ``train``, ``val``, ``test`` by `fractions`, by ``splits`` in the label
                map, by lists (``train.txt``) or by folders (``train/``); or names of folders.
            label_set: a set of the label map, a shipped one (``semantic_kitti/sk19``), or itself.
            label_map: YAML file with the classes; ``labels.yaml`` in `root` by default.
            labels: ``optional``, ``required``, ``only`` (files known to have none are left out;
                one that turns out to have none when it is read is an error) or ``none``.
            invalid: NaN and infinite points: ``error``, or ``ignore`` (see `settle_invalid`).
            fractions: share of each split, for example ``{"train": 0.8, "val": 0.2}``.
            seed: of the shuffle for fractions; changes which files fall into which.
            suffix: take only files that end so.
            columns: names of the columns in files that do not name them, see `read_points`.
            intensity_max: what intensities are divided by; by default guessed for each file.
            every: take each n-th file only.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if there are no such files.
            LabelError: if there is no label map.
        """
        check_choice("labels", labels, LABEL_MODES)
        check_choice("invalid", invalid, INVALID_POLICIES)
        check_every(every)
        self.root, self.split = Path(root), split
        self._labels, self._invalid = labels, invalid
        self._columns, self._intensity_max = columns, intensity_max
        self.label_set, rules = _resolve(self.root, label_set, label_map)
        paths = self._point_files(suffix)
        paths = choose_split(self.root, paths, split, fractions or rules, seed)
        if labels == "only":
            paths = self._labelled(paths)
        self.paths = paths[::every]
        self.frames = [self._frame(path) for path in self.paths]

    def _point_files(self, suffix: str | None) -> list[Path]:
        return find_point_files(self.root, suffix)

    def _read(self, index: int) -> Scan:
        path, frame = self.paths[index], self.frames[index]
        scan = to_scan(
            self._points(path),
            intensity_max=self._intensity_max,
            dataset=self.name,
            sequence=frame.sequence,
            frame=frame.frame,
            path=str(path),
        )
        return settle_invalid(self._with_labels(scan, path), self._invalid)

    def _with_labels(self, scan: Scan, path: Path) -> Scan:
        if self._labels == "none":
            return scan.replace(raw_labels=None, instances=None)
        beside = label_file(path)
        if beside is not None and beside.suffix == ".label":
            raw, instances = read_label_file(beside, path, len(scan))
            scan = scan.replace(raw_labels=raw, instances=instances)
        elif beside is not None:
            scan = scan.replace(raw_labels=read_labels(beside, path, len(scan)))
        if scan.raw_labels is None:
            if self._labels in ("required", "only"):
                raise LabelError(
                    f"{path}: has no labels, neither inside nor beside it. Put them into "
                    f"{path.stem}.label or {path.stem}.labels.npy, or use labels=optional."
                )
            return scan
        labels = self.label_set.encode(scan.raw_labels, beside or path)
        meta = {**scan.meta, "things": self.label_set.thing_classes}
        return scan.replace(labels=labels, meta=meta)

    def _labelled(self, paths: list[Path]) -> list[Path]:
        """Files with labels beside them, and those of a folder and format that has them inside."""
        inside: dict[tuple[Path, str], bool] = {}
        kept = []
        for path in paths:
            if label_file(path) is None:
                key = (path.parent, path.suffix)
                if key not in inside:
                    inside[key] = self._points(path).labels is not None
                if not inside[key]:
                    continue
            kept.append(path)
        if not kept:
            raise LabelError(
                f"{self.root}: none of the {len(paths)} files of split '{self.split}' has labels, "
                f"for example {paths[0].name}. Put them beside as {paths[0].stem}.label or "
                f"{paths[0].stem}.labels.npy, or into a folder labels/."
            )
        return kept

    def _files(self, index: int) -> list[Path]:
        beside = label_file(self.paths[index])
        return [self.paths[index], *([beside] if beside else [])]

    def _reading(self) -> str:
        return f"{self._invalid} {self._labels == 'none'} {self._columns}"

    def _count_points(self, index: int) -> int:
        return len(self._points(self.paths[index]))

    def _points(self, path: Path) -> PointFile:
        unnamed = FORMATS[path.suffix.lower()].unnamed
        return read_points(path, self._columns if unnamed else None)

    def _frame(self, path: Path) -> FrameId:
        if path == self.root:
            return FrameId("", path.stem)
        folder = path.parent.relative_to(self.root).as_posix()
        return FrameId("" if folder == "." else folder, path.stem)


def _resolve(
    root: Path, given: str | LabelSet | None, label_map: str | Path | None
) -> tuple[LabelSet, dict[str, Any]]:
    """The label set, and the split rules of its map."""
    folder = root if root.is_dir() else root.parent
    found = [folder / name for name in LABEL_MAPS if (folder / name).is_file()]
    path = Path(label_map) if label_map is not None else (found[0] if found else None)
    rules: dict[str, Any] = {}
    if path is not None and not path.is_file() and (folder / path).is_file():
        path = folder / path
    if path is not None:
        rules = map_data(path).get("splits") or {}
    if isinstance(given, LabelSet):
        return given, rules
    if given is not None and "/" in given:
        return shipped_label_set(given), rules
    if path is not None:
        return read_label_set(path, given), rules
    if given is not None:
        return shipped_label_set(given), rules
    raise LabelError(
        f"{folder}: no label map. Write {folder / LABEL_MAPS[0]} with your classes, for example:\n"
        f"{_EXAMPLE}\nor name one with label_map=, or a shipped set with label_set=."
    )
