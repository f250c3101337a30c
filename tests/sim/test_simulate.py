"""Simulated data sets on disk: every byte of the layout, resumption, determinism, refusals."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from pcseg.data import label_set
from pcseg.errors import ConfigError, DataError
from pcseg.sim import Simulation, build_street, simulate
from pcseg.sim.classes import MOVING
from pcseg.sim.recipe import sequence_names

LIGHT = {"sensor": "vlp16", "columns_step": 4, "frames": 3, "frame_step": 4.0}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    root = tmp_path_factory.mktemp("simulated")
    return simulate(root, sequences=("00", "08"), seed=3, **LIGHT)


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_layout_and_sizes(made: Simulation) -> None:
    folder = made.root / "sequences" / "00"
    assert sorted(p.name for p in folder.iterdir()) == [
        "calib.txt",
        "labels",
        "poses.txt",
        "times.txt",
        "velodyne",
    ]
    assert sorted(p.name for p in (folder / "velodyne").iterdir()) == [
        f"{k:06d}.bin" for k in range(3)
    ]
    known = label_set("semantic_kitti/sk19")
    total = 0
    for sequence in ("00", "08"):
        for points in sorted((made.root / "sequences" / sequence / "velodyne").iterdir()):
            cloud = np.fromfile(points, "<f4").reshape(-1, 4)
            words = np.fromfile(points.parent.parent / "labels" / f"{points.stem}.label", "<u4")
            assert len(cloud) == len(words) > 1000
            assert np.isfinite(cloud).all()
            assert 0 <= cloud[:, 3].min() and cloud[:, 3].max() <= 1
            raw, instance = words & 0xFFFF, words >> 16
            known.encode(raw.astype(np.int64))
            # Things carry an instance id, stuff does not.
            things = (raw >= 10) & (raw < 40) | (raw >= 252)
            assert (things == (instance > 0)).all()
            total += len(cloud)
    assert (made.written, made.frames, made.points) == (6, 6, total)


def test_calib_poses_times(made: Simulation) -> None:
    folder = made.root / "sequences" / "08"
    lines = (folder / "calib.txt").read_text().splitlines()
    assert [line.split(":")[0] for line in lines] == ["P0", "P1", "P2", "P3", "Tr"]
    tr = np.vstack([np.array(lines[4].split()[1:], float).reshape(3, 4), [0, 0, 0, 1]])
    np.testing.assert_allclose(tr[:3, :3] @ tr[:3, :3].T, np.eye(3), atol=1e-12)
    camera = np.loadtxt(folder / "poses.txt").reshape(-1, 3, 4)
    assert len(camera) == 3
    np.testing.assert_allclose(camera[0], np.eye(4)[:3], atol=1e-12)
    for pose in camera:
        np.testing.assert_allclose(pose[:, :3] @ pose[:, :3].T, np.eye(3), atol=1e-9)
        assert np.linalg.det(pose[:, :3]) == pytest.approx(1.0)
    # The camera looks along the way: z grows by about the step between frames.
    steps = np.linalg.norm(np.diff(camera[:, :, 3], axis=0), axis=1)
    np.testing.assert_allclose(steps, 4.0, atol=0.4)
    assert (np.diff(camera[:, 2, 3]) > 3).all()
    np.testing.assert_allclose(np.loadtxt(folder / "times.txt"), [0.0, 0.5, 1.0])


def test_poses_bring_still_things_together(made: Simulation) -> None:
    """Static points of two frames, moved by inv(Tr) T Tr, lie on each other."""
    from scipy.spatial import cKDTree

    folder = made.root / "sequences" / "00"
    tr = np.array((folder / "calib.txt").read_text().split("Tr:")[1].split(), float).reshape(3, 4)
    tr = np.vstack([tr, [0, 0, 0, 1]])
    clouds = []
    for frame, row in enumerate(np.loadtxt(folder / "poses.txt").reshape(-1, 3, 4)):
        cloud = np.fromfile(folder / f"velodyne/{frame:06d}.bin", "<f4").reshape(-1, 4)[:, :3]
        raw = np.fromfile(folder / f"labels/{frame:06d}.label", "<u4") & 0xFFFF
        cloud = cloud[(raw == 50) | (raw == 10)]  # facades and parked cars
        pose = np.linalg.inv(tr) @ np.vstack([row, [0, 0, 0, 1]]) @ tr
        clouds.append(cloud @ pose[:3, :3].T + pose[:3, 3])
    apart = cKDTree(clouds[0]).query(clouds[1])[0]
    wrong = cKDTree(clouds[0]).query(clouds[1] + [1.5, 0.8, 0])[0]
    assert np.median(apart) < 0.5 * np.median(wrong)


def test_other_seeds_and_sequences_are_other_streets(made: Simulation, tmp_path: Path) -> None:
    other = simulate(tmp_path / "other", sequences=("00",), seed=4, **LIGHT)
    name = "sequences/00/velodyne/000000.bin"
    assert contents(other.root)[name] != contents(made.root)[name]
    files = contents(made.root)
    assert files[name] != files[name.replace("/00/", "/08/")]


def test_same_arguments_same_bytes_on_any_number_of_processes(
    made: Simulation, tmp_path: Path
) -> None:
    told: list[tuple[int, int, str]] = []
    simulate(
        tmp_path,
        sequences=("00", "08"),
        seed=3,
        workers=2,
        progress=lambda *message: told.append(message),
        **LIGHT,
    )
    assert contents(tmp_path) == contents(made.root)
    assert [done for done, _, _ in told] == [1, 2, 3, 4, 5, 6]
    assert all(total == 6 for _, total, _ in told)


def test_resumes_what_is_missing_or_cut_off(made: Simulation, tmp_path: Path) -> None:
    def run() -> Simulation:
        return simulate(tmp_path, sequences=("00",), seed=3, **LIGHT)

    class Stop(Exception):
        pass

    def stop(done: int, total: int, message: str) -> None:
        raise Stop

    with pytest.raises(Stop):
        simulate(tmp_path, sequences=("00",), seed=3, progress=stop, **LIGHT)
    velodyne = tmp_path / "sequences/00/velodyne"
    assert len(list(velodyne.iterdir())) == 1
    stamp = (velodyne / "000000.bin").stat().st_mtime_ns
    assert run().written == 2
    assert (velodyne / "000000.bin").stat().st_mtime_ns == stamp
    assert run().written == 0
    (velodyne / "000001.bin").write_bytes((velodyne / "000001.bin").read_bytes()[:-7])
    (tmp_path / "sequences/00/labels/000002.label").unlink()
    assert run().written == 2
    (tmp_path / "sequences/00/poses.txt").unlink()
    (tmp_path / "sequences/00/times.txt").write_bytes(b"\xff\n")
    assert run().written == 0
    expected = {k: v for k, v in contents(made.root).items() if k.startswith("sequences/00")}
    assert {k: v for k, v in contents(tmp_path).items() if "sequences" in k} == expected


def test_sequences_can_be_added_but_not_mixed(tmp_path: Path) -> None:
    one = {**LIGHT, "frames": 1, "seed": 3}
    simulate(tmp_path, sequences=("00",), **one)
    simulate(tmp_path, sequences=("08",), **one)
    manifest = json.loads((tmp_path / "simulation.json").read_text())
    assert manifest["label"] == "simulated"
    assert manifest["recipe"]["sensor"] == "vlp16"
    assert manifest["sequences"] == ["00", "08"]
    with pytest.raises(ConfigError, match=r"simulated differently \(seed: there 3, asked 4\)"):
        simulate(tmp_path, sequences=("00",), **{**one, "seed": 4})
    before = contents(tmp_path)
    assert simulate(tmp_path, sequences=("00",), overwrite=True, **{**one, "seed": 4}).written == 1
    name = "sequences/00/velodyne/000000.bin"
    assert contents(tmp_path)[name] != before[name]


def test_an_interrupted_overwrite_leaves_no_mix(tmp_path: Path) -> None:
    light = {**LIGHT, "frames": 2, "seed": 3}
    simulate(tmp_path, sequences=("00", "08"), **light)

    class Stop(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stop

    for progress in (stop, None):
        again = {**light, "seed": 4, "overwrite": True, "progress": progress}
        with pytest.raises(Stop) if progress else nullcontext():
            simulate(tmp_path, sequences=("00",), **again)
    simulate(tmp_path / "fresh", sequences=("00",), **{**light, "seed": 4})
    expected = contents(tmp_path / "fresh")
    shutil.rmtree(tmp_path / "fresh")
    assert contents(tmp_path) == expected  # nothing of sequence 08 either


def test_what_was_put_beside_simulated_sequences_is_not_overwritten(tmp_path: Path) -> None:
    one = {**LIGHT, "frames": 1, "seed": 3}
    simulate(tmp_path, **one)
    kept = tmp_path / "sequences/07/velodyne/000000.bin"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"genuine")
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match=r"07/velodyne/000000\.bin: was not simulated here"):
        simulate(tmp_path, overwrite=True, **{**one, "seed": 4})
    assert contents(tmp_path) == before


def test_half_written_files_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    one = {**LIGHT, "frames": 1, "seed": 3}
    simulate(tmp_path, **one)
    before = contents(tmp_path)
    folder = tmp_path / "sequences/00"
    for path in (
        folder / "velodyne/.000000.a8_b9xyz.bin",
        folder / "labels/.000000.a8_b9xyz.label",
        folder / ".poses.a8_b9xyz.txt",
        tmp_path / ".simulation.a8_b9xyz.json",
    ):
        path.write_bytes(b"half")
    other = folder / "velodyne/.keep"
    other.touch()
    assert simulate(tmp_path, **one).written == 0
    other.unlink()
    assert contents(tmp_path) == before


def test_genuine_data_is_never_touched(tmp_path: Path) -> None:
    kept = tmp_path / "sequences/00/velodyne/000000.bin"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"genuine")
    with pytest.raises(ConfigError, match="may be genuine data"):
        simulate(tmp_path, overwrite=True, **LIGHT)
    assert kept.read_bytes() == b"genuine"
    (tmp_path / "simulation.json").write_text('{"label": "something else"}')
    with pytest.raises(DataError, match="not a manifest of a simulation"):
        simulate(tmp_path, **LIGHT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sensor": "hdl64e"}, "did you mean"),
        ({"sequences": ("0",)}, "two-digit names"),
        ({"sequences": ()}, "not none"),
        ({"frames": 0}, "at least 1 frame"),
        ({"frames": 100_000}, r"Use up to \d+ frames"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"speed_mps": 0.0}, "speed must be positive"),
        ({"speed_mps": float("nan")}, "speed must be positive"),
        ({"frame_step": -1.0}, "step between frames must be positive"),
        ({"layout": "kitty"}, "Known: semantickitti"),
        ({"workers": 0}, "at least 1 worker"),
        ({"columns_step": 0}, "thinning must be 1 or more"),
    ],
)
def test_settings_that_cannot_be(change: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate(tmp_path / "out", **{**LIGHT, **change})
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file, not a folder"):
        simulate(tmp_path / "file", **LIGHT)


def test_sequence_names() -> None:
    assert sequence_names([0, "08", 8, "21"]) == ("00", "08", "21")


def test_streets_outside_their_limits() -> None:
    with pytest.raises(ConfigError, match="choose 160 to 4000 m"):
        build_street(0, 20.0)
    with pytest.raises(ConfigError, match="speed must be positive"):
        build_street(0, 200.0, speed_mps=-3)


def test_moving_ids_are_those_of_the_label_map() -> None:
    assert set(MOVING.values()) <= set(label_set("semantic_kitti/sk19").moving)
