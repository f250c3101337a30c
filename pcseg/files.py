"""Files that are either whole or absent: written under a temporary name, then renamed."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pcseg.errors import DataError, PcsegError

_WRITE_REMEDIES = {
    errno.ENOSPC: "the disk is full. Free some space or choose another folder, then run again",
    errno.EDQUOT: "the disk quota is used up. Free some space or choose another folder",
    errno.EROFS: "the file system is read-only. Choose another folder",
    errno.EACCES: "permission denied. Choose a folder you may write to",
}


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary file keeps the suffix of `path`, because many writers choose their format by it.
    Parent folders are made. If the block fails the temporary file is removed and an existing
    `path` is untouched.

    Raises:
        PcsegError: if the system refuses the write (disk full, read-only, no permission).
    """
    path = Path(path)
    with explained_refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(path.suffix, f".{path.stem}.", path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            # mkstemp makes private files; results are to be read by whoever the umask allows.
            os.chmod(temporary, 0o666 & ~UMASK)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def cache_dir() -> Path:
    """For what can be made again: ``PCSEG_CACHE``, else ``pcseg`` in the user's cache folder."""
    named = os.environ.get("PCSEG_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pcseg"


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a whole file, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a whole UTF-8 text file, atomically."""
    write_bytes(path, text.encode())


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write indented JSON, atomically. NaN is refused: use None for "undefined"."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read JSON.

    Raises:
        DataError: if the file cannot be read, or naming the line that cannot be parsed.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Is the copy complete?"
        ) from error
    except RecursionError as error:
        raise DataError(f"{path}: nested too deep. Copy the file again.") from error
    except ValueError as error:  # text that is no JSON, bytes that are no text, endless numbers
        raise DataError(f"{path}: not valid JSON ({error}). Make the file again.") from error


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """The lines of a small text file, without empty ones at its end.

    Raises:
        DataError: if it is missing, unreadable or no text.
    """
    try:
        return Path(path).read_text(encoding="utf-8").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file ({error}). Copy it again.") from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Is the copy complete?"
        ) from error


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """A key that sorts numbers within names by their value: ``s2`` before ``s10``."""
    parts = enumerate(re.split(r"(\d+)", name))  # every second part is a number
    return [(0, int(part)) if i % 2 else (1, part) for i, part in parts if part]


def remove_leftovers(folder: str | os.PathLike[str], names: str) -> None:
    """Remove what `atomic_path` left in a folder when its process was killed in the middle.

    Only for folders that nobody else writes to at the same time. A missing folder is no error.

    Args:
        folder: to be cleaned, not its sub-folders.
        names: pattern of the files that were being written, for example ``"*.bin"``.
    """
    folder = Path(folder)
    if folder.is_dir():
        for path in folder.iterdir():
            parts = _TEMPORARY.fullmatch(path.name)
            if parts and fnmatch.fnmatchcase("".join(parts.groups()), names):
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def explained_refusals(
    path: str | os.PathLike[str], doing: str = "write", permission: bool = True
) -> Iterator[None]:
    """Turn the system's refusals to write within the block into errors that say what to do.

    Args:
        path: what could not be written, named in the error.
        doing: completes "cannot …".
        permission: also explain "permission denied"; not for blocks that read files of others too.

    Raises:
        PcsegError: if the disk is full or read-only, or permission is denied.
    """
    try:
        yield
    except OSError as error:
        remedy = _WRITE_REMEDIES.get(error.errno or 0)
        if remedy is None or (error.errno == errno.EACCES and not permission):
            raise
        raise PcsegError(f"{path}: cannot {doing}, {remedy}. Nothing was lost.") from error


def _umask() -> int:
    # It can only be read by setting it; 077 lets nobody in while it is set.
    value = os.umask(0o077)
    os.umask(value)
    return value


UMASK = _umask()
"""Permissions that new files do not get. Read once: threads share it, and would meet the change."""

_TEMPORARY = re.compile(r"\.(.+)\.[a-z0-9_]{8}(\.\w+)")
"""Stem and suffix of the file that was being written, with what mkstemp puts between."""
