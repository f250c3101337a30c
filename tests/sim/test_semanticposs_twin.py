"""Simulated SemanticPOSS: every byte of its files, and the way back through the reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pcseg.data.labels import label_set
from pcseg.data.readers.kitti.semanticposs import SemanticPOSS
from pcseg.errors import ConfigError
from pcseg.sim import classes as sim
from pcseg.sim import sensor, simulate
from pcseg.sim.dataset import Simulation
from pcseg.sim.recipe import make_recipe
from pcseg.sim.record import Recorder
from pcseg.sim.writers.semanticposs import FROM_SIMULATOR, THINGS, SemanticPossWriter, in_grid_order
from tests.streets import street

LIGHT = {"columns_step": 6, "rows_step": 2, "frames": 2, "frame_step": 4.0}


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    root = tmp_path_factory.mktemp("poss")
    return simulate(root, sequences=("03",), layout="semanticposs", seed=1, **LIGHT)


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    """The rig and street that the twin was made with."""
    recipe = make_recipe(
        seed=1,
        sensor_name=None,
        layout="semanticposs",
        cameras=None,
        image_scale=1.0,
        frames=2,
        speed_mps=8.0,
        frame_step_m=4.0,
        columns_step=6,
        rows_step=2,
    )
    return Recorder(street([1, 3, 0], recipe.street_m()), recipe.make_rig())


def test_files_fit_each_other(twin: Simulation) -> None:
    folder = twin.root / "sequences/03"
    names = {path.name for path in folder.iterdir()}
    assert names == {"calib.txt", "labels", "poses.txt", "tag", "times.txt", "velodyne"}
    for name in ("000000", "000001"):
        cloud = np.fromfile(folder / f"velodyne/{name}.bin", "<f4").reshape(-1, 4)
        words = np.fromfile(folder / f"labels/{name}.label", "<u4")
        tag = np.fromfile(folder / f"tag/{name}.tag", np.uint8)
        assert len(tag) == 72_000 and tag.sum() == len(cloud) == len(words) > 1000
        grey = cloud[:, 3]
        assert 0 <= grey.min() and 1 < grey.max() <= 255 and np.array_equal(grey, np.rint(grey))
        label_set("semantic_poss/sp13").encode((words & 0xFFFF).astype(np.int64))


def test_every_point_lies_in_the_cell_that_its_direction_says(twin: Simulation) -> None:
    """Rows by the table of elevations, columns clockwise from straight behind."""
    scan = SemanticPOSS(twin.root, "03")[0]
    pandora = sensor("semantic_poss")
    ring, column = scan.attrs["ring"].astype(int), scan.attrs["column"].astype(int)
    assert set(ring) <= set(range(0, 40, 2)) and (column % 6 == 0).all()  # thinned, in its place
    # The car drives 0.8 m during the sweep, which turns the lines of sight to what is near.
    far = np.linalg.norm(scan.xyz, axis=1) > 20
    assert far.sum() > 200
    elevation = np.arcsin(scan.xyz[:, 2] / np.linalg.norm(scan.xyz, axis=1))
    expected = np.arcsin(pandora.directions[ring, 0, 2])
    assert np.abs(elevation - expected)[far].max() < np.radians(0.16)  # half the finest step
    azimuth = np.arctan2(scan.xyz[:, 1], scan.xyz[:, 0])
    nominal = np.pi - (column + 0.5) * 2 * np.pi / 1800
    off = np.abs(np.angle(np.exp(1j * (azimuth - nominal))))
    assert off[far].max() < np.radians(0.2 * 6 + 1.2)  # a thinned column, and the motion
    assert (np.diff(ring * 1800 + column) > 0).all()  # file order is the grid's


def test_world_to_disk_to_reader(twin: Simulation, recorder: Recorder) -> None:
    data = SemanticPOSS(twin.root, "03")
    assert data.simulated and len(data) == 2
    for number, scan in enumerate(data):
        frame = recorder.record(0.5 * number, [1, 3, 1, number])
        known, cells = in_grid_order(frame.scans[0], recorder.rig.main.sensor)
        assert np.array_equal(scan.xyz, known.xyz)
        assert np.array_equal(scan.raw_labels, FROM_SIMULATOR[known.raw_labels])
        things = np.isin(scan.raw_labels, THINGS)
        assert np.array_equal(scan.instances, np.where(things, known.instances, 0))
        assert (scan.instances[things] > 0).all()
        assert np.array_equal(scan.attrs["ring"].astype(int) * 1800 + scan.attrs["column"], cells)
        assert np.abs(scan.attrs["intensity"] - known.attrs["intensity"]).max() <= 0.5 / 255 + 1e-6
        assert scan.meta["time"] == pytest.approx(0.5 * number)
    first = recorder.world.body_pose(0.0) @ recorder.rig.main.body_from_sensor
    moved = np.linalg.inv(first) @ known.pose
    np.testing.assert_allclose(data[1].pose, moved, atol=1e-9)


def test_resumes_what_is_missing_or_does_not_fit(twin: Simulation, tmp_path: Path) -> None:
    options = {"sequences": ("03",), "layout": "semanticposs", "seed": 1, **LIGHT}
    assert simulate(twin.root, **options).written == 0
    simulate(tmp_path, **options)
    before = {p: p.read_bytes() for p in sorted(tmp_path.rglob("*")) if p.is_file()}
    assert {p.relative_to(tmp_path) for p in before} == {
        p.relative_to(twin.root) for p in twin.root.rglob("*") if p.is_file()
    }
    assert all((twin.root / p.relative_to(tmp_path)).read_bytes() == b for p, b in before.items())
    tag = tmp_path / "sequences/03/tag/000001.tag"
    cells = np.fromfile(tag, np.uint8)
    cells[np.flatnonzero(cells)[0]] = 0
    cells.tofile(tag)
    (tmp_path / "sequences/03/labels/000000.label").unlink()
    assert simulate(tmp_path, **options).written == 2
    assert {p: p.read_bytes() for p in before} == before


def test_every_class_of_the_simulator_has_an_id() -> None:
    known = label_set("semantic_poss/sp13").raw_to_train
    assert {int(FROM_SIMULATOR[kind]) for kind in (sim.CAR, sim.BUS, sim.TRUCK)} == {7}
    assert FROM_SIMULATOR[sim.MOVING[sim.PERSON]] == FROM_SIMULATOR[sim.PERSON] == 4
    assert FROM_SIMULATOR[sim.TERRAIN] == FROM_SIMULATOR[sim.ROAD] == 22
    used = FROM_SIMULATOR[FROM_SIMULATOR >= 0]
    assert set(used.tolist()) <= set(known)
    for kind in (*sim.COARSE, *sim.MOVING, *sim.MOVING.values(), sim.VEGETATION, sim.OTHER_OBJECT):
        assert FROM_SIMULATOR[kind] >= 0


def test_sensors_that_the_grid_cannot_hold() -> None:
    with pytest.raises(ConfigError, match=r"40 x 1800 rays; hdl64e_s3 has 64 x .*lighter sensor"):
        SemanticPossWriter.rig("hdl64e_s3")
    assert SemanticPossWriter.rig(None).main.sensor.rows == 40
