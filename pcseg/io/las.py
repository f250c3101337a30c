"""LAS and LAZ files: surveyed points on an integer grid, with classes (laspy)."""

from __future__ import annotations

import copy
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.errors import DataError
from pcseg.files import write_bytes
from pcseg.io.columns import from_columns, to_columns
from pcseg.io.layouts import Columns
from pcseg.io.points import PointFile
from pcseg.io.ranges import to_steps


def read(path: Path, columns: Columns | None = None) -> PointFile:
    """Read a LAS or LAZ file.

    Coordinates are float64; intensity and colours are divided by 65535 (colours by 255 if none is
    larger); the classification becomes the labels, unless there is an extra dimension ``label``
    or all points are 0, "never classified", and there is no extra dimension ``confidence`` either.
    All other dimensions are attributes of their name. ``meta["las"]`` keeps the
    header, so that the same grid is written back.

    Raises:
        DataError: for a damaged or truncated file, or a point format that laspy does not know.
    """
    import laspy

    _refuse_absurd(path)
    try:
        with laspy.open(path, closefd=True) as reader:
            _refuse_truncated(path, reader.header)
            chunks = [chunk.array.copy() for chunk in reader.chunk_iterator(_CHUNK)]
            header = reader.header
    except DataError:
        raise
    except Exception as error:  # laspy and its decoders raise many kinds for damaged bytes
        raise DataError(f"{path}: damaged, truncated, or no LAS file ({error}).") from error
    found = sum(len(chunk) for chunk in chunks)
    if found != header.point_count or not found:
        raise DataError(
            f"{path}: its header promises {header.point_count} points, but {found} are there. "
            + ("Copy the file again." if found else "Remove the file, or make it again.")
        )
    record = laspy.ScaleAwarePointRecord(
        np.concatenate(chunks), header.point_format, header.scales, header.offsets
    )
    named = {axis: np.asarray(record[axis]) for axis in "xyz"}
    for name in header.point_format.dimension_names:
        if name not in ("X", "Y", "Z"):
            named[name] = np.asarray(record[name])
    # 0 means "never classified", but not where somebody says how sure they are of it.
    if "confidence" not in named and not np.any(named["classification"]):
        del named["classification"]
    return from_columns(path, named, meta={"las": header})


def write(path: Path, points: PointFile, columns: Columns | None, encoding: str | None) -> None:
    """Write LAS, or LAZ if the name ends so, on the grid the points were read with.

    Points from other formats get the finest decimal grid that spans them, at least 1e-7 of their
    unit. Labels 0..255 become the classification, others an extra dimension ``label``; attributes
    that LAS does not know become extra dimensions.

    Raises:
        DataError: for NaN points, for points outside the grid, or values that do not fit.
    """
    import laspy

    if not np.isfinite(points.xyz).all():
        raise DataError(f"{path}: LAS cannot hold NaN or infinite points. Remove them first.")
    named = to_columns(path, _sixteen_bit(path, points), wide=3, spaces=True)
    classes = _take_classes(points, named)
    header = _header(laspy, points, named, classes)
    las = laspy.LasData(header)
    las.points = laspy.ScaleAwarePointRecord.zeros(len(points), header=header)
    try:
        las.x, las.y, las.z = (named.pop(axis).astype(np.float64) for axis in "xyz")
        if classes is not None:
            las.classification = classes.astype(np.uint8)
        for name, values in named.items():
            las[name] = values
    except OverflowError as error:
        raise DataError(f"{path}: {error}. Divide or shift the values to fit LAS.") from error
    buffer = io.BytesIO()  # compressed in memory: a full disk is then told by the write itself
    las.write(buffer, do_compress=path.suffix.lower() == ".laz")
    write_bytes(path, buffer.getvalue())


def _refuse_absurd(path: Path) -> None:
    """Laspy would read as many records of a broken header as it promises, for minutes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(375).ljust(375, b"\0")
    header_size, data_at, num_vlrs = struct.unpack_from("<HII", head, 94)
    evlrs_at, num_evlrs = struct.unpack_from("<QI", head, 235) if head[25] >= 4 else (0, 0)
    if (
        head[:4] != b"LASF"
        or not header_size + _VLR * num_vlrs <= data_at <= size
        or (num_evlrs and evlrs_at + _EVLR * num_evlrs > size)
    ):
        raise DataError(
            f"{path}: damaged, truncated, or no LAS file: its header promises {num_vlrs} + "
            f"{num_evlrs} records and points from byte {data_at} in {size} bytes. Copy it again."
        )


def _refuse_truncated(path: Path, header: Any) -> None:
    size = path.stat().st_size
    needed = header.offset_to_point_data + header.point_count * header.point_format.size
    if not header.are_points_compressed and needed > size:
        raise DataError(
            f"{path}: truncated: {header.point_count} points need {needed} bytes, "
            f"but it has {size}. Copy the file again."
        )


def _sixteen_bit(path: Path, points: PointFile) -> PointFile:
    """Colours and intensities in 0..1 as the 16-bit numbers that LAS wants."""
    attrs = dict(points.attrs)
    stored = dict(points.stored)
    for name in ("intensity", "rgb"):
        if name in attrs and attrs[name].dtype.kind == "f":
            kept = stored.pop(name, None)
            scale = kept.scale if kept and kept.dtype == np.uint16 else 65535.0
            if attrs[name].max(initial=0) * scale <= 255 and name == "rgb":
                scale = 255.0  # what no reader could tell from 8-bit colours is written as such
            attrs[name] = to_steps(path, name, attrs[name], scale, np.uint16)
    return points.replace(attrs=attrs, stored=stored)


def _take_classes(points: PointFile, named: dict[str, np.ndarray]) -> np.ndarray | None:
    """Labels for the field "classification" if it can hold them; else they stay a column."""
    labels = points.labels
    if labels is None:
        return None
    stored = points.stored.get("labels")
    name = stored.names[0] if stored else "label"
    column = named.pop(name)
    own_dimension = stored is not None and "las" in points.meta and name != "classification"
    beside = own_dimension or "classification" in named
    if not beside and labels.min() >= 0 and labels.max() <= 255:
        return labels
    named[name if beside else "label"] = column if column.dtype.kind in "iu" else labels
    return None


def _header(
    laspy: Any, points: PointFile, named: dict[str, np.ndarray], classes: np.ndarray | None
) -> Any:
    kept = points.meta.get("las")
    if kept is not None and _suffices(kept, named, classes):
        header = copy.deepcopy(kept)
    else:
        header = laspy.LasHeader(point_format=7 if "red" in named else 6, version="1.4")
        if kept is None:
            header.scales, header.offsets = _grid(points.xyz)
        else:
            header.scales, header.offsets = kept.scales, kept.offsets
            header.vlrs = [vlr for vlr in kept.vlrs if vlr.user_id == "LASF_Projection"]
    known = {*"xyz", *header.point_format.dimension_names}
    for name, values in named.items():
        if name not in known:
            dtype = np.dtype(np.uint8) if values.dtype.kind == "b" else values.dtype
            width = str(values.shape[1]) if values.ndim == 2 else ""
            header.add_extra_dim(laspy.ExtraBytesParams(name, width + dtype.str[1:]))
    return header


def _suffices(kept: Any, named: dict[str, np.ndarray], classes: np.ndarray | None) -> bool:
    """Whether the format that was read holds such classes (formats below 6: 5 bits) and colours."""
    large = classes is not None and classes.max() > 31 and kept.point_format.id < 6
    return not large and ("red" not in named or "red" in kept.point_format.dimension_names)


def _grid(xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales and offsets whose 32-bit grid spans the points, as fine as decimals allow."""
    low, high = xyz.min(axis=0).astype(np.float64), xyz.max(axis=0).astype(np.float64)
    extent = np.maximum(high - low, 1e-3).max()
    step = max(1e-7, 10.0 ** np.ceil(np.log10(extent / 2e9)))
    return np.full(3, step), np.floor((low + high) / 2)


_CHUNK = 1_000_000
_VLR, _EVLR = 54, 60
"""Bytes that a (long) variable-length record has at least."""
