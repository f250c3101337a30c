"""The simulated S3DIS: its text read by plain code and by the reader, against the room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pcseg.data.readers.s3dis.reader import S3DIS
from pcseg.sim import Simulation
from pcseg.sim.rooms import build_room
from pcseg.sim.rooms.kinds import S3DIS_CLASSES, s3dis_ids
from pcseg.sim.rooms.s3dis import S3disWriter, point_lines


def rows(path: Path) -> np.ndarray:
    return np.loadtxt(path, ndmin=2)


@pytest.fixture(scope="module")
def office(s3dis: Simulation) -> Path:
    return s3dis.root / "Area_1/office_1"


def test_rooms_take_turns_over_areas_and_kinds(s3dis: Simulation) -> None:
    assert s3dis.sequences == (
        "Area_1/office_1",
        "Area_2/conferenceRoom_1",
        "Area_3/lounge_1",
        "Area_4/pantry_1",
        "Area_5/WC_1",
        "Area_6/hallway_1",
    )
    names = [S3disWriter.room_name(number) for number in range(80)]
    assert len(set(names)) == 80
    assert names[6] == "Area_1/conferenceRoom_1" and names[36] == "Area_1/office_2"


def test_all_thirteen_classes_occur(s3dis: Simulation) -> None:
    stems = {path.stem.split("_")[0] for path in s3dis.root.glob("*/*/Annotations/*.txt")}
    assert stems == set(S3DIS_CLASSES)


def test_every_point_is_in_exactly_one_annotation(office: Path) -> None:
    whole = (office / "office_1.txt").read_text().splitlines()
    parts = [
        line
        for path in (office / "Annotations").iterdir()
        for line in path.read_text().splitlines()
    ]
    assert sorted(whole) == sorted(parts)
    assert len(whole) > 10_000
    numbers = rows(office / "office_1.txt")
    assert numbers.shape == (len(whole), 6)
    assert (numbers[:, 3:] == np.rint(numbers[:, 3:])).all()
    assert numbers[:, 3:].min() >= 0 and 150 < numbers[:, 3:].max() <= 255
    assert all(len(word.split(".")[1]) == 3 for word in whole[0].split()[:3])


def test_points_lie_on_their_objects(office: Path) -> None:
    """Every annotated object lies in the box of an object of its class, wherever the room is."""
    room = build_room([4, 0, 0], "office")
    mesh = room.static
    corners = mesh.vertices[mesh.faces]
    classes = s3dis_ids()[mesh.label]
    offset = np.append(np.random.default_rng([4 * 1_000_003, 3]).uniform(-20, 20, 2), 0.0)
    files = sorted((office / "Annotations").glob("*.txt"))
    for path in files:
        points = rows(path)[:, :3] - offset.round(3)
        mine = classes == S3DIS_CLASSES.index(path.stem.split("_")[0])
        boxes = [
            (
                corners[mesh.instance == number].min((0, 1)),
                corners[mesh.instance == number].max((0, 1)),
            )
            for number in np.unique(mesh.instance[mine])
        ]
        slack = 0.012  # six deviations of the noise
        assert any(
            (points > low - slack).all() and (points < high + slack).all() for low, high in boxes
        ), path.name
    floor = rows(office / "Annotations/floor_1.txt")
    assert abs(np.median(floor[:, 2])) < 0.002 and floor[:, 2].std() < 0.006


def test_the_reader_gives_the_same_points(s3dis: Simulation, office: Path) -> None:
    reader = S3DIS(s3dis.root, "all")
    assert reader.simulated and len(reader) == 6
    scan = reader[0]
    files = sorted((office / "Annotations").glob("*.txt"))
    points = np.concatenate([rows(path) for path in files])
    truth = np.concatenate(
        [np.full(len(rows(path)), S3DIS_CLASSES.index(path.stem.split("_")[0])) for path in files]
    )
    order, theirs = (np.lexsort(np.round(xyz, 3).T) for xyz in (points[:, :3], scan.xyz))
    np.testing.assert_allclose(scan.xyz[theirs], points[order, :3], atol=2e-6)
    same = (np.diff(np.round(points[order, :3], 3), axis=0) != 0).any(1)
    alone = np.append(True, same) & np.append(same, True)  # points that share no place
    np.testing.assert_array_equal(scan.labels[theirs][alone], truth[order][alone])
    rgb = np.rint(255 * scan.attrs["rgb"][theirs][alone])
    np.testing.assert_array_equal(rgb, points[order, 3:][alone])
    assert len(np.unique(scan.instances)) == len(files)


def test_lines_are_written_as_the_data_set_has_them() -> None:
    xyz = np.array([[-1.7119999, 0.5, -0.0061], [12.3456, 1, 2]], np.float32)
    rgb = np.array([[166, 157, 9], [0, 255, 3]], np.uint8)
    assert point_lines(xyz, rgb) == (b"-1.712 0.500 -0.006 166 157 9\n12.346 1.000 2.000 0 255 3\n")
