"""Archives: good ones are unpacked whole, hostile and damaged ones leave nothing anywhere."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pcseg.archives import Limits, extract
from pcseg.errors import DataError, PcsegError

FILES = {"sequences/00/velodyne/000000.bin": bytes(range(256)) * 40, "sequences/00/calib.txt": b"x"}


def make_zip(path: Path, files: dict[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return path


def make_tar(path: Path, entries: list[tuple[str, bytes, str, bytes]], mode: str = "w") -> Path:
    """Entries of (name, tar type, link target, data)."""
    with tarfile.open(path, mode) as archive:
        for name, kind, target, data in entries:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size, info.mode = kind, target, len(data), 0o4777
            archive.addfile(info, io.BytesIO(data))
    return path


def refused(tmp_path: Path, archive: Path, message: str, limits: Limits | None = None) -> None:
    """Extraction is refused with the message, and nothing but the archive is there afterwards."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("untouched")
    with pytest.raises(DataError, match=message) as error:
        extract(archive, tmp_path / "outside" / "out", limits)
    assert str(archive) in str(error.value)
    assert [path.name for path in outside.rglob("*")] == ["victim"]
    assert (outside / "victim").read_text() == "untouched"
    assert {path.name for path in tmp_path.iterdir()} == {"outside", archive.name}


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("kind", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("exists", [False, True])
def test_good_archives_are_unpacked_whole(tmp_path, kind, exists):
    if kind == "zip":
        archive = make_zip(tmp_path / "a.zip", FILES)
    else:
        entries = [("sequences/empty", tarfile.DIRTYPE, "", b"")]
        entries += [(f"./{name}", tarfile.REGTYPE, "", data) for name, data in FILES.items()]
        archive = make_tar(tmp_path / "a.tar", entries, kind)
    if exists:
        (tmp_path / "new").mkdir()
    folder = extract(archive, tmp_path / "new")
    assert tree(folder) == FILES
    assert {path.name for path in tmp_path.iterdir()} == {archive.name, "new"}
    assert not any(path.stat().st_mode & stat.S_ISUID for path in folder.rglob("*"))


SLIPS = ["../victim", "a/../../victim", "..\\victim", "/tmp/victim", "C:\\victim", "\\\\host\\x"]


@pytest.mark.parametrize("name", SLIPS)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_members_outside_the_folder_are_refused(tmp_path, name, kind):
    if kind == "zip":
        archive = make_zip(tmp_path / "a.zip", {"good.txt": b"good", name: b"overwritten"})
    else:
        entries = [("good.txt", tarfile.REGTYPE, "", b"good")]
        archive = make_tar(tmp_path / "a.tar", [*entries, (name, tarfile.REGTYPE, "", b"bad")])
    refused(tmp_path, archive, "(has an absolute path|leads out of the folder).*nothing was")


LINKS = {
    "absolute": [("link", tarfile.SYMTYPE, "/etc/passwd", b"")],
    "up": [("a/link", tarfile.SYMTYPE, "../../victim", b"")],
    "through another": [
        ("d/e/root", tarfile.SYMTYPE, "../..", b""),
        ("d/e/link", tarfile.SYMTYPE, "root/../victim", b""),
    ],
    "hard": [("link", tarfile.LNKTYPE, "../victim", b"")],
    "hard to a link": [
        ("soft", tarfile.SYMTYPE, "x", b""),
        ("link", tarfile.LNKTYPE, "soft", b""),
    ],
    "written through": [
        ("soft", tarfile.SYMTYPE, "..", b""),
        ("soft/victim", tarfile.REGTYPE, "", b"overwritten"),
    ],
    "written over": [
        ("victim", tarfile.SYMTYPE, "../victim", b""),
        ("victim", tarfile.REGTYPE, "", b"overwritten"),
    ],
    "fifo": [("pipe", tarfile.FIFOTYPE, "", b"")],
    "device": [("null", tarfile.CHRTYPE, "", b"")],
}


@pytest.mark.parametrize("name", sorted(LINKS))
def test_links_out_of_the_folder_and_devices_are_refused(tmp_path, name):
    refused(tmp_path, make_tar(tmp_path / "a.tar", LINKS[name]), "nothing was unpacked")


def test_a_zip_link_out_of_the_folder_is_refused(tmp_path):
    archive = make_zip(tmp_path / "a.zip", {"link": b"../victim"}, stat.S_IFLNK | 0o777)
    refused(tmp_path, archive, r"is a link out of the folder \(\.\./victim\)")


def test_links_inside_are_kept(tmp_path):
    entries = [
        ("runs/latest", tarfile.SYMTYPE, "7", b""),
        ("runs/7/best.txt", tarfile.REGTYPE, "", b"data"),
        ("copy.txt", tarfile.LNKTYPE, "runs/7/best.txt", b""),
    ]
    folder = extract(make_tar(tmp_path / "a.tar", entries), tmp_path / "new")
    assert (folder / "runs" / "latest" / "best.txt").read_bytes() == b"data"
    assert (folder / "copy.txt").read_bytes() == b"data"


def test_nothing_is_overwritten(tmp_path):
    archive = make_zip(tmp_path / "a.zip", FILES)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "mine").write_text("mine")
    with pytest.raises(DataError, match="is there already. Nothing is overwritten"):  # noqa: RUF043
        extract(archive, tmp_path / "old")
    assert tree(tmp_path / "old") == {"mine": b"mine"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_stand_twice_are_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("./a", b"2")
    refused(tmp_path, path, "stands twice")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_bombs_are_refused(tmp_path, kind):
    zeros = bytes(3_000_000)
    if kind == "zip":
        archive = make_zip(tmp_path / "a.zip", {"zeros": zeros})
    else:
        archive = make_tar(tmp_path / "a.tgz", [("zeros", tarfile.REGTYPE, "", zeros)], "w:gz")
    limits = Limits(ratio=50, ratio_from=1_000_000)
    refused(tmp_path, archive, "times its size. Refused as a decompression bomb", limits)
    with pytest.raises(DataError, match="unpacks to more than 1000000 bytes"):
        extract(archive, tmp_path / "x", Limits(total=1_000_000))
    with pytest.raises(DataError, match="more than 0 members"):
        extract(archive, tmp_path / "x", Limits(members=0))
    assert tree(extract(archive, tmp_path / "x")) == {"zeros": zeros}


@pytest.mark.parametrize("kind", ["zip", "w", "w:gz", "w:xz"])
def test_damaged_archives_are_refused_or_whole(tmp_path, kind):
    if kind == "zip":
        path = make_zip(tmp_path / "a", FILES)
    else:
        entries = [(name, tarfile.REGTYPE, "", data) for name, data in FILES.items()]
        path = make_tar(tmp_path / "a", entries, kind)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for trial in range(60):
        changed = bytearray(data)
        if trial % 2:
            del changed[rng.integers(1, len(data) - 1) :]
        else:
            changed[rng.integers(0, len(data))] ^= rng.integers(1, 256)
        path.write_bytes(changed)
        try:
            assert len(tree(extract(path, tmp_path / f"out{trial}"))) == len(FILES)
        except DataError as error:
            assert str(path) in str(error)
            assert not (tmp_path / f"out{trial}").exists()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("data", [b"", b"no archive at all", bytes(10_000)])
def test_what_is_no_archive(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.zip: (neither a zip nor a tar archive|damaged)"):
        extract(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(DataError, match=r"b\.zip: this archive does not exist"):
        extract(tmp_path / "b.zip", tmp_path / "out")


def test_a_full_disk_is_told_and_nothing_is_left(tmp_path, monkeypatch):
    archive = make_zip(tmp_path / "a.zip", FILES)
    monkeypatch.setattr("pcseg.archives.shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(PcsegError, match=r"out: cannot unpack a\.zip, the disk is full"):
        extract(archive, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
