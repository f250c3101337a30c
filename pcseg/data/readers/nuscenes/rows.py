"""Rows of nuScenes tables: JSON arrays of objects, read one by one however long the file is."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pcseg.errors import DataError

LONGEST_ROW = 1 << 20
"""Characters. Rows have some hundreds; the table of maps, which lists all logs, is not read."""

LONGEST_TEXT, LONGEST_FILE = 4096, 256
"""Bytes. Texts are kept in arrays of one width, which a single long one would blow up."""

_CHUNK = 4 << 20
_OPENING = re.compile(r"[ \t\n\r]*\[[ \t\n\r]*")
_BETWEEN = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_CLOSING = re.compile(r"[ \t\n\r]*\]")
_REMEDY = "Unpack the archive of the metadata again."


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a table, in the order of the file.

    Only a few megabytes of the file are in memory at a time: ``sample_data.json`` of the whole
    data set has a gigabyte.

    Raises:
        DataError: if the file is missing or is no array of objects, naming the line.
    """
    try:
        with path.open(encoding="utf-8") as file:
            yield from _rows(path, file)
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: this table is missing. nuScenes is read through its tables: "
            "unpack the archive of the metadata (v1.0-..._meta.tgz) into the data set's folder."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file ({error}). {_REMEDY}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error


class Row:
    """One row, whose fields are of the kind that is asked for, or an error says where they are not.

    Attributes:
        path: of the table.
        number: of the row, from 1.
        fields: as parsed.
    """

    __slots__ = ("fields", "number", "path")

    def __init__(self, path: Path, number: int, fields: dict[str, Any]) -> None:
        self.path, self.number, self.fields = path, number, fields

    def text(self, key: str) -> str:
        """A string, such as a token."""
        value = self.fields.get(key)
        if not isinstance(value, str) or not 0 <= _bytes(value) <= LONGEST_TEXT:
            raise self.error(f"'{key}' is {_shown(value)}, not a text of a usual length")
        return value

    def whole(self, key: str) -> int:
        """An integer that fits 64 bits, such as a time in microseconds."""
        value = self.fields.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 62:
            raise self.error(f"'{key}' is {_shown(value)}, not a whole number")
        return value

    def numbers(self, key: str, count: int) -> list[float]:
        """So many finite numbers, such as a translation."""
        value = self.fields.get(key)
        if not isinstance(value, list) or len(value) != count or not all(map(_finite, value)):
            raise self.error(f"'{key}' is {_shown(value)}, not {count} finite numbers")
        return [float(number) for number in value]

    def file(self, key: str = "filename") -> str:
        """A path below the data set's folder; one that leaves the folder is refused."""
        name = self.text(key)
        place = PurePosixPath(name)
        inside = name and not place.is_absolute() and ".." not in place.parts
        if not inside or _bytes(name) > LONGEST_FILE or re.search(r"[\\:\x00-\x1f]", name):
            raise self.error(f"'{key}' is {_shown(name)}, which is no place in the data set")
        return name

    def error(self, what: str, remedy: str = _REMEDY) -> DataError:
        """An error that names this row."""
        token = self.fields.get("token")
        named = f" (token {token})" if isinstance(token, str) else ""
        return DataError(f"{self.path}, row {self.number}{named}: {what}. {remedy}")

    def dangling(self, key: str, table: str) -> DataError:
        """The error for a token that no row of another table has."""
        return self.error(
            f"'{key}' is {_shown(self.fields.get(key))}, which no row of {table}.json has",
            "The tables do not belong together or one is cut short: unpack all of them again.",
        )


def _rows(path: Path, file: IO[str]) -> Iterator[Row]:
    text, line, number = file.read(_CHUNK), 1, 0
    decode = json.JSONDecoder().raw_decode
    mark: re.Match[str] | None = _OPENING.match(text)
    if mark is None:
        raise _broken(path, line, text, 0, f"expected '[', found {_shown(text[:1])}")
    closing = _CLOSING.match(text, mark.end())
    while closing is None:
        try:
            fields, at = decode(text, mark.end())
        except (ValueError, RecursionError) as error:
            place = getattr(error, "pos", mark.end())
            reason = getattr(error, "msg", None) or type(error).__name__
            raise _broken(path, line, text, place, reason) from error
        number += 1
        if not isinstance(fields, dict):
            raise _broken(path, line, text, at, f"row {number} is {_shown(fields)}, not an object")
        yield Row(path, number, fields)
        if len(text) - at < LONGEST_ROW:
            line += text.count("\n", 0, at)
            text, at = text[at:] + file.read(_CHUNK), 0
        mark = _BETWEEN.match(text, at)
        if mark is None:
            closing = _CLOSING.match(text, at)
            if closing is None:
                at = len(text) - len(text[at:].lstrip())
                found = _shown(text[at : at + 1])
                raise _broken(path, line, text, at, f"expected ',' or ']', found {found}")
            break
    if text[closing.end() :].strip() or file.read(1).strip():
        raise _broken(path, line, text, closing.end(), "there is more after the closing ']'")


def _broken(path: Path, line: int, text: str, at: int, reason: str) -> DataError:
    line += text.count("\n", 0, at)
    return DataError(f"{path}, line {line}: not a valid table ({reason}). {_REMEDY}")


def _bytes(text: str) -> int:
    """Length as UTF-8; -1 for half of a surrogate pair, which JSON can hold and UTF-8 cannot."""
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return -1


def _finite(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
