"""SemanticPOSS: tags give each point its cell of the grid; damaged tags are refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pcseg.data.readers.kitti.semanticposs import COLUMNS, ROWS, SemanticPOSS
from pcseg.errors import DataError

Write = Callable[..., Path]
CELLS = [(0, 5), (0, 1799), (1, 0), (20, 900), (39, 1799)]


@pytest.fixture
def folder(write_sequence: Write) -> Path:
    """One scan of five points with a tag, and one without."""
    folder = write_sequence("03", sizes=(5, 4), raw=(4, 5, 7, 22, 9))
    grid = np.zeros((ROWS, COLUMNS), bool)
    grid[tuple(np.transpose(CELLS))] = True
    (folder / "tag").mkdir()
    grid.tofile(folder / "tag/000000.tag")
    return folder


def test_rows_and_columns_of_the_points(folder: Path) -> None:
    data = SemanticPOSS(folder.parents[1], "dglss:val")
    tagged, bare = data[0], data[1]
    assert list(zip(tagged.attrs["ring"], tagged.attrs["column"], strict=True)) == CELLS
    assert tagged.attrs["ring"].dtype == np.int16 and tagged.meta["grid"] == (40, 1800)
    assert set(bare.attrs) == {"intensity"} and "grid" not in bare.meta
    assert tagged.raw_labels.tolist() == [4, 5, 7, 22, 9]
    assert tagged.labels.tolist() == [0, 0, 2, 12, 4]
    cloud = np.fromfile(folder / "velodyne/000000.bin", "<f4").reshape(-1, 4)
    assert np.array_equal(tagged.attrs["intensity"], cloud[:, 3] / np.float32(255))
    assert np.array_equal(tagged.pose[:3, 3], [0.5, 0, 0])  # as it stands in the file


def test_a_changed_tag_voids_stored_counts(folder: Path) -> None:
    data = SemanticPOSS(folder.parents[1], "03")
    assert folder / "tag/000000.tag" in data._files(0) and len(data._files(1)) == 2
    assert data._label_source(data.frames[0]) == folder / "labels/000000.label"


def test_lines_of_poses_where_numbers_leave_gaps(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("velodyne", "labels", "tag"):
        for path in (folder / name).glob("000001.*"):
            path.rename(path.with_stem("000007"))
    with caplog.at_level(logging.WARNING):
        data = SemanticPOSS(folder.parents[1], "03")
    assert "numbered up to 000007" in caplog.text and "2 lines" in caplog.text
    assert data[1].pose[0, 3] == 1.5 and data[1].meta["time"] == pytest.approx(0.1)
    (folder / "times.txt").write_text("0\n1\n2\n")
    with pytest.raises(DataError, match=r"poses\.txt: 2 lines, but frame 03/000007 needs line 8"):
        SemanticPOSS(folder.parents[1], "03")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cells: cells[:-1], r"000000\.tag: not a grid of 40 x 1800.*71999 bytes"),
        (lambda cells: np.append(cells, 0), r"not a grid of 40 x 1800.*\(72001 bytes"),
        (lambda cells: cells[:0], r"not a grid of 40 x 1800 .*\(0 bytes, highest 0\)"),
        (lambda cells: cells * 3, r"not a grid.*highest 3.*take it away to go on"),
        (lambda cells: cells * 0, r"000000\.tag: 0 filled cells for the 5 points of .*000000\.bin"),
        (lambda cells: np.where(np.arange(72000) == 7, 1, cells), r"6 filled cells for the 5 poi"),
    ],
)
def test_damaged_tags(folder: Path, change: Callable, message: str) -> None:
    path = folder / "tag/000000.tag"
    change(np.fromfile(path, np.uint8)).astype(np.uint8).tofile(path)
    with pytest.raises(DataError, match=message):
        SemanticPOSS(folder.parents[1], "03")[0]


def test_a_cloud_cut_at_a_point_does_not_fit_its_tag(folder: Path) -> None:
    path = folder / "velodyne/000000.bin"
    path.write_bytes(path.read_bytes()[:-16])
    with pytest.raises(DataError, match="5 filled cells for the 4 points"):
        SemanticPOSS(folder.parents[1], "03", labels="none")[0]
