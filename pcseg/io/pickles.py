"""Pickles read as inert records: nothing in them is run, and only known names may be mentioned."""

from __future__ import annotations

import gzip
import io
import pickle
import pickletools
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pcseg.errors import DataError

MAX_BYTES = 1 << 28
"""Of an unpacked pickle (256 MiB): thirty times a scan of PandaSet."""

MAX_OPERATIONS = 1_000_000
"""Of a pickle's program; tables of numbers need some hundreds, tables of texts a few a cell."""


class Record:
    """What a pickle says is to be made, instead of the thing itself.

    Attributes:
        role: the meaning of the mentioned name, for the caller of `read_pickle`.
        args: what would have been handed to the class or function.
        state: what would have been set on the object afterwards; None if nothing.
    """

    role: str = ""
    args: tuple[Any, ...]
    state: Any

    __slots__ = ("args", "state")

    def __new__(cls, *args: Any) -> Record:  # noqa: D102
        made = super().__new__(cls)
        made.args, made.state = args, None
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state


def read_pickle(
    path: Path,
    roles: Mapping[str, Sequence[str]],
    *,
    max_bytes: int = MAX_BYTES,
    max_operations: int = MAX_OPERATIONS,
) -> Any:
    """Read a pickle of protocol 2 to 5, packed by gzip or not, without running what it asks for.

    Whatever class or function the pickle names becomes a `Record`; the result is a tree of records,
    lists, dictionaries, tuples, strings, bytes and numbers. Only names in `roles` may occur.

    Args:
        path: of the file.
        roles: role of each known name: ``{"frame": ("pandas.core.frame.DataFrame",)}``.
        max_bytes: that the file may unpack to.
        max_operations: that the pickle's program may have.

    Raises:
        DataError: if the file is damaged, too large, no pickle, or asks for another name.
    """
    data = unpacked(path, max_bytes)
    _check_program(path, data, max_operations)
    kinds = {name: _kind(role) for role, names in roles.items() for name in names}
    try:
        return _Reader(path, io.BytesIO(data), kinds).load()
    except DataError:
        raise
    except Exception as error:  # whatever a damaged program makes the interpreter stumble over
        raise DataError(f"{path}: damaged pickle ({_said(error)}). Copy the file again.") from error


def unpacked(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The content of a file that gzip may have packed; told by its first bytes, not its name.

    Raises:
        DataError: if it is missing, cut short, packed by another program, or unpacks to more than
            `max_bytes`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
        if data.startswith(_GZIP) and len(data) <= max_bytes:
            data = _gunzip(data, max_bytes + 1)
    except EOFError as error:
        raise DataError(f"{path}: truncated, the packed data end early. Copy it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip data ({error}). Copy the file again.") from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Is the copy complete?"
        ) from error
    if len(data) > max_bytes:
        raise DataError(
            f"{path}: unpacks to more than {max_bytes >> 20} MiB, which no file of this kind does. "
            "Copy it again from its source."
        )
    packer = next((name for magic, name in _PACKERS.items() if data.startswith(magic)), None)
    if packer is not None:
        raise DataError(f"{path}: is packed by {packer}, not by gzip. Unpack it, then gzip it.")
    return data


def _gunzip(packed: bytes, most: int) -> bytes:
    """At most so many bytes of the content; at once, which the gzip module does not do."""
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    data = member.decompress(packed, most)
    if len(data) < most and not member.eof:
        raise EOFError
    rest = member.unused_data.lstrip(b"\0")
    if rest and len(data) < most:  # packed in pieces, as parallel programs do
        with gzip.open(io.BytesIO(rest)) as file:
            data += file.read(most - len(data))
    return data


def _check_program(path: Path, data: bytes, max_operations: int) -> None:
    """Look at a pickle's operations before any is carried out.

    The interpreter takes memory by numbers in the program (slots of its memo): they are believed
    here only as far as the program is long.
    """
    if len(data) < 2 or data[0] != 0x80 or not 2 <= data[1] <= 5:
        raise DataError(f"{path}: is no pickle of protocol 2 to 5. Copy the file again.")
    try:
        for count, (operation, argument, position) in enumerate(pickletools.genops(data)):
            if operation.name not in _OPERATIONS:
                asked = f"the operation {operation.name}, which no pickled table needs"
            elif operation.name in ("BINPUT", "LONG_BINPUT") and int(argument or 0) > count:
                asked = f"memo slot {argument} after {count} operations"
            elif count >= max_operations:
                asked = f"more than {max_operations} operations"
            else:
                continue
            raise DataError(
                f"{path}, byte {position}: asks for {asked}, so the file is refused. "
                "Copy it again from its source."
            )
    except DataError:
        raise
    except Exception as error:  # pickletools documents no closed list
        raise DataError(f"{path}: damaged pickle ({_said(error)}). Copy the file again.") from error


class _Reader(pickle.Unpickler):
    """An unpickler that knows records only."""

    def __init__(self, path: Path, file: io.BytesIO, kinds: Mapping[str, type[Record]]) -> None:
        super().__init__(file, fix_imports=False)
        self._path, self._kinds = path, kinds

    def find_class(self, module: str, name: str) -> type[Record]:
        found = self._kinds.get(f"{module}.{name}")
        if found is None:
            raise DataError(
                f"{self._path}: asks for '{module}.{name}', which is refused: a pickle can run any "
                "program. Only tables of numbers and texts are read. Copy the file again from its "
                "source."
            )
        return found


def _kind(role: str) -> type[Record]:
    return type("Record", (Record,), {"role": role, "__slots__": ()})


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


_GZIP = b"\x1f\x8b"
_PACKERS = {
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    _GZIP: "gzip twice",
}
_OPERATIONS = frozenset(
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT "
    "BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 "
    "EMPTY_LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT SETITEM SETITEMS "
    "BINGET LONG_BINGET BINPUT LONG_BINPUT MEMOIZE GLOBAL STACK_GLOBAL REDUCE NEWOBJ BUILD".split()
)
"""What picklers write for tables; the rest is for old protocols, for sharing and for surprises."""
