"""Archives from strangers: zip and tar unpacked so that nothing outside the folder is touched."""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pcseg.errors import DataError
from pcseg.files import UMASK, explained_refusals

GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to.

    Attributes:
        total: bytes of all files together.
        ratio: unpacked bytes per byte of the archive; applies beyond `ratio_from` bytes, because
            small files of zeros rightly shrink a thousandfold.
        ratio_from: see `ratio`.
        members: number of files, folders and links.
    """

    total: int = 1024 * GIB
    ratio: float = 200.0
    ratio_from: int = GIB
    members: int = 5_000_000


@dataclass(frozen=True)
class _Member:
    """One entry: kind is "file", "folder", "symlink" or "hardlink"; target is a link's."""

    name: str
    kind: str
    size: int
    target: str
    entry: zipfile.ZipInfo | tarfile.TarInfo


def extract(
    archive: str | os.PathLike[str], folder: str | os.PathLike[str], limits: Limits | None = None
) -> Path:
    """Unpack a zip or tar archive (also gz, bz2, xz) into a new folder, whole or not at all.

    Everything is unpacked into a temporary folder beside `folder`, which then takes its name.
    Owners, times and permissions of the archive are not taken over.

    Args:
        archive: the file.
        folder: must not exist, or be empty.
        limits: sizes beyond which the archive is refused; see `Limits`.

    Returns:
        The folder.

    Raises:
        DataError: if the archive is damaged, encrypted or no archive; if a member has an absolute
            path, leads out of the folder, is a link out of it or a device, or stands twice; if
            it is larger than the limits or than it says; if `folder` is not empty.
        PcsegError: if the disk is too small or read-only.
    """
    archive, folder, limits = Path(archive), Path(folder), limits or Limits()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: is there already. Nothing is overwritten: choose a new folder.")
    if not archive.is_file():
        raise DataError(f"{archive}: this archive does not exist.")
    with _explained(archive, folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with _explained(archive, folder):
            _extract_into(archive, temporary, limits)
            os.chmod(temporary, 0o777 & ~UMASK)
            os.replace(temporary, folder)  # over an empty folder too
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _extract_into(archive: Path, folder: Path, limits: Limits) -> None:
    budget = _Budget(archive, folder, limits)
    links: list[tuple[Path, _Member]] = []
    taken: dict[tuple[str, ...], str] = {}
    for member, source in _members(archive):
        parts = _safe_parts(archive, member.name)
        if not parts and member.kind == "folder":
            continue
        _refuse_conflict(archive, member, parts, taken)
        budget.add_member(member)
        path = folder.joinpath(*parts)
        if member.kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if source is None:
            links.append((path, member))
        else:
            _copy(archive, member, source, path, budget)
    if not budget.members:
        raise DataError(f"{archive}: damaged or without any file. Get the archive again.")
    # Links come last: no member can be written through one.
    for path, member in links:
        _link(archive, folder, path, member)
    for path, member in links:
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
            raise _refused(archive, member.name, f"is a link out of the folder ({member.target})")


def _members(archive: Path) -> Iterator[tuple[_Member, IO[bytes] | None]]:
    """Each member with its open data, None for links."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                yield _zip_member(archive, opened, info)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive, tarinfo=_StrictTarInfo) as opened_tar:
            for entry in opened_tar:
                member = _Member(
                    entry.name, _tar_kind(archive, entry), entry.size, entry.linkname, entry
                )
                yield member, opened_tar.extractfile(entry) if entry.isreg() else None
    else:
        raise DataError(f"{archive}: neither a zip nor a tar archive, or damaged. Get it again.")


class _StrictTarInfo(tarfile.TarInfo):
    """Tells of a damaged header in the middle, where tarfile would quietly end the archive."""

    @classmethod
    def fromtarfile(cls, opened: tarfile.TarFile) -> tarfile.TarInfo:  # type: ignore[override]
        try:
            return super().fromtarfile(opened)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"at byte {opened.offset}: {error}") from error


def _zip_member(
    archive: Path, opened: zipfile.ZipFile, info: zipfile.ZipInfo
) -> tuple[_Member, IO[bytes] | None]:
    if info.flag_bits & 1:
        raise DataError(f"{archive}: '{info.filename}' is encrypted. Unpack it by hand.")
    if info.is_dir():
        return _Member(info.filename, "folder", 0, "", info), None
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        if info.file_size > 4096:
            raise _refused(archive, info.filename, "is a link with an absurdly long target")
        target = opened.read(info).decode("utf-8", "surrogateescape")
        return _Member(info.filename, "symlink", 0, target, info), None
    if kind not in (0, stat.S_IFREG):
        raise _refused(archive, info.filename, "is neither a file nor a folder")
    return _Member(info.filename, "file", info.file_size, "", info), opened.open(info)


def _tar_kind(archive: Path, entry: tarfile.TarInfo) -> str:
    if entry.isreg():
        return "file"
    if entry.isdir():
        return "folder"
    if entry.issym():
        return "symlink"
    if entry.islnk():
        return "hardlink"
    raise _refused(archive, entry.name, "is neither a file nor a folder")


def _safe_parts(archive: Path, name: str) -> tuple[str, ...]:
    """The path of a member, whose parts are all plain names (also by the rules of Windows)."""
    if "\0" in name:
        raise _refused(archive, name, "has a name with a NUL")
    plain = name.replace("\\", "/")
    if plain.startswith("/") or plain[1:2] == ":":
        raise _refused(archive, name, "has an absolute path")
    parts = tuple(part for part in plain.split("/") if part not in ("", "."))
    if ".." in parts:
        raise _refused(archive, name, "leads out of the folder")
    return parts


def _refuse_conflict(
    archive: Path, member: _Member, parts: tuple[str, ...], taken: dict[tuple[str, ...], str]
) -> None:
    """A member must not stand where another one is, nor below one that is no folder."""
    before = taken.get(parts)
    if before is not None and not (before == member.kind == "folder"):
        raise _refused(archive, member.name, "stands twice and would overwrite itself")
    for depth in range(1, len(parts)):
        if taken.setdefault(parts[:depth], "folder") != "folder":
            raise _refused(archive, member.name, "lies below something that is no folder")
    taken[parts] = member.kind


def _copy(archive: Path, member: _Member, source: IO[bytes], path: Path, budget: _Budget) -> None:
    written = 0
    with source, path.open("xb") as file:
        while block := source.read(1 << 20):
            written += len(block)
            budget.add_bytes(member, len(block))
            file.write(block)
    if written != member.size:
        raise DataError(
            f"{archive}: '{member.name}' has {written} bytes instead of {member.size}. "
            "The archive is damaged: get it again."
        )


def _link(archive: Path, folder: Path, path: Path, member: _Member) -> None:
    if member.kind == "hardlink":
        original = folder.joinpath(*_safe_parts(archive, member.target))
        if original.is_symlink() or not original.is_file():
            raise _refused(archive, member.name, f"is a link to no file ({member.target})")
        os.link(original, path)
        return
    if os.path.isabs(member.target) or "\\" in member.target or not member.target:
        raise _refused(archive, member.name, f"is a link out of the folder ({member.target})")
    os.symlink(member.target, path)


class _Budget:
    """Counts what has been unpacked and refuses when it becomes absurd."""

    def __init__(self, archive: Path, folder: Path, limits: Limits) -> None:
        self.archive, self.limits = archive, limits
        self.packed = archive.stat().st_size
        self.free = shutil.disk_usage(folder).free
        self.members = self.promised = self.written = 0

    def add_member(self, member: _Member) -> None:
        self.members += 1
        self.promised += member.size
        if self.members > self.limits.members:
            raise self._absurd(f"more than {self.limits.members} members")
        self._check(self.promised)
        if self.promised - self.written > self.free:
            raise OSError(errno.ENOSPC, "the archive promises more than the disk has")

    def add_bytes(self, member: _Member, count: int) -> None:
        self.written += count
        self.free -= count
        if self.written > self.promised:
            raise self._absurd(f"'{member.name}' is larger than it says")

    def _check(self, total: int) -> None:
        if total > self.limits.total:
            raise self._absurd(f"unpacks to more than {self.limits.total} bytes")
        if total > max(self.limits.ratio_from, self.limits.ratio * self.packed):
            raise self._absurd(
                f"unpacks to {total} bytes, {total / self.packed:.0f} times its size"
            )

    def _absurd(self, what: str) -> DataError:
        return DataError(
            f"{self.archive}: {what}. Refused as a decompression bomb; nothing was unpacked. If "
            "you trust it, raise the limits or unpack it by hand."
        )


def _refused(archive: Path, name: str, what: str) -> DataError:
    return DataError(
        f"{archive}: member {name[:200]!r} {what}. Refused, nothing was unpacked: get the archive "
        "from a source you trust."
    )


@contextmanager
def _explained(archive: Path, folder: Path) -> Iterator[None]:
    damaged = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)
    try:
        # A denied permission may be that of the archive.
        with explained_refusals(folder, f"unpack {archive.name}", permission=False):
            yield
    except (*damaged, NotImplementedError, UnicodeError) as error:
        raise DataError(f"{archive}: damaged ({error}). Get the archive again.") from error
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked into {folder} ({error}).") from error
