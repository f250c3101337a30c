"""Simulating rooms: the same bytes, resuming, damage that is noticed, settings that are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pcseg.errors import ConfigError
from pcseg.sim import Simulation, simulate_rooms
from pcseg.sim.rooms.scannet import ScanNetWriter
from tests.conftest import pcseg_here

TINY = {"layout": "s3dis", "image_scale": 0.03, "frames": 1, "seed": 1}
SCANNET = {"layout": "scannet", "image_scale": 0.08, "frames": 12, "seed": 4}


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    return simulate_rooms(tmp_path_factory.mktemp("tiny"), rooms=2, **TINY)


@pytest.fixture
def copied(scannet: Simulation, tmp_path: Path) -> Path:
    """A copy of the simulated ScanNet that may be damaged."""
    shutil.copytree(scannet.root, tmp_path / "copy")
    return tmp_path / "copy"


def test_same_bytes_on_any_number_of_processes_and_more_rooms_later(
    tiny: Simulation, tmp_path: Path
) -> None:
    told: list[tuple[int, int, str]] = []
    simulate_rooms(
        tmp_path, rooms=2, workers=2, progress=lambda *message: told.append(message), **TINY
    )
    assert contents(tmp_path) == contents(tiny.root)
    assert [(done, total) for done, total, _ in told] == [(1, 2), (2, 2)]
    more = simulate_rooms(tmp_path, rooms=3, **TINY)
    assert (more.frames, more.written) == (3, 1)
    before = {k: v for k, v in contents(tiny.root).items() if k != "simulation.json"}
    assert before.items() <= contents(tmp_path).items()


def test_an_interrupted_call_can_be_repeated(tiny: Simulation, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int, message: str) -> None:
        raise Stop

    with pytest.raises(Stop):
        simulate_rooms(tmp_path, rooms=2, progress=stop, **TINY)
    assert not list(tmp_path.rglob("*.txt"))
    half = tmp_path / "Area_1/office_1/Annotations/.wall_1.ab3_defg.txt"
    half.parent.mkdir(parents=True)
    half.write_text("0.1 0.2")
    (half.parent / "sofa_7.txt").write_text("0.1 0.2 0.3 1 2 3\n")
    assert simulate_rooms(tmp_path, rooms=2, **TINY).written == 2
    assert contents(tmp_path) == contents(tiny.root)
    assert simulate_rooms(tmp_path, rooms=2, **TINY).written == 0


@pytest.mark.parametrize("what", ["room", "annotation", "missing"])
def test_damaged_rooms_are_made_again(what: str, tiny: Simulation, tmp_path: Path) -> None:
    shutil.copytree(tiny.root, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "Area_2/conferenceRoom_1"
    path = folder / ("conferenceRoom_1.txt" if what == "room" else "Annotations/wall_2.txt")
    path.write_bytes(path.read_bytes()[:-9])
    if what == "missing":
        path.unlink()
    assert simulate_rooms(tmp_path, rooms=2, **TINY).written == 1
    assert contents(tmp_path) == contents(tiny.root)


@pytest.mark.parametrize(
    "suffix",
    [
        ".sens",
        "_2d-label-filt.zip",
        "_vh_clean_2.ply",
        "_vh_clean_2.labels.ply",
        "_vh_clean_2.0.010000.segs.json",
        ".aggregation.json",
        ".txt",
    ],
)
def test_damaged_scenes_are_noticed(suffix: str, copied: Path) -> None:
    writer = ScanNetWriter(copied, 0.08, 12)
    path = copied / f"scans/scene0001_00/scene0001_00{suffix}"
    whole = path.read_bytes()
    assert writer.has_room(0) and writer.has_room(1)
    for damaged in (whole[:-3], whole[: len(whole) // 2], b""):
        path.write_bytes(damaged)
        assert not writer.has_room(1)
    path.unlink()
    assert not writer.has_room(1) and writer.has_room(0)


def test_a_damaged_scene_comes_back_byte_by_byte(scannet: Simulation, copied: Path) -> None:
    path = copied / "scans/scene0001_00/scene0001_00.sens"
    path.write_bytes(path.read_bytes()[:1000])
    (path.parent / ".scene0001_00.ab3_defg.sens").write_bytes(b"half")
    assert simulate_rooms(copied, rooms=2, **SCANNET).written == 1
    assert contents(copied) == contents(scannet.root)


def test_folders_of_other_data_are_not_touched(tiny: Simulation, tmp_path: Path) -> None:
    genuine = tmp_path / "genuine/scans/scene0000_00/scene0000_00.sens"
    genuine.parent.mkdir(parents=True)
    genuine.write_bytes(b"genuine")
    with pytest.raises(ConfigError, match=r"has 'scans' but no simulation\.json"):
        simulate_rooms(tmp_path / "genuine", rooms=1, overwrite=True, **SCANNET)
    shutil.copytree(tiny.root, tmp_path / "rooms")
    with pytest.raises(ConfigError, match=r"simulated differently \(seed: there 1, asked 2\)"):
        simulate_rooms(tmp_path / "rooms", rooms=1, **{**TINY, "seed": 2})
    own = tmp_path / "rooms/Area_1/own/own.txt"
    own.parent.mkdir()
    own.touch()
    with pytest.raises(ConfigError, match=r"Area_1/own/own\.txt: was not simulated here"):
        simulate_rooms(tmp_path / "rooms", rooms=1, overwrite=True, **{**TINY, "seed": 2})
    own.unlink()
    simulate_rooms(tmp_path / "rooms", rooms=1, overwrite=True, **{**TINY, "seed": 2})
    assert [p.name for p in sorted((tmp_path / "rooms").iterdir())] == ["Area_1", "simulation.json"]
    known = json.loads((tmp_path / "rooms/simulation.json").read_text())
    assert known["sequences"] == ["Area_1/office_1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layout": "scanet"}, r"no layout of rooms 'scanet' \(did you mean scannet\?\)"),
        ({"rooms": 0}, "at least 1 room is needed, not 0"),
        ({"frames": 0}, "at least 1 station is needed, not 0"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"image_scale": 9.0}, "cannot be scaled by 9.0"),
        ({"workers": 0}, "at least 1 worker"),
    ],
)
def test_settings_that_cannot_be(change: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate_rooms(tmp_path / "out", **{**TINY, "rooms": 1, **change})
    assert not (tmp_path / "out").exists()


def test_command_line(tiny: Simulation, tmp_path: Path) -> None:
    words = ("--layout", "s3dis", "--rooms", 2, "--image-scale", 0.03, "--frames", 1, "--seed", 1)
    done = pcseg_here("simulate", tmp_path / "out", *words)
    assert done.returncode == 0, done.stderr
    assert "2 rooms (2 new)" in done.stdout
    assert contents(tmp_path / "out") == contents(tiny.root)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--layout", "scannet", "--sensor", "vlp16", "--sequences", "00"),
            "--sensor, --sequences",
        ),
        (
            ("--layout", "s3dis", "--columns-step", "2"),
            "--columns-step: not for the layout 's3dis'",
        ),
        (("--rooms", "3"), "--rooms: not for the layout 'semantickitti'"),
        (("--layout", "s3diss"), "no layout 's3diss' (did you mean s3dis?)"),
    ],
)
def test_options_of_the_other_kind_are_refused(
    words: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = pcseg_here("simulate", tmp_path / "out", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()
