"""Furnished rooms: their classes, that nothing stands in anything else, the same room again."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from pcseg.errors import ConfigError
from pcseg.sim.mesh import Mesh
from pcseg.sim.raycast import caster
from pcseg.sim.rooms import Room, build_room
from pcseg.sim.rooms.kinds import KINDS, S3DIS_CLASSES, kind_id, kinds_by_id, nyu40_ids, s3dis_ids
from pcseg.sim.rooms.plan import ROOM_KINDS

SCANNET20 = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 24, 28, 33, 34, 36, 39)
SEATS = ("chair", "office chair")


@pytest.fixture(scope="module")
def rooms() -> list[Room]:
    return [build_room([5, number], kind) for kind in ROOM_KINDS for number in range(2)]


def names(room: Room) -> set[str]:
    return {kinds_by_id()[int(number)].name for number in np.unique(room.static.label)}


def test_all_classes_of_both_data_sets_occur(rooms: list[Room]) -> None:
    raw = np.unique(np.concatenate([room.static.label for room in rooms]))
    assert set(SCANNET20) <= set(nyu40_ids()[raw].tolist())
    assert set(s3dis_ids()[raw].tolist()) == set(range(len(S3DIS_CLASSES)))


def test_rooms_hold_what_their_use_needs(rooms: list[Room]) -> None:
    needed = {
        "office": {"desk", "office chair"},
        "conference": {"table"},
        "living": {"couch", "tv stand"},
        "bedroom": {"bed", "pillow"},
        "kitchen": {"kitchen counter", "stove", "sink", "refrigerator"},
        "bathroom": {"toilet", "sink", "bathtub", "shower curtain"},
        "hallway": {"structure"},
    }
    for room in rooms:
        assert {"wall", "floor", "ceiling", "door"} | needed[room.plan.kind] <= names(room)


def test_every_object_is_one_kind(rooms: list[Room]) -> None:
    for room in rooms:
        mesh = room.static
        assert mesh.instance.min() == 1
        pairs = np.unique(np.stack([mesh.instance, mesh.label]), axis=1)
        assert len(np.unique(pairs[0])) == pairs.shape[1] == mesh.instance.max()


def test_nothing_stands_in_anything_else(rooms: list[Room]) -> None:
    """Boxes of what was placed do not overlap, but for chairs that reach under their table."""
    for room in rooms:
        tables = {"desk", "table"}
        for one, other in combinations(room.spots, 2):
            if one.meets(other):
                heights = sorted([one.high, other.high])
                assert names(room) & tables
                assert 0.68 < heights[0] < 1.15, (room.name, one, other)
                gap = np.hypot(one.x - other.x, one.y - other.y)
                assert gap > 0.35, (room.name, one, other)


BELONG = [
    {"stove", "kitchen counter"},
    {"sink", "kitchen counter"},
    {"sink", "bathroom counter"},
    {"kitchen cabinet", "kitchen counter"},
    {"structure", "column"},
]


def test_no_edge_of_a_thing_runs_through_another_thing(rooms: list[Room]) -> None:
    """But for what is built into each other; floor and ceiling are touched."""
    wrong, checked = set(), 0
    for room in rooms:
        mesh = room.static
        name_of = {number: kinds_by_id()[number].name for number in np.unique(mesh.label).tolist()}
        level = np.isin(mesh.label, [kind_id("floor"), kind_id("ceiling")])
        for instance in np.unique(mesh.instance).tolist():
            mine = mesh.instance == instance
            name = name_of[int(mesh.label[mine][0])]
            if name in ("wall", "floor", "ceiling", "window", "door"):
                continue
            edges = mesh.faces[mine][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
            start, end = mesh.vertices[edges[:, 0]], mesh.vertices[edges[:, 1]]
            length = np.linalg.norm(end - start, axis=1)
            start, end, length = start[length > 0.01], end[length > 0.01], length[length > 0.01]
            along = (end - start) / length[:, None]
            others = faces_of(mesh, ~mine & ~level)
            inner = 0.004  # things may touch
            hits = caster(others).cast(start + inner * along, along, length - 2 * inner)
            met = {name_of[int(label)] for label in others.label[hits.face[hits.face >= 0]]}
            wrong |= {(name, other) for other in met if {name, other} not in BELONG}
            checked += 1
    assert not wrong
    assert checked > 150


def faces_of(mesh: Mesh, keep: np.ndarray) -> Mesh:
    per_face = ("faces", "label", "instance", "material", "tint")
    return replace(mesh, **{name: getattr(mesh, name)[keep] for name in per_face})


def test_everything_lies_within_the_walls(rooms: list[Room]) -> None:
    for room in rooms:
        plan, points = room.plan, room.static.vertices
        thick = 0.2
        assert (points.min(0) > [-thick, -thick, -5e-3]).all()
        assert (points.max(0) < [plan.width + thick, plan.depth + thick, plan.height + 1e-3]).all()
        assert np.isfinite(points).all()


def test_what_lies_on_tables_is_on_tables(rooms: list[Room]) -> None:
    """Plates and keyboards are neither on the floor nor in the air."""
    checked = 0
    for room in rooms:
        mesh = room.static
        for name in ("keyboard", "plate", "monitor"):
            for instance in np.unique(mesh.instance[mesh.label == kind_id(name)]):
                points = mesh.vertices[mesh.faces[mesh.instance == instance]].reshape(-1, 3)
                low = points[points[:, 2].argmin()]
                below = mesh.vertices[mesh.faces[mesh.instance != instance]]
                near = (below[..., :2].min(1) <= low[:2]).all(1)
                near &= (below[..., :2].max(1) >= low[:2]).all(1)
                tops = below[near].max(1)[:, 2]
                assert np.abs(tops - low[2]).min() < 0.01, (room.name, name)
                checked += 1
    assert checked > 10


def test_same_seed_same_room_other_seed_other_room() -> None:
    one, again, other = (build_room([number], "office") for number in (1, 1, 2))
    np.testing.assert_array_equal(one.static.vertices, again.static.vertices)
    np.testing.assert_array_equal(one.static.label, again.static.label)
    assert one.static.vertices.shape != other.static.vertices.shape


def test_an_unknown_room_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'kichen' \(did you mean kitchen\?\)"):
        build_room([0], "kichen")


def test_kinds_are_those_of_scannets_table() -> None:
    assert len({kind.id for kind in KINDS}) == len({kind.name for kind in KINDS}) == len(KINDS)
    assert kinds_by_id()[27].nyu40_name == "refridgerator"  # the table's own spelling
    assert all(kind.s3dis in S3DIS_CLASSES for kind in KINDS)


@pytest.mark.realdata
def test_kinds_agree_with_the_genuine_table(realdata) -> None:  # type: ignore[no-untyped-def]
    import csv

    with (realdata / "scannet/scannetv2-labels.combined.tsv").open(newline="") as file:
        rows = {row["raw_category"]: row for row in csv.DictReader(file, delimiter="\t")}
    for kind in KINDS:
        row = rows[kind.name]
        facts = (int(row["id"]), row["category"], int(row["nyu40id"]), row["nyu40class"])
        assert facts == (kind.id, kind.category, kind.nyu40, kind.nyu40_name)
