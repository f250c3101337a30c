"""Views: the catalogue is complete, frozen, and maps every class of its label sets."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from pcseg.data import IGNORE, label_set
from pcseg.data.label_files import parse_yaml
from pcseg.data.splits import parse_selection, splits
from pcseg.errors import ConfigError, LabelError
from pcseg.evaluate import HOUSE, PROTOCOLS, View, list_views, protocol, view
from pcseg.evaluate.house import HOUSE_VIEWS, SOURCES, TARGETS

FROZEN = parse_yaml(Path(__file__).parent / "assets" / "view_hashes.yaml")
PAPERS = [name for name in list_views() if name not in HOUSE_VIEWS]


def test_views_are_frozen_by_name() -> None:
    """A view whose hash changed means another figure: give it a new version, keep the old one."""
    assert {name: view(name).hash for name in list_views()} == FROZEN


def test_every_class_that_can_occur_has_its_place() -> None:
    for one in map(view, list_views()):
        common = set(range(len(one.names)))
        assert len(set(one.names)) == len(one.names), one.name
        assert set(one.predicted.values()) - {IGNORE} <= common, one.name
        assert set(one.truth.values()) - {IGNORE} == common, one.name
        for source in one.sources:
            assert set(one.predicted) == set(range(label_set(source).num_classes)), one.name
        for target in one.targets:
            occurring = set(label_set(target).raw_to_train.values()) - {IGNORE}
            assert occurring <= set(one.truth), one.name


def test_splits_of_targets_exist() -> None:
    for name, split in {pair for one in map(view, list_views()) for pair in one.targets.items()}:
        label_map = name.partition("/")[0]
        if label_map != "kitti360":  # its reader knows the words; the lists are in the release
            parse_selection(split, splits(label_map))


def test_sources_of_one_view_name_the_same_classes() -> None:
    for one in map(view, list_views()):
        assert len({label_set(source).names for source in one.sources}) <= 1, one.name
        assert len({label_set(target).names for target in one.targets}) == 1, one.name


@pytest.mark.parametrize("name", [*PAPERS, "pcseg-dg/1/L1/sk-ns"])
def test_round_trip(name: str) -> None:
    data = json.loads(json.dumps(view(name).to_dict()))
    assert View.from_dict(name, data) == view(name)
    assert data["hash"] == view(name).hash


@pytest.mark.parametrize("name", PAPERS)
def test_views_of_papers_say_where_they_are_from(name: str) -> None:
    one = view(name)
    assert one.paper and one.name == name and "/v1" in name
    assert (one.protocol.aggregation == "mean over batches") == (one.batch is not None)
    assert (one.crop.shape == "picture") == ("picture" in one.protocol.unit)


def test_views_that_train_on_common_classes_predict_them_as_they_are() -> None:
    for name in PAPERS:
        one = view(name)
        if one.train_labels == "common" and name != "dglss-poss5/v1":
            assert one.predicted == {k: k for k in range(len(one.names))}, name


@pytest.mark.parametrize(
    "field", ["predicted", "truth", "protocol", "crop", "voxel_m", "batch", "targets"]
)
def test_every_rule_is_part_of_the_hash(field: str) -> None:
    one = view("dglss10/v1")
    other = {
        "predicted": {**one.predicted, 0: IGNORE},
        "truth": {**one.truth, 0: IGNORE},
        "protocol": HOUSE,
        "crop": view("sk19/v1").crop,
        "voxel_m": 0.05,
        "batch": 8,
        "targets": {"waymo/dglss_10": "val"},
    }[field]
    assert dataclasses.replace(one, **{field: other}).hash != one.hash


def test_an_unknown_view_is_answered_with_a_close_one() -> None:
    with pytest.raises(ConfigError, match=r"no view 'dglss10'.*did you mean dglss10/v1"):
        view("dglss10")


def test_kitti_seen_with_the_eyes_of_nuscenes() -> None:
    """The ten classes of the pair, class by class, as published."""
    one = view("3dlabelprop/sk-ns/v1")
    sk, ns = label_set("semantic_kitti/sk19"), label_set("nuscenes_lidarseg/ns16")

    def classes(name: str) -> tuple[set[str], set[str]]:
        common = one.names.index(name)
        return (
            {sk.names[k] for k, v in one.predicted.items() if v == common},
            {ns.names[k] for k, v in one.truth.items() if v == common},
        )

    assert classes("Bicycle") == ({"bicycle", "bicyclist"}, {"bicycle"})
    assert classes("Manmade") == (
        {"building", "fence", "pole", "traffic-sign"},
        {"barrier", "traffic_cone", "manmade"},
    )
    assert classes("4-Wheeled")[1] == {"bus", "car", "construction_vehicle", "trailer", "truck"}
    assert classes("Driveable Ground") == ({"road", "parking"}, {"driveable_surface"})


@pytest.mark.parametrize(("source", "target"), [("sk", "ns"), ("ns", "sk")])
def test_the_pair_of_kitti_and_nuscenes_is_the_same_both_ways(source: str, target: str) -> None:
    there = view(f"3dlabelprop/{source}-{target}/v1")
    back = view(f"3dlabelprop/{target}-{source}/v1")
    assert there.names == back.names
    assert (there.predicted, there.truth) == (back.truth, back.predicted)


def test_a_network_of_all_classes_seen_from_a_reduced_view() -> None:
    reduced = view("dglss10/v1")
    made = reduced.seen_from("semantic_kitti/sk19")
    sk = label_set("semantic_kitti/sk19")
    where = {sk.names[k]: v for k, v in made.predicted.items()}
    assert (where["car"], where["parking"], where["trunk"]) == (0, 6, 9)
    assert where["building"] == where["bicyclist"] == where["traffic-sign"] == IGNORE
    assert (made.train_labels, reduced.train_labels) == ("source", "common")
    assert made.hash != reduced.hash
    assert reduced.seen_from("waymo/dglss_10") is reduced
    with pytest.raises(LabelError, match=r"none of these is of the dataset 'pandaset'"):
        reduced.seen_from("pandaset/full")
    scored = made.confusion(np.array([sk.names.index("building"), 0]), np.array([9, 0]))
    assert scored.iou(made.protocol)[[0, 9]].tolist() == [1, 0]  # a wall is a missed plant


def test_lidog_counts_the_first_point_of_each_voxel_within_fifty_metres() -> None:
    lidog = view("lidog7-b8/v1")
    xyz = np.array(
        [[0.01, 0, 0], [-0.01, 0, 0], [0.04, 0, 0], [60, 0, 0], [0.06, 0, 0]], np.float32
    )
    rows = lidog.counted(xyz)
    assert rows.tolist() == [0, 1, 4]
    assert lidog.counted(xyz[3:4]).tolist() == []
    truth = np.array([0, 1, 1, 1, 2])
    made = lidog.confusion(truth[rows], truth[rows])
    assert made.counts.sum() == 3
    assert view("dglss10/v1").counted(xyz).tolist() == [0, 1, 2, 3, 4]
    assert view("bevdg5/v1").counted(xyz, xyz[:, 0] > 0.05).tolist() == [3, 4]


def test_absent_classes_count_one_under_the_rule_of_pointdr() -> None:
    one = view("stf19-pointdr/v1")
    made = one.confusion(np.array([0, 0]), np.array([0, 1]))
    assert made.iou(one.protocol)[:3].tolist() == [0.5, 0, 1]
    assert made.miou(protocol("pcseg/1")) == pytest.approx(0.25)


def test_three_classes_of_robo3d_are_never_scored() -> None:
    for name, points in (("semantickitti_c/sk19", [21, 22, 23]), ("nuscenes_c/ns16", [41, 42, 43])):
        assert label_set(name).encode(np.array(points)).tolist() == [IGNORE] * 3
    assert label_set("semantickitti_c").names == label_set("semantic_kitti").names


class TestHouseBenchmark:
    """`pcseg-dg/1`."""

    def test_six_classes_for_every_pair(self) -> None:
        for source in SOURCES:
            for target in TARGETS:
                names = view(f"pcseg-dg/1/L3/{source}-{target}").names
                assert names == label_set("semantic_kitti/dg_l3").names

    @pytest.mark.parametrize(
        ("pair", "missing"),
        [
            ("sk-wo", set()),
            ("sk-ns", {"pole-and-sign", "building-and-fence"}),
            ("sk-sp", {"car", "large-vehicle", "drivable", "sidewalk", "terrain"}),
            ("sk-ps", {"terrain", "pole-and-sign", "building-and-fence"}),
        ],
    )
    def test_ten_classes_where_both_define_them(self, pair: str, missing: set[str]) -> None:
        full = label_set("semantic_kitti/dg_l2").names
        assert set(full) - set(view(f"pcseg-dg/1/L2/{pair}").names) == missing

    @pytest.mark.parametrize("target", TARGETS)
    @pytest.mark.parametrize("source", SOURCES)
    def test_levels_nest(self, source: str, target: str) -> None:
        fine = view(f"pcseg-dg/1/L2/{source}-{target}")
        coarse = view(f"pcseg-dg/1/L3/{source}-{target}")
        parent = {}
        for k, node in fine.predicted.items():
            if node != IGNORE:
                assert parent.setdefault(node, coarse.predicted[k]) == coarse.predicted[k]
        assert set(parent) <= set(range(len(fine.names)))

    @pytest.mark.parametrize("level", ["dg_l3", "dg_l2"])
    @pytest.mark.parametrize("source", SOURCES.values())
    def test_every_class_of_a_source_lies_in_one_node(self, source: str, level: str) -> None:
        table = label_set(source)
        tree = label_set(f"{source.partition('/')[0]}/{level}")
        for train_id in range(table.num_classes):
            raw_ids = [raw for raw, k in table.raw_to_train.items() if k == train_id]
            assert len({tree.raw_to_train[raw] for raw in raw_ids}) == 1

    def test_unscored_nodes_are_ignored_in_the_truth_and_missed_in_predictions(self) -> None:
        one = view("pcseg-dg/1/L2/sk-ns")
        ns = label_set("nuscenes_lidarseg/dg_l2")
        truth = ns.encode(np.array([28, 24, 24]))  # manmade, driveable, driveable
        sk = label_set("semantic_kitti/sk19").names
        pred = np.array([sk.index("building"), sk.index("road"), sk.index("pole")])
        made = one.confusion(pred, truth)
        drivable = one.names.index("drivable")
        assert made.iou(one.protocol)[drivable] == 0.5
        assert made.counts[:-1].sum() == 2

    def test_names_are_sources_targets_and_levels(self) -> None:
        assert len(HOUSE_VIEWS) == 3 * len(SOURCES) * len(TARGETS)
        one = view("pcseg-dg/1/L1/sk-sp03")
        assert one.targets == {"semantic_poss/sp13": "dglss:val"}
        assert isinstance(one, View) and one.protocol == PROTOCOLS["pcseg/1"]
