"""Pickled tables: every pandas is read without pandas; whatever else a pickle asks for is not."""

from __future__ import annotations

import gzip
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pickled_samples import STORED, stored, tables

from pcseg.errors import DataError
from pcseg.io.pickled_tables import PickledTable, _arrow_texts, _Unreadable, read_pickled_table
from pcseg.io.pickles import _kind, read_pickle, unpacked


def assert_table(found: PickledTable, name: str) -> None:
    wanted = dict(tables()[name])
    index = wanted.pop("index", np.arange(len(found)))
    assert list(found.columns) == list(wanted)
    assert found.index.tolist() == index.tolist() and len(found) == len(index)
    for key, values in wanted.items():
        column = found.columns[key]
        assert column.dtype.kind == values.dtype.kind and column.shape == values.shape
        if values.dtype == object:  # what is missing is None or NaN, by version
            assert [_said(v) for v in column] == [_said(v) for v in values]
        else:
            assert np.array_equal(column, values)


def _said(value: object) -> object:
    return value if isinstance(value, str) else None


@pytest.mark.parametrize("key", STORED)
def test_tables_of_many_versions_of_pandas(key: str, tmp_path: Path) -> None:
    path = tmp_path / "00.pkl.gz"
    path.write_bytes(stored(key))
    assert_table(read_pickled_table(path), key.split()[-2])


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", tables())
def test_tables_of_the_installed_pandas(name: str, protocol: int, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    columns = dict(tables()[name])
    index = columns.pop("index", None)
    frame = pandas.DataFrame(columns, index=index)
    frame.to_pickle(tmp_path / "00.pkl", protocol=protocol)
    assert_table(read_pickled_table(tmp_path / "00.pkl"), name)


def test_pandas_is_not_imported(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = tmp_path / "00.pkl.gz"
    path.write_bytes(stored("0.25.3 points 3"))
    code = (
        "import sys; from pathlib import Path\n"
        "from pcseg.io.pickled_tables import read_pickled_table\n"
        "read_pickled_table(Path(sys.argv[1])); assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


class Evil:
    """What an attacker sends: a command where an object should be."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_nothing_is_run(protocol: int, tmp_path: Path) -> None:
    path, mark = tmp_path / "00.pkl.gz", tmp_path / "was_run"
    path.write_bytes(gzip.compress(pickle.dumps([Evil(mark)], protocol)))
    with pytest.raises(DataError, match=r"00.pkl.gz: asks for '(posix|nt).mkdir', which is ref"):
        read_pickled_table(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "name",
    [
        "builtins.eval",
        "numpy.load",
        "numpy.dtype.__class__",
        "pandas.read_pickle",
        "pcseg.io.pickles.Record",
        "pandas.core.frame.DataFrame.__init__",
    ],
)
def test_names_near_the_known_ones_are_refused(name: str, tmp_path: Path) -> None:
    module, _, attribute = name.rpartition(".")
    for program in (
        b"\x80\x03c%b\n%b\n." % (module.encode(), attribute.encode()),
        b"\x80\x04" + _text(module) + _text(attribute) + b"\x93.",
    ):
        (tmp_path / "00.pkl").write_bytes(program)
        with pytest.raises(DataError, match=f"asks for '{name}', which is refused"):
            read_pickled_table(tmp_path / "00.pkl")


def _text(word: str) -> bytes:
    return b"\x8c" + bytes([len(word)]) + word.encode()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            b"\x80\x04" + b"]r" + struct.pack("<I", 2**31 - 1) + b".",
            "asks for memo slot 2147483647",
        ),
        (b"\x80\x04\x96" + struct.pack("<Q", 2**40) + b"x.", "damaged pickle"),
        (b"\x80\x04P1\n.", "asks for the operation PERSID"),
        (b"\x80\x02\x82\x01.", "asks for the operation EXT1"),
        (b"\x80\x04" + b"]" * 2000 + b".", "asks for more than 1000 operations"),
        (b"\x80\x04]", "damaged pickle"),
        (b"\x80\x04K\x01K\x02\x93.", "damaged pickle"),
        (b"\x80\x04)R.", "damaged pickle"),
        (b"cos\nsystem\n.", "is no pickle of protocol 2 to 5"),
        (b"", "is no pickle"),
    ],
)
def test_programs_no_pickler_writes(program: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(program)
    with pytest.raises(DataError, match=rf"a.pkl.*{said}.* Copy"):
        read_pickle(tmp_path / "a.pkl", {}, max_operations=1000)


def test_bombs_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "00.pkl.gz"
    path.write_bytes(gzip.compress(bytes(8 << 20)))
    with pytest.raises(DataError, match=r"00.pkl.gz: unpacks to more than 1 MiB"):
        unpacked(path, 1 << 20)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(index=pandas.RangeIndex(1 << 40))
    frame.to_pickle(path)
    with pytest.raises(DataError, match="claims 1099511627776 cells"):
        read_pickled_table(path)


def test_the_length_of_arrow_texts_is_not_believed() -> None:
    buffers = [None, *(_kind("arrow buffer")(data) for data in (bytes(8), b""))]
    facts = (_kind("arrow type")("string"), 1 << 44, 0, 0, buffers)
    with pytest.raises(_Unreadable, match="do not fit each other"):
        _arrow_texts(_kind("arrow array")(facts))


def test_files_packed_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "00.pkl.gz"
    program = gzip.decompress(stored("0.25.3 points 3"))
    path.write_bytes(gzip.compress(program[:500]) + gzip.compress(program[500:]) + bytes(7))
    assert_table(read_pickled_table(path), "points")
    path.write_bytes(gzip.compress(bytes(1000)) * 2000)
    with pytest.raises(DataError, match="unpacks to more than 1 MiB"):
        unpacked(path, 1 << 20)
    path.write_bytes(gzip.compress(program) + b"something else")
    with pytest.raises(DataError, match="damaged gzip data"):
        read_pickled_table(path)


def test_truncated_and_foreign_files(tmp_path: Path) -> None:
    path, whole = tmp_path / "00.pkl.gz", stored("0.25.3 points 3")
    path.write_bytes(whole[:-20])
    with pytest.raises(DataError, match=r"00.pkl.gz: truncated, the packed data end early. Copy"):
        read_pickled_table(path)
    path.write_bytes(whole[:40] + bytes(8) + whole[48:])
    with pytest.raises(DataError, match=r"00.pkl.gz: damaged"):
        read_pickled_table(path)
    path.write_bytes(gzip.compress(gzip.decompress(whole)[:-30]))
    with pytest.raises(DataError, match=r"00.pkl.gz: damaged pickle"):
        read_pickled_table(path)
    for start, name in ((b"PK\x03\x04", "zip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh9", "bzip2")):
        path.write_bytes(start + bytes(40))
        with pytest.raises(DataError, match=f"is packed by {name}, not by gzip"):
            read_pickled_table(path)
    path.write_bytes(gzip.compress(whole))
    with pytest.raises(DataError, match=r"is packed by gzip twice"):
        read_pickled_table(path)
    with pytest.raises(DataError, match=r"01.pkl.gz: cannot be read"):
        read_pickled_table(tmp_path / "01.pkl.gz")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1, 2, 3], "holds a list where a pandas table has a 'frame'"),
        (np.arange(3), "holds a 'array' where a pandas table has a 'frame'"),
        ({"x": 1}, "holds a dict"),
    ],
)
def test_other_objects_are_no_tables(value: object, said: str, tmp_path: Path) -> None:
    (tmp_path / "00.pkl").write_bytes(pickle.dumps(value, 4))
    with pytest.raises(DataError, match=said):
        read_pickled_table(tmp_path / "00.pkl")


def test_columns_of_other_types_are_refused(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "00.pkl"
    pandas.DataFrame({"x": np.array([1j, 2j])}).to_pickle(path)
    with pytest.raises(DataError, match="values of type 'c16', not numbers or texts"):
        read_pickled_table(path)
    pandas.DataFrame({"x": np.array([{"a": 1}, 2], object)}).to_pickle(path)
    with pytest.raises(DataError, match="a dict in a column of texts"):
        read_pickled_table(path)
    pandas.DataFrame({"x": pandas.to_datetime(["2020-01-01"])}).to_pickle(path)
    with pytest.raises(DataError, match="refused"):
        read_pickled_table(path)


@settings(max_examples=150)
@given(
    key=st.sampled_from(sorted(STORED)),
    place=st.floats(0, 1, exclude_max=True),
    change=st.binary(max_size=4),
    cut=st.integers(0, 6),
)
def test_damaged_programs_end_in_our_error_or_a_table(
    key: str, place: float, change: bytes, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = gzip.decompress(stored(key))
    at = int(place * len(program))
    path = tmp_path_factory.getbasetemp() / "fuzzed.pkl"
    path.write_bytes(program[:at] + change + program[at + cut :])
    try:
        found = read_pickled_table(path)
    except DataError as error:
        assert "fuzzed.pkl" in str(error)
    else:
        assert all(len(column) == len(found.index) for column in found.columns.values())
