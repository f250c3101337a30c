"""Submissions: the archive that the SemanticKITTI test server takes, written and validated."""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from pcseg.data import LabelSet, label_set
from pcseg.data.readers.kitti.family import sequences_folder
from pcseg.data.readers.kitti.files import count_points
from pcseg.data.splits import splits
from pcseg.errors import DataError
from pcseg.files import atomic_path

_DATASET = "semantic_kitti"
_BYTES_PER_LABEL = 4
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Entries bear no clock time: equal predictions give equal archives."""

_OPTIONAL = ("description.txt",)
_ENTRY = re.compile(r"sequences/(\d+)/predictions/(\d+)\.label")
_FLAG_ENCRYPTED = 0x1
_UNIX_LINK = 0o120000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fault:
    """Something the server would refuse or score as wrong.

    Attributes:
        entry: name in the archive, or the archive itself.
        problem: what is wrong with it.
    """

    entry: str
    problem: str

    def __str__(self) -> str:
        return f"{self.entry}: {self.problem}"


def write_submission(
    predictions: str | os.PathLike[str],
    out: str | os.PathLike[str],
    sequences: Sequence[str] | None = None,
    description: str = "",
    progress: Progress | None = None,
) -> int:
    """Pack a folder of predictions for the server, atomically.

    Args:
        predictions: folder with ``sequences/SS/predictions/NNNNNN.label``, as `write_prediction`
            makes it.
        out: the ``.zip`` to write.
        sequences: folder names; the official test sequences by default.
        description: text for ``description.txt``, left out if empty.
        progress: called with (files packed, files in all).

    Returns:
        The number of label files packed.

    Raises:
        DataError: if a sequence has no predictions, naming all such, or `out` is no ``.zip``.
    """
    root = Path(predictions)
    root = root.parent if root.name == "sequences" else root
    chosen = sorted(sequences or server_sequences())
    files = {s: _visible(root / "sequences" / s / "predictions", "*.label") for s in chosen}
    missing = [sequence for sequence in chosen if not files[sequence]]
    if missing:
        raise DataError(
            f"{root}: no predictions of sequence {', '.join(missing)} (looked for "
            f"sequences/{missing[0]}/predictions/*.label). Run predict on these sequences first."
        )
    if Path(out).suffix != ".zip":
        raise DataError(f"{out}: the server takes a .zip. Give a name that ends so.")
    with (
        atomic_path(out) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        count = 0
        _add(archive, "sequences/", b"")
        for sequence, labels in files.items():
            _add(archive, f"sequences/{sequence}/", b"")
            _add(archive, f"sequences/{sequence}/predictions/", b"")
            for path in labels:
                _add(archive, f"sequences/{sequence}/predictions/{path.name}", path.read_bytes())
                count += 1
                if progress is not None:
                    progress(count, sum(map(len, files.values())))
        if description:
            _add(archive, "description.txt", description.encode())
    return count


def validate_submission(
    archive: str | os.PathLike[str],
    dataset_root: str | os.PathLike[str],
    sequences: Sequence[str] | None = None,
    classes: LabelSet | None = None,
    progress: Progress | None = None,
) -> list[Fault]:
    """Check an archive as the server does, and its labels too, without extracting anything.

    Args:
        archive: the ``.zip``, which may come from anybody.
        dataset_root: folder that holds ``sequences/SS/velodyne``, or its parent.
        sequences: folder names; the official test sequences by default.
        classes: label set whose raw ids may be predicted.
        progress: called with (entries checked, entries in all).

    Returns:
        Every fault found; an empty list means that the archive can be sent.

    Raises:
        DataError: if the dataset has no scans of the sequences, or one is cut short.
    """
    path = Path(archive)
    expected = _expected_sizes(Path(dataset_root), sorted(sequences or server_sequences()))
    named = [] if path.suffix == ".zip" else [Fault(path.name, "the name must end with .zip")]
    try:
        with zipfile.ZipFile(path) as opened:
            classes = classes or label_set(_DATASET)
            return named + list(_faults(opened, expected, classes, progress))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such archive. Make it with pcseg submit.") from error
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        return [*named, Fault(path.name, f"not a readable zip archive ({error})")]


def require_valid(archive: str | os.PathLike[str], faults: Sequence[Fault], show: int = 20) -> None:
    """Raise if there are faults.

    Raises:
        DataError: listing the first faults, each with its entry.
    """
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults[:show])
        more = f"\n  … and {len(faults) - show} more" if len(faults) > show else ""
        raise DataError(f"{archive}: {len(faults)} faults; do not send it.\n{listed}{more}")


def server_sequences() -> list[str]:
    """The sequences the server scores, from the dataset's label map."""
    return splits(_DATASET)["official"]["test"]


def _faults(
    archive: zipfile.ZipFile,
    expected: dict[str, int],
    classes: LabelSet,
    progress: Progress | None,
) -> Iterator[Fault]:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    folders = {str(parent) + "/" for name in expected for parent in PurePosixPath(name).parents}
    for folder in sorted(folders - {"./"} - set(names)):
        yield Fault(folder, "this directory entry is missing")
    for name in sorted(expected.keys() - set(names)):
        yield Fault(name, "is missing")
    seen: set[str] = set()
    for index, info in enumerate(infos, start=1):
        name = info.filename
        if name in seen:
            yield Fault(name, "is there twice")
        elif name in expected:
            problem = _label_problem(archive, info, expected[name], classes)
            if problem:
                yield Fault(name, problem)
        elif name not in folders and name not in _OPTIONAL:
            yield Fault(name, _stranger(name))
        seen.add(name)
        if progress is not None:
            progress(index, len(infos))


def _label_problem(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, points: int, classes: LabelSet
) -> str | None:
    if info.external_attr >> 16 & 0o170000 == _UNIX_LINK:
        return "is a link"
    if info.flag_bits & _FLAG_ENCRYPTED:
        return "is encrypted"
    if info.file_size != points * _BYTES_PER_LABEL:
        labels = info.file_size / _BYTES_PER_LABEL
        return f"has {labels:g} labels for {points} points"
    try:
        # Reading a stated number of bytes bounds the unpacking: no bomb can go off.
        with archive.open(info) as entry:
            data = entry.read(info.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        return f"cannot be read ({error})"
    if len(data) != info.file_size:
        return f"holds {len(data)} bytes where {info.file_size} are announced"
    return _id_problem(np.frombuffer(data, "<u4") & 0xFFFF, classes)


def _id_problem(raw: np.ndarray, classes: LabelSet) -> str | None:
    counts = np.bincount(raw, minlength=1)
    scored = {raw_id for raw_id, train_id in classes.raw_to_train.items() if train_id >= 0}
    wrong = [(i, n) for i, n in enumerate(counts.tolist()) if n and i not in scored]
    if not wrong:
        return None
    listed = ", ".join(f"{raw_id} ({number} points)" for raw_id, number in wrong[:5])
    hint = ""
    if any(raw_id in range(1, classes.num_classes) for raw_id, _ in wrong):
        hint = "; are these train ids? The server wants raw ids"
    return f"predicts {listed}, which no scored class has{hint}"


def _stranger(name: str) -> str:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\\" in name:
        return "points outside the archive"
    if _ENTRY.fullmatch(name):
        return "has no scan in the dataset"
    return "does not belong in a submission"


def _expected_sizes(root: Path, sequences: Sequence[str]) -> dict[str, int]:
    """Number of points that each entry must label."""
    base = sequences_folder(root)
    scans = {sequence: _visible(base / sequence / "velodyne", "*.bin") for sequence in sequences}
    missing = [sequence for sequence in sequences if not scans[sequence]]
    if missing:
        raise DataError(
            f"{base}: no scans of sequence {', '.join(missing)} (looked for "
            f"{missing[0]}/velodyne/*.bin). The archive is checked against them: give "
            "the folder of the dataset that holds them."
        )
    return {
        f"sequences/{sequence}/predictions/{scan.stem}.label": count_points(scan)
        for sequence, paths in scans.items()
        for scan in paths
    }


def _visible(folder: Path, pattern: str) -> list[Path]:
    """Files in order, without the hidden ones that some systems leave beside the real ones."""
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    folder = name.endswith("/")
    info.external_attr = (0o40755 << 16 | 0x10) if folder else 0o100644 << 16
    archive.writestr(info, data, zipfile.ZIP_STORED if folder else zipfile.ZIP_DEFLATED)
