"""Submissions: what the server demands, checked a second way, and every kind of bad archive."""

from __future__ import annotations

import os
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from prediction_samples import SK19, a_prediction, a_scan

from pcseg.errors import DataError
from pcseg.evaluate import (
    require_valid,
    server_sequences,
    validate_submission,
    write_prediction,
    write_submission,
)

SEQUENCES = [f"{number:02d}" for number in range(11, 22)]
FIRST = "sequences/11/predictions/000000.label"


@pytest.fixture
def dataset(tmp_path) -> Path:
    """Test sequences of two tiny scans each."""
    for sequence in SEQUENCES:
        folder = tmp_path / "dataset" / "sequences" / sequence / "velodyne"
        folder.mkdir(parents=True)
        for frame in range(2):
            size = int(sequence) + frame
            (folder / f"{frame:06d}.bin").write_bytes(np.zeros((size, 4), "<f4").tobytes())
    return tmp_path


@pytest.fixture
def predictions(tmp_path) -> Path:
    for sequence in SEQUENCES:
        for frame in range(2):
            size = int(sequence) + frame
            scan = a_scan(size, sequence=sequence, frame=f"{frame:06d}")
            write_prediction(tmp_path / "pred", scan, a_prediction(size), SK19, ".label")
    return tmp_path / "pred"


@pytest.fixture
def archive(predictions, tmp_path) -> Path:
    write_submission(predictions, tmp_path / "submission.zip")
    return tmp_path / "submission.zip"


def rewritten(archive: Path, **changes: bytes | None) -> Path:
    """The archive with entries replaced, removed (None) or added."""
    edited = archive.with_name("edited.zip")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(edited, "w") as new:
        for info in old.infolist():
            if info.filename not in changes:
                new.writestr(info, old.read(info))
        for name, data in changes.items():
            if data is not None:
                new.writestr(name, data)
    return edited


def faults(archive: Path, dataset: Path) -> list[str]:
    return [str(fault) for fault in validate_submission(archive, dataset)]


def test_the_sequences_are_the_official_ones() -> None:
    assert server_sequences() == SEQUENCES


def test_what_is_written_obeys_the_servers_rules(archive, dataset) -> None:
    with zipfile.ZipFile(archive) as opened:
        sizes = {info.filename: info.file_size for info in opened.infolist()}
    assert "sequences/" in sizes
    for number in range(11, 22):
        assert f"sequences/{number}/" in sizes
        assert f"sequences/{number}/predictions/" in sizes
        scans = os.listdir(dataset / "dataset" / "sequences" / str(number) / "velodyne")
        for scan in scans:
            bytes_of_scan = os.path.getsize(
                dataset / "dataset" / "sequences" / str(number) / "velodyne" / scan
            )
            label = f"sequences/{number}/predictions/{Path(scan).stem}.label"
            assert sizes.pop(label) / 4 == bytes_of_scan / 16
    assert not [name for name in sizes if not name.endswith("/")]
    assert faults(archive, dataset) == []
    assert faults(archive, dataset / "dataset") == []
    assert faults(archive, dataset / "dataset" / "sequences") == []
    require_valid(archive, [])


def test_equal_predictions_give_equal_archives_and_labels_arrive_unchanged(
    predictions, archive, tmp_path
) -> None:
    seen: list[tuple[int, int]] = []
    count = write_submission(
        predictions / "sequences", tmp_path / "again.zip", progress=lambda *at: seen.append(at)
    )
    assert count == 22
    assert seen == [(done, 22) for done in range(1, 23)]
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        assert opened.read(FIRST) == (predictions / FIRST).read_bytes()


def test_description_is_allowed(predictions, dataset, tmp_path) -> None:
    write_submission(predictions, tmp_path / "d.zip", description="method: pcseg")
    with zipfile.ZipFile(tmp_path / "d.zip") as opened:
        assert opened.read("description.txt") == b"method: pcseg"
    assert faults(tmp_path / "d.zip", dataset) == []


def test_missing_predictions_are_all_named_and_nothing_is_written(predictions, tmp_path) -> None:
    for sequence in ("13", "20"):
        for path in (predictions / "sequences" / sequence / "predictions").iterdir():
            path.unlink()
    with pytest.raises(DataError, match=r"no predictions of sequence 13, 20 .*Run predict"):
        write_submission(predictions, tmp_path / "s.zip")
    assert not (tmp_path / "s.zip").exists()
    assert write_submission(predictions, tmp_path / "s.zip", sequences=["11", "12"]) == 4


def test_the_name_must_end_with_zip(predictions, archive, dataset, tmp_path) -> None:
    with pytest.raises(DataError, match=r"s\.tar: the server takes a \.zip"):
        write_submission(predictions, tmp_path / "s.tar")
    renamed = archive.rename(tmp_path / "s.tar")
    assert faults(renamed, dataset) == ["s.tar: the name must end with .zip"]


def test_missing_entries_and_directories(archive, dataset) -> None:
    edited = rewritten(archive, **{FIRST: None, "sequences/12/predictions/": None})
    assert faults(edited, dataset) == [
        "sequences/12/predictions/: this directory entry is missing",
        f"{FIRST}: is missing",
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (np.full(10, 40, "<u4").tobytes(), "has 10 labels for 11 points"),
        (np.full(12, 40, "<u4").tobytes(), "has 12 labels for 11 points"),
        (np.full(11, 40, "<u4").tobytes()[:-1], "has 10.75 labels for 11 points"),
        (b"", "has 0 labels for 11 points"),
        (
            np.array([3] * 11, "<u4").tobytes(),
            "predicts 3 (11 points), which no scored class has; are these train ids? "
            "The server wants raw ids",
        ),
        (
            np.array([40] * 9 + [0, 12345], "<u4").tobytes(),
            "predicts 0 (1 points), 12345 (1 points), which no scored class has",
        ),
    ],
)
def test_bad_labels(archive, dataset, data, problem) -> None:
    assert faults(rewritten(archive, **{FIRST: data}), dataset) == [f"{FIRST}: {problem}"]


def test_the_instance_half_is_no_matter(archive, dataset) -> None:
    data = np.full(11, 252 | 9 << 16, "<u4").tobytes()
    assert faults(rewritten(archive, **{FIRST: data}), dataset) == []


def test_strangers_and_names_that_leave_the_archive(archive, dataset) -> None:
    edited = rewritten(
        archive,
        **{
            "readme.md": b"hi",
            "sequences/11/predictions/000009.label": b"",
            "../../etc/passwd": b"root",
            "/etc/passwd": b"root",
            "sequences\\11": b"",
        },
    )
    assert faults(edited, dataset) == [
        "readme.md: does not belong in a submission",
        "sequences/11/predictions/000009.label: has no scan in the dataset",
        "../../etc/passwd: points outside the archive",
        "/etc/passwd: points outside the archive",
        "sequences\\11: points outside the archive",
    ]
    assert not (dataset / "etc").exists()


def test_doubled_and_linked_entries(archive, dataset) -> None:
    edited = rewritten(archive)
    link = zipfile.ZipInfo(FIRST)
    link.external_attr = 0o120777 << 16
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(edited, "a") as opened:
        opened.writestr(link, b"/etc/passwd")
    assert faults(edited, dataset) == [f"{FIRST}: is there twice"]
    linked = rewritten(archive, **{FIRST: None})
    with zipfile.ZipFile(linked, "a") as opened:
        opened.writestr(link, b"/etc/passwd")
    assert faults(linked, dataset) == [f"{FIRST}: is a link"]


def test_damage_within_the_archive(archive, dataset) -> None:
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        start = opened.getinfo(FIRST).header_offset + 30 + len(FIRST)
    data[start + 2] ^= 0xFF
    archive.write_bytes(data)
    (found,) = faults(archive, dataset)
    assert found.startswith(f"{FIRST}: cannot be read (")
    archive.write_bytes(data[:-60])
    (found,) = faults(archive, dataset)
    assert found.startswith("submission.zip: not a readable zip archive (")


def test_a_bomb_that_lies_about_its_size_does_not_go_off(archive, dataset) -> None:
    size = 100_000_000
    bomb = rewritten(archive, **{FIRST: None})
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as opened:
        with opened.open(FIRST, "w") as entry:
            for _ in range(size // 1_000_000):
                entry.write(bytes(1_000_000))
    honest = faults(bomb, dataset)
    assert honest == [f"{FIRST}: has 2.5e+07 labels for 11 points"]
    # Announce 44 bytes in the central directory, as 11 points need.
    data = bomb.read_bytes()
    assert data.count(size.to_bytes(4, "little")) >= 1
    bomb.write_bytes(data.replace(size.to_bytes(4, "little"), (44).to_bytes(4, "little")))
    tracemalloc.start()
    (found,) = faults(bomb, dataset)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.startswith(f"{FIRST}: cannot be read (Bad CRC-32")
    assert peak < 20_000_000


def test_faults_are_listed_with_their_entries(archive, dataset) -> None:
    edited = rewritten(archive, **{FIRST: b"", "x.txt": b""})
    found = validate_submission(edited, dataset)
    with pytest.raises(DataError, match=r"edited\.zip: 2 faults; do not send it") as error:
        require_valid(edited, found)
    assert f"\n  {FIRST}: has 0 labels for 11 points" in str(error.value)
    with pytest.raises(DataError, match=r"… and 1 more"):
        require_valid(edited, found, show=1)


def test_without_scans_there_is_nothing_to_check_against(archive, tmp_path) -> None:
    with pytest.raises(DataError, match=r"elsewhere: no SS/velodyne/\*\.bin .*no such folder"):
        validate_submission(archive, tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"no scans of sequence 11, 12, .*give the folder"):
        validate_submission(archive, _one_scan(tmp_path / "other"))
    with pytest.raises(DataError, match=r"gone\.zip: there is no such archive"):
        validate_submission(tmp_path / "gone.zip", _one_scan(tmp_path), sequences=["30"])


def test_the_scans_are_found_by_the_rule_of_the_reader(archive, dataset, tmp_path) -> None:
    # An empty `sequences` beside the true one, and the sequences without a folder of that name.
    (dataset / "sequences").mkdir()
    assert faults(archive, dataset) == []
    (dataset / "dataset" / "sequences").rename(tmp_path / "plain")
    assert faults(archive, tmp_path / "plain") == []


def test_a_scan_that_is_cut_short_is_named(archive, dataset) -> None:
    scan = dataset / "dataset" / "sequences" / "12" / "velodyne" / "000001.bin"
    scan.write_bytes(scan.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"12/velodyne/000001\.bin: .*cut short"):
        validate_submission(archive, dataset)


def test_hidden_files_are_no_scans_and_no_predictions(predictions, dataset, tmp_path) -> None:
    (predictions / "sequences/11/predictions/._000000.label").write_bytes(b"junk")
    (dataset / "dataset/sequences/11/velodyne/._000000.bin").write_bytes(b"junk")
    assert write_submission(predictions, tmp_path / "s.zip") == 22
    assert faults(tmp_path / "s.zip", dataset) == []


def _one_scan(tmp_path: Path) -> Path:
    folder = tmp_path / "one" / "sequences" / "30" / "velodyne"
    folder.mkdir(parents=True)
    (folder / "000000.bin").write_bytes(bytes(16))
    return tmp_path / "one"
