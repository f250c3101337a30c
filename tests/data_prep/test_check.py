"""Checks of datasets: sound ones pass, and each planted damage is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pcseg.data_prep import Finding, SurveyJob, check, survey
from pcseg.data_prep.motion import judge_motion
from pcseg.errors import ConfigError, DataError
from tests.conftest import pcseg


def judge(root: Path, cameras: bool = False, **options: object) -> list[Finding]:
    given = (("cameras", ("image_2",)),) if cameras else ()
    return check(survey(SurveyJob("semantickitti", root, options=(*given, *options.items()))))


def cloud(root: Path, frame: int = 2) -> Path:
    return root / "sequences" / "08" / "velodyne" / f"{frame:06d}.bin"


def edit(path: Path, change: Callable[[np.ndarray], None]) -> None:
    points = np.fromfile(path, "<f4").reshape(-1, 4)
    change(points)
    points.tofile(path)


def edit_poses(root: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    path = root / "sequences" / "08" / "poses.txt"
    np.savetxt(path, change(np.loadtxt(path)))


def set_row(number: int, column: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(rows: np.ndarray) -> np.ndarray:
        rows[number, column] = value
        return rows

    return change


def inverted(rows: np.ndarray) -> np.ndarray:
    poses = np.tile(np.eye(4), (len(rows), 1, 1))
    poses[:, :3] = rows.reshape(-1, 3, 4)
    return np.linalg.inv(poses)[:, :3].reshape(len(rows), 12)


def repeat_points(points: np.ndarray) -> None:
    points[: len(points) // 10] = points[-(len(points) // 10) :]


def unknown_label(root: Path) -> None:
    path = root / "sequences" / "08" / "labels" / "000002.label"
    labels = np.fromfile(path, "<u4")
    labels[5] = 77
    labels.tofile(path)


def copy_scan(root: Path) -> None:
    for path in (root / "sequences" / "08").glob("*/000001.*"):
        shutil.copy(path, path.with_stem("000002"))


def wrong_calibration(root: Path) -> None:
    """The camera is said to look 90 degrees to the side of where it looks."""
    path = root / "sequences" / "08" / "calib.txt"
    lines = []
    for line in path.read_text().splitlines():
        name, _, numbers = line.partition(": ")
        if name == "Tr":
            matrix = np.eye(4)
            matrix[:3] = np.array(numbers.split(), float).reshape(3, 4)
            turn = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
            matrix = matrix @ turn
            numbers = " ".join(f"{v:.12e}" for v in matrix[:3].ravel())
        lines.append(f"{name}: {numbers}\n")
    path.write_text("".join(lines))


Damage = Callable[[Path], object]

DAMAGES: dict[str, tuple[Damage, str, str]] = {
    "cut cloud": (
        lambda r: cloud(r).write_bytes(cloud(r).read_bytes()[:-5]),
        "error",
        "000002.bin",
    ),
    "unknown label": (unknown_label, "error", "000002.label"),
    "NaN point": (
        lambda r: edit(cloud(r), lambda p: p.__setitem__((7, 0), np.nan)),
        "error",
        "1 points have NaN",
    ),
    "copied scan": (copy_scan, "error", "same points as 08/000001"),
    "frame gone": (lambda r: cloud(r).unlink(), "warning", "1 gaps in the numbers"),
    "one gone, another cut": (
        lambda r: (cloud(r).unlink(), cloud(r, 4).write_bytes(b"short")),
        "warning",
        "1 gaps in the numbers",
    ),
    "label gone": (
        lambda r: (r / "sequences/08/labels/000002.label").unlink(),
        "note",
        "1 of 6 scans have no labels",
    ),
    "point on the moon": (
        lambda r: edit(cloud(r), lambda p: p.__setitem__((7, 0), 4e8)),
        "warning",
        "a point lies at 400000000 m",
    ),
    "repeated points": (lambda r: edit(cloud(r), repeat_points), "warning", "repeat others"),
    "bright points": (
        lambda r: edit(cloud(r), lambda p: p.__setitem__((slice(None), 3), 200)),
        "warning",
        "intensity runs from 200 to 200",
    ),
    "pose jumps": (
        lambda r: edit_poses(r, set_row(3, 3, 500.0)),
        "warning",
        "its pose jumps",
    ),
    "poses inverted": (lambda r: edit_poses(r, inverted), "warning", "are they sensor -> world"),
    "time goes back": (
        lambda r: (r / "sequences/08/times.txt").write_text("0\n1\n2\n1.5\n4\n5\n"),
        "warning",
        "is not after",
    ),
}


def test_a_sound_dataset_has_no_errors_and_no_warnings(dataset: Path) -> None:
    found = judge(dataset, cameras=True)
    assert [finding for finding in found if finding.level != "note"] == []
    shares = [f.what for f in found if "class of their pixel" in f.what]
    assert len(shares) == 1 and float(shares[0].split("%")[0]) > 95


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(name: str, damaged: Path) -> None:
    damage, level, message = DAMAGES[name]
    damage(damaged)
    found = judge(damaged)
    assert any(f.level == level and message in f"{f.where}: {f.what}" for f in found), found


def test_a_wrong_calibration_is_suspicious(damaged: Path) -> None:
    wrong_calibration(damaged)
    found = judge(damaged, cameras=True, sequences=("08",))
    assert any(f.level == "warning" and "is the calibration right" in f.what for f in found), found


def test_poses_that_are_no_motion(dataset: Path) -> None:
    scans = list(survey(SurveyJob("semantickitti", dataset, "08")).scans)
    for change, message in (
        (np.diag([1.1, 1.1, 1.1, 1]), "away from the identity"),
        (np.diag([1.0, 1, -1, 1]), "mirrors"),
        (np.full((4, 4), np.nan), "NaN"),
    ):
        wrong = [*scans[:2], replace(scans[2], pose=scans[2].pose @ change), *scans[3:]]
        ((where, level, what),) = judge_motion("08", wrong)
        assert (where, level) == ("08/000002", "error") and message in what
    half = [*scans[:2], replace(scans[2], pose=None), *scans[3:]]
    assert [what for _, _, what in judge_motion("08", half)] == ["1 of 6 scans have no pose."]


def test_survey_is_the_same_with_several_workers(dataset: Path) -> None:
    job = SurveyJob("semantickitti", dataset)
    one, two = survey(job), survey(job, workers=2)
    assert np.array_equal(one.by_range, two.by_range)
    assert [f.frame for f in one.scans] == [f.frame for f in two.scans]
    assert check(one) == check(two)


def test_counts_are_those_of_the_scans(dataset: Path) -> None:
    found = survey(SurveyJob("semantickitti", dataset))
    scans = list(found.job.open())
    for facts, scan in zip(found.scans, scans, strict=True):
        assert facts.by_range.sum() == facts.points == len(scan)
        for k in range(found.classes.num_classes):
            assert facts.by_range[k].sum() == (scan.labels == k).sum()
        distance = np.linalg.norm(scan.xyz, axis=1)
        assert facts.by_range[:, 2].sum() == ((distance >= 10) & (distance < 15)).sum()
        assert facts.duplicates == len(scan) - len(np.unique(scan.xyz, axis=0))


def test_all_scans_broken_is_an_error_of_its_own(damaged: Path) -> None:
    for path in damaged.glob("sequences/*/velodyne/*.bin"):
        path.write_bytes(b"short")
    with pytest.raises(DataError, match="none of the 12 scans can be read"):
        judge(damaged)


def test_settings_of_the_survey_are_its_own() -> None:
    from pcseg.data_prep.survey import options_of

    with pytest.raises(ConfigError, match="'invalid' cannot be set"):
        options_of([("invalid", "error")])


def test_the_command(damaged: Path, tmp_path: Path) -> None:
    sound = pcseg("check", "semantickitti", str(damaged), "--every", "3")
    assert sound.returncode == 0 and "sound" in sound.stdout and "(simulated)" in sound.stdout
    cloud(damaged).write_bytes(b"short")
    out = tmp_path / "findings.json"
    broken = pcseg("check", "semantickitti", str(damaged), "--json", str(out))
    assert broken.returncode == 1 and "1 errors" in broken.stderr
    findings = json.loads(out.read_text())["findings"]
    assert findings[0]["level"] == "error" and "000002.bin" in findings[0]["what"]
