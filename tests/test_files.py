"""Files are whole or absent, readable by whom the umask allows, and refusals are explained."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pcseg import archives, files
from pcseg.errors import PcsegError


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.txt", "old")
    with pytest.raises(ZeroDivisionError), files.atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_files_have_the_permissions_of_the_umask(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.umask(0o027)\n"
        "from pcseg.files import write_text; write_text(sys.argv[1], '')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=True)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_writing_does_not_touch_the_umask_that_threads_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(mask: int) -> int:
        raise AssertionError("the umask was set")

    monkeypatch.setattr(os, "umask", refuse)
    files.write_text(tmp_path / "a.txt", "text")
    assert archives.UMASK == files.UMASK


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
    ],
)
def test_refusals_say_what_to_do(number: int, message: str) -> None:
    with pytest.raises(PcsegError, match=f"a.txt: cannot write, .*{message}"):
        with files.explained_refusals("a.txt"):
            raise OSError(number, "no")
    with pytest.raises(OSError, match="other"), files.explained_refusals("a.txt"):
        raise OSError(errno.EIO, "other")


def test_only_leftovers_of_the_named_files_are_removed(tmp_path: Path) -> None:
    kept = [".keep", ".vscode.settings.json", "000000.bin", ".000001.short.bin", ".a.a1b2c3d4.txt"]
    for name in [*kept, ".000001.a1b2c3_4.bin"]:
        (tmp_path / name).touch()
    files.remove_leftovers(tmp_path, "*.bin")
    files.remove_leftovers(tmp_path / "none", "*.bin")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_a_killed_write_leaves_what_remove_leftovers_finds(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pcseg.files import atomic_path\n"
        "with atomic_path(sys.argv[1]): os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "000000.bin")], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    files.remove_leftovers(tmp_path, "*.bin")
    assert not list(tmp_path.iterdir())


def test_numbers_in_names_are_sorted_by_value() -> None:
    names = ["s10", "s2", "s2b", "²1", "a", "12"]
    assert sorted(names, key=files.natural_key) == ["12", "a", "s2", "s2b", "s10", "²1"]
