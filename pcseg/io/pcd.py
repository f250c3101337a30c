"""PCD files of the Point Cloud Library: ascii, binary and binary_compressed, any fields."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from pcseg.errors import DataError
from pcseg.files import atomic_path
from pcseg.io import lzf
from pcseg.io.columns import TRIPLES, from_columns, to_columns
from pcseg.io.layouts import Columns
from pcseg.io.numbers import read_table
from pcseg.io.pcd_header import ENCODINGS, Header, parse_header
from pcseg.io.points import PointFile


def read(path: Path, columns: Columns | None = None) -> PointFile:
    """Read a PCD file.

    Fields of several values become (N, C) attributes, packed ``rgb`` and ``rgba`` colours (and
    ``alpha``, 8 bits as stored). Organised clouds keep their NaN points; ``meta["pcd"]`` keeps
    width, height, viewpoint, encoding, and how the colours were packed.

    Raises:
        DataError: for a damaged or truncated file, or a header whose numbers contradict.
    """
    data = path.read_bytes()
    header = parse_header(path, data)
    if not header.num_points:
        raise DataError(f"{path}: holds no points. Remove the file, or make it again.")
    fields = _DECODERS[header.encoding](path, data, header)
    named = {name: values for name, values in fields.items() if not name.startswith("_")}
    packed = _unpack_color(named)
    meta = {
        "width": header.width,
        "height": header.height,
        "viewpoint": header.viewpoint,
        "encoding": header.encoding,
        "packed": packed,
    }
    return from_columns(path, named, meta={"pcd": meta})


def write(path: Path, points: PointFile, columns: Columns | None, encoding: str | None) -> None:
    """Write PCD: binary, the encoding it was read with, or the one given.

    Colours are packed into ``rgb`` (``rgba`` if there is an 8-bit ``alpha``) as PCL expects.
    """
    kept = points.meta.get("pcd", {})
    encoding = encoding or kept.get("encoding", "binary")
    pack = not kept or bool(kept.get("packed")) or "rgb" not in points.stored
    named = to_columns(path, points, wide=_ANY_WIDTH, byte_colors=pack)
    named = _pack_color(named) if pack else named
    if "normal" not in points.stored:
        named = {_NORMALS.get(name, name): values for name, values in named.items()}
    named = {name: _plain(values) for name, values in named.items()}
    width, height = kept.get("width", 0), kept.get("height", 0)
    if width * height != len(points):
        width, height = len(points), 1
    header = [
        "# .PCD v0.7 - Point Cloud Data file format",
        "VERSION 0.7",
        "FIELDS " + " ".join(named),
        "SIZE " + " ".join(str(v.dtype.itemsize) for v in named.values()),
        "TYPE " + " ".join(v.dtype.kind.upper() for v in named.values()),
        "COUNT " + " ".join(str(v[0].size) for v in named.values()),
        f"WIDTH {width}",
        f"HEIGHT {height}",
        f"VIEWPOINT {kept.get('viewpoint', '0 0 0 1 0 0 0')}",
        f"POINTS {len(points)}",
        f"DATA {encoding}",
        "",
    ]
    body = _ENCODERS[encoding](named)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write("\n".join(header).encode())
        file.write(body)


def _from_ascii(path: Path, data: bytes, header: Header) -> dict[str, np.ndarray]:
    least = 2 * header.num_points * sum(header.counts) - 1
    _refuse_short(path, header, len(data) - header.end, least)
    table = read_table(data[header.end :], path, header.end_line, header.num_points)
    if table.shape[1] != sum(header.counts):
        raise DataError(
            f"{path}: line {header.end_line} has {table.shape[1]} numbers where the header names "
            f"{sum(header.counts)}. Make the file again."
        )
    fields, at = {}, 0
    for name, dtype, count in zip(header.names, header.types, header.counts, strict=True):
        values = table[:, at] if count == 1 else table[:, at : at + count]
        if name in _PACKED and _is_bits(values):
            dtype = "<u4"
        with np.errstate(over="ignore", invalid="ignore"):
            fields[name] = values.astype(dtype)
        if np.dtype(dtype).kind != "f" and not np.array_equal(fields[name], values):
            raise DataError(f"{path}: values of '{name}' do not fit its type. Mend the header.")
        at += count
    return fields


def _is_bits(values: np.ndarray) -> bool:
    """Whether a packed colour in text is written as the integer that its bits are.

    PCL does so although the header says float; other writers put the float with these bits, which
    is a tiny fraction or, with alpha, no number or far beyond 32 bits.
    """
    return bool(np.all((values >= 0) & (values < 2**32) & (values == np.rint(values))))


def _from_binary(path: Path, data: bytes, header: Header) -> dict[str, np.ndarray]:
    needed = header.num_points * header.row.itemsize
    _refuse_short(path, header, len(data) - header.end, needed)
    rows = np.frombuffer(data, header.row, header.num_points, header.end)
    return {name: np.ascontiguousarray(rows[name]) for name in header.names}


def _from_compressed(path: Path, data: bytes, header: Header) -> dict[str, np.ndarray]:
    """One LZF block with all values of the first field, then of the second, and so on."""
    needed = header.num_points * header.row.itemsize
    if len(data) < header.end + 8:
        raise DataError(f"{path}: truncated before its data. Copy the file again.")
    packed_size, size = struct.unpack_from("<II", data, header.end)
    if size != needed:
        raise DataError(
            f"{path}: its data unpack to {size} bytes, but {header.num_points} points of "
            f"{header.row.itemsize} bytes need {needed}. The header is damaged: copy it again."
        )
    block = data[header.end + 8 : header.end + 8 + packed_size]
    _refuse_short(path, header, len(block), packed_size)
    try:
        plain = lzf.decompress(block, size)
    except ValueError as error:
        raise DataError(f"{path}: cannot be unpacked ({error}). Copy the file again.") from error
    fields, at = {}, 0
    for name, dtype, count in zip(header.names, header.types, header.counts, strict=True):
        values = np.frombuffer(plain, dtype, header.num_points * count, at)
        fields[name] = values if count == 1 else values.reshape(-1, count)
        at += values.nbytes
    return fields


_DECODERS = dict(zip(ENCODINGS, (_from_ascii, _from_binary, _from_compressed), strict=True))


def _refuse_short(path: Path, header: Header, size: int, needed: int) -> None:
    if size < needed:
        raise DataError(
            f"{path}: truncated: {header.num_points} points need at least {needed} bytes of data, "
            f"but {size} follow the header. Copy the file again."
        )


def _to_ascii(named: dict[str, np.ndarray]) -> bytes:
    formats, flat = [], []
    for values in named.values():
        columns = values.reshape(len(values), -1)
        formats += [{"f4": "%.9g", "f8": "%r"}.get(values.dtype.str[1:], "%d")] * columns.shape[1]
        flat += [column.tolist() for column in columns.T]
    line = " ".join(formats) + "\n"
    return "".join(line % row for row in zip(*flat, strict=True)).encode()


def _to_binary(named: dict[str, np.ndarray]) -> bytes:
    fields = [(name, v.dtype.newbyteorder("<"), v.shape[1:]) for name, v in named.items()]
    rows = np.empty(len(named["x"]), fields)
    for name, values in named.items():
        rows[name] = values
    return rows.tobytes()


def _to_compressed(named: dict[str, np.ndarray]) -> bytes:
    plain = b"".join(v.astype(v.dtype.newbyteorder("<")).tobytes() for v in named.values())
    packed = lzf.compress(plain)
    return struct.pack("<II", len(packed), len(plain)) + packed


_ENCODERS = dict(zip(ENCODINGS, (_to_ascii, _to_binary, _to_compressed), strict=True))


def _unpack_color(named: dict[str, np.ndarray]) -> str:
    """Replace a packed colour by its bytes; its name, or "" if there is none."""
    for name in _PACKED:
        values = named.get(name)
        if values is None or values.ndim != 1 or values.dtype.itemsize != 4:
            continue
        del named[name]
        bits = values.view(np.uint32)
        for i, channel in enumerate(("blue", "green", "red", "alpha")[: len(name)]):
            named[channel] = ((bits >> np.uint32(8 * i)) & np.uint32(255)).astype(np.uint8)
        return name
    return ""


def _pack_color(named: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Replace 8-bit red, green, blue (and alpha) by PCL's packed field."""
    channels = [named.get(name) for name in ("blue", "green", "red")]
    if any(v is None or v.dtype != np.uint8 for v in channels):
        return named
    alpha = named.get("alpha")
    with_alpha = alpha is not None and alpha.dtype == np.uint8
    bits = np.zeros(len(named["x"]), np.uint32)
    for i, values in enumerate([*channels, alpha] if with_alpha else channels):
        assert values is not None
        bits |= values.astype(np.uint32) << np.uint32(8 * i)
    gone = ("blue", "green", "red", *(("alpha",) if with_alpha else ()))
    packed = {name: values for name, values in named.items() if name not in gone}
    packed["rgba" if with_alpha else "rgb"] = bits
    return packed


_PACKED = ("rgb", "rgba")
_NORMALS = dict(zip(*TRIPLES["normal"], strict=True))
"""PCL says normal_x where others say nx."""
_ANY_WIDTH = 1 << 31


def _plain(values: np.ndarray) -> np.ndarray:
    """The same values in a type that PCD has: integers and floats of 4 and 8 bytes, small ints."""
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    return values.astype(np.float32) if values.dtype == np.float16 else values
