"""Pickled pandas tables of any version as arrays, without pandas and without running anything."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.errors import DataError
from pcseg.io.pickles import MAX_BYTES, Record, read_pickle


@dataclass(frozen=True)
class PickledTable:
    """A pandas DataFrame as plain arrays.

    Attributes:
        columns: (N,) arrays by name, in order: numbers as stored, texts as objects (str, or what
            stands for a missing value: None or NaN). They may be read-only.
        index: (N,) labels of the rows.
    """

    columns: dict[str, np.ndarray]
    index: np.ndarray

    def __len__(self) -> int:
        return len(self.index)


def read_pickled_table(path: Path, *, max_bytes: int = MAX_BYTES) -> PickledTable:
    """Read a DataFrame pickled by pandas 0.25 to 3, packed by gzip or not.

    Columns may hold numbers, truth values and texts.

    Args:
        path: of the file, ``.pkl.gz`` or ``.pkl``.
        max_bytes: that the file may unpack to.

    Raises:
        DataError: if the file is damaged, too large, names anything that no such table needs, or
            is a table of something else (times, categories).
    """
    tree = read_pickle(path, _ROLES, max_bytes=max_bytes)
    try:
        return _frame(tree)
    except _Unreadable as error:
        raise DataError(
            f"{path}: {error}. Write the table again with pandas: columns of numbers or texts."
        ) from error
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise DataError(
            f"{path}: damaged table ({type(error).__name__}: {error}). Copy the file again."
        ) from error


class _Unreadable(Exception):
    """The pickle is whole, but not a table of the kind read here."""


def _frame(tree: Any) -> PickledTable:
    state = _role(tree, "frame").state
    manager = _role(state["_mgr"] if "_mgr" in state else state["_data"], "manager")
    if manager.state is not None:  # pandas up to 1.2: (axes, values, items, {version: details})
        details = manager.state[3]["0.14.1"]
        axes = details["axes"]
        blocks = [(block["values"], block["mgr_locs"]) for block in details["blocks"]]
    else:
        made, axes = manager.args[:2]
        blocks = [_role(block, "block").args[:2] for block in made]
    if len(axes) != 2:
        raise _Unreadable(f"has {len(axes)} axes, not the 2 of a table")
    names, index = _index(axes[0]).tolist(), _index(axes[1])
    _check_cells(len(index) * len(names))
    columns: list[np.ndarray | None] = [None] * len(names)
    for values, places in blocks:
        rows = np.atleast_2d(_array(values))
        for row, place in zip(rows, _places(places, len(names)), strict=True):
            if columns[place] is not None or len(row) != len(index):
                raise _Unreadable(f"column {place} is stored twice or has {len(row)} rows")
            columns[place] = row
    found = {str(name): c for name, c in zip(names, columns, strict=True) if c is not None}
    if len(found) != len(names):
        raise _Unreadable("some columns have the same name or no values")
    return PickledTable(found, index)


def _index(made: Any) -> np.ndarray:
    _, facts = _role(made, "new index").args
    if "data" in facts:
        values = _array(facts["data"])
    else:
        start, stop, step = (facts[key] for key in ("start", "stop", "step"))
        _check_cells(len(range(start, stop, step)))
        values = np.arange(start, stop, step, dtype=np.int64)
    if values.ndim != 1:
        raise _Unreadable(f"has an index of {values.ndim} dimensions")
    return values


def _places(places: Any, count: int) -> Sequence[int]:
    """The columns that the rows of a block are."""
    if isinstance(places, Record) and places.role == "slice":
        return range(count)[slice(*places.args)]
    found: list[int] = _array(places).tolist()
    return found


def _array(made: Any) -> np.ndarray:
    if not isinstance(made, Record):
        raise _Unreadable(f"has a {type(made).__name__} where values should be")
    if made.role == "array":
        _, shape, dtype, fortran, data = made.state
        return _values(_dtype(dtype), shape, data, "F" if fortran else "C")
    if made.role == "buffer":
        data, dtype, shape, order = made.args
        return _values(_dtype(dtype), shape, data, order)
    if made.role == "text array":
        if isinstance(made.state, dict):
            return _arrow_texts(made.state["_pa_array"])
        return next(_array(part) for part in made.state if getattr(part, "role", "") == "array")
    raise _Unreadable(f"has a '{made.role}' where values should be")


def _values(dtype: np.dtype, shape: Sequence[int], data: Any, order: str) -> np.ndarray:
    if min(shape, default=0) < 0 or len(shape) > 2 or order not in ("C", "F"):
        raise _Unreadable(f"has an array of shape {tuple(shape)}, order {order}")
    count = math.prod(shape)
    if dtype.hasobject:
        if not isinstance(data, list) or len(data) != count:
            raise _Unreadable(f"has an array of shape {tuple(shape)} without its values")
        values = np.empty(count, object)
        values[:] = [_scalar(value) for value in data]
    else:
        data = _bytes(data)
        if len(data) != count * dtype.itemsize:
            raise _Unreadable(
                f"has {len(data)} bytes for an array of shape {tuple(shape)} and type {dtype}"
            )
        values = np.frombuffer(data, dtype)
    return values.reshape(shape, order="F" if order == "F" else "C")


def _dtype(made: Any) -> np.dtype:
    code, *_ = _role(made, "dtype").args
    if not isinstance(code, str) or not re.fullmatch(r"b1|[iuf][1248]|O[48]", code):
        raise _Unreadable(f"has values of type {code!r}, not numbers or texts")
    dtype = np.dtype("O" if code.startswith("O") else code)
    big = made.state is not None and made.state[1] == ">"
    return dtype.newbyteorder(">") if big else dtype


def _bytes(data: Any) -> bytes | bytearray:
    while isinstance(data, Record) and data.role in ("bytes", "encoded"):
        data = data.args[0] if data.args else b""
    if isinstance(data, str):
        data = data.encode("latin1")  # protocol 2 has no bytes: they travel as such a text
    if not isinstance(data, (bytes, bytearray)):
        raise _Unreadable(f"has a {type(data).__name__} where bytes should be")
    return data


def _scalar(value: Any) -> Any:
    if isinstance(value, Record) and value.role == "scalar":
        dtype, data = value.args
        return _values(_dtype(dtype), (1,), data, "C")[0].item()
    if value is not None and not isinstance(value, (str, bool, int, float)):
        raise _Unreadable(f"has a {type(value).__name__} in a column of texts")
    return value


def _arrow_texts(made: Any) -> np.ndarray:
    """Strings in Arrow's columnar layout: bits of validity, offsets and UTF-8 data."""
    kind, length, _, offset, buffers, *_ = _role(made, "arrow array").args[0]
    size = {"string": 4, "large_string": 8}.get(_role(kind, "arrow type").args[0])
    if size is None or min(length, offset) < 0:
        raise _Unreadable(f"has an Arrow array of type {kind.args[0]!r}")
    parts = [None if b is None else _bytes(_role(b, "arrow buffer").args[0]) for b in buffers]
    valid, bounds, text = parts
    ends = np.frombuffer(bounds or bytes(size), f"<i{size}")[offset : offset + length + 1]
    fits = not length or len(ends) == length + 1  # looked at before memory is taken for `length`
    if fits and valid is not None:
        bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")
        there = bits[offset : offset + length].astype(bool)
    elif fits:
        there = np.ones(length, bool)
    if not fits or len(there) != length or (np.diff(ends) < 0).any():
        raise _Unreadable("has an Arrow array whose parts do not fit each other")
    cells = zip(there, ends[:-1].tolist(), ends[1:].tolist(), strict=False)
    values = np.empty(length, object)
    values[:] = [(text or b"")[a:b].decode() if ok else None for ok, a, b in cells]
    return values


def _check_cells(count: int) -> None:
    """A few bytes can claim any number of rows, and many columns can be the same bytes."""
    if count > _MOST_CELLS:
        raise _Unreadable(f"claims {count} cells, more than {_MOST_CELLS}")


def _role(made: Any, role: str) -> Record:
    if not isinstance(made, Record) or made.role != role:
        what = f"a '{made.role}'" if isinstance(made, Record) else f"a {type(made).__name__}"
        raise _Unreadable(f"holds {what} where a pandas table has a '{role}'")
    return made


_MOST_CELLS = 1 << 25
"""In a table; a scan of PandaSet has a million."""

_INDEX = "pandas.core.indexes"
_ROLES = {
    "frame": ("pandas.core.frame.DataFrame", "pandas.DataFrame"),
    "manager": ("pandas.core.internals.managers.BlockManager",),
    "block": ("pandas._libs.internals._unpickle_block", "pandas.core.internals.blocks.new_block"),
    "new index": (f"{_INDEX}.base._new_Index",),
    "index": (
        *(f"{_INDEX}.base.Index", f"{_INDEX}.range.RangeIndex", "pandas.Index"),
        *("pandas.RangeIndex", f"{_INDEX}.numeric.Int64Index", f"{_INDEX}.numeric.UInt64Index"),
        f"{_INDEX}.numeric.Float64Index",
    ),
    "array": (
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray._reconstruct",
    ),
    "buffer": ("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"),
    "scalar": ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"),
    "array type": ("numpy.ndarray",),
    "dtype": ("numpy.dtype",),
    "slice": ("builtins.slice", "__builtin__.slice"),
    "bytes": ("builtins.bytes", "__builtin__.bytes", "builtins.bytearray", "__builtin__.bytearray"),
    "encoded": ("_codecs.encode",),
    # Texts of pandas 3, with and without pyarrow.
    "text array": (
        *("pandas.arrays.ArrowStringArray", "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked"),
        "pandas.core.arrays.string_arrow.ArrowStringArray",
    ),
    "text type": ("pandas.arrays.StringArray", "pandas.StringDtype"),
    "arrow array": ("pyarrow.lib._restore_array",),
    "arrow type": ("pyarrow.lib.type_for_alias",),
    "arrow buffer": ("pyarrow.lib.py_buffer",),
}
"""All names that pickled tables may mention, by what they mean; none of them is ever called."""
