"""Files that are either whole or absent: written under a temporary name, then renamed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
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
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(path.suffix, f".{path.stem}.", path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            # mkstemp makes private files; results are to be read by whoever the umask allows.
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


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
        DataError: naming the file and the line that cannot be parsed.
    """
    try:
        return json.loads(Path(path).read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid JSON ({error}). Make the file again.") from error


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = _WRITE_REMEDIES.get(error.errno or 0)
        if remedy is None:
            raise
        raise PcsegError(f"{path}: cannot write, {remedy}. Nothing was lost.") from error


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
