"""Label maps: nothing unmapped by accident, nothing lost there and back, hashes frozen."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from pcseg.data import IGNORE, label_set, list_label_sets
from pcseg.data.label_files import shipped_maps
from pcseg.data.labels import map_data
from pcseg.data.splits import splits
from pcseg.errors import LabelError

MAPS = sorted(shipped_maps())

FROZEN = {
    "a2d2/xmuda_a2d2_10": "89149d6b3fb9",
    "a2d2/bevdg_5": "7288cc0a042e",
    "a2d2/full": "0df4213b41b7",
    "kitti360/k360_19": "cd4496e4f259",
    "kitti360/full": "e9d0d164942c",
    "kitti360/cola_8": "c629769786ee",
    "kitti360/dg_l3": "88f40ef03347",
    "kitti360/dg_l2": "f05ac91a1531",
    "las/asprs": "55fb074200cb",
    "las/land_4": "0f4a1c45619c",
    "nuscenes_boxes/detection_10": "a1384c9b2d59",
    "nuscenes_boxes/xmuda_boxes_5": "6ccf166afc14",
    "nuscenes_boxes/bevdg_5": "c4dbac96832c",
    "nuscenes_c/ns16": "a52f43bd49ea",
    "nuscenes_lidarseg/ns16": "8e7d95820020",
    "nuscenes_lidarseg/full": "e98be5b21713",
    "nuscenes_lidarseg/dglss_10": "e46ef251df36",
    "nuscenes_lidarseg/lidog_7": "5f87746ac6a7",
    "nuscenes_lidarseg/xmuda_nuscenes_6": "aee67ce4a28e",
    "nuscenes_lidarseg/cola_8": "e6fbee0d12d0",
    "nuscenes_lidarseg/dg_l3": "e961ba235060",
    "nuscenes_lidarseg/dg_l2": "8c04e7b61fc8",
    "pandaset/full": "73e1a8e3fd67",
    "pandaset/scalr_17": "c859810cb7a9",
    "pandaset/3dlabelprop_8": "ae765239549a",
    "pandaset/cola_8": "507d4c6ae878",
    "pandaset/dg_l3": "5a21fb701808",
    "pandaset/dg_l2": "5578b338c68c",
    "parisluco3d/3dlabelprop_sk17": "f073c4488452",
    "parisluco3d/3dlabelprop_ns16": "92c2cc5a408b",
    "parisluco3d/dg_l3": "370d7fe8162e",
    "parisluco3d/dg_l2": "81026a1fd1fa",
    "rellis3d/rellis14": "944c07bb32f9",
    "rellis3d/full": "edd44dd6e004",
    "s3dis/s3dis13": "ff61b6328cf1",
    "s3dis/s3dis12": "fd8b4ae083b9",
    "scannet/scannet20": "4b7279925805",
    "scannet/nyu40": "c4ad7e5178b9",
    "semantic_kitti/sk19": "527c41fd93b8",
    "semantic_kitti/sk25_multi": "a2e36ee2ce52",
    "semantic_kitti/xmuda_a2d2_10": "41bc88adef5d",
    "semantic_kitti/xmuda_vkitti_6": "f3d18a7022e5",
    "semantic_kitti/xmuda_nuscenes_6": "f6b190989818",
    "semantic_kitti/bevdg_5": "d66556136575",
    "semantic_kitti/dglss_10": "96e3a3dec9d4",
    "semantic_kitti/lidog_7": "1c4ef3976e89",
    "semantic_kitti/cola_8": "54792905444e",
    "semantic_kitti/dg_l3": "2364d49d358a",
    "semantic_kitti/dg_l2": "ba2cac78b2df",
    "semantic_poss/sp13": "fc21e6e5f674",
    "semantic_poss/dglss_10": "cb6707760d44",
    "semantic_poss/cola_8": "ec57b5bcad15",
    "semantic_poss/dg_l3": "1e8d3ab936ba",
    "semantic_poss/dg_l2": "54be8f1fe7f5",
    "semantic_stf/sk19": "74cfd9e456f7",
    "semantic_stf/dg_l3": "41b8127bcfc9",
    "semantic_stf/dg_l2": "74e85f57aceb",
    "semantickitti_c/sk19": "c43ef4c701a0",
    "simkitti32/sk19": "527c41fd93b8",
    "simkitti32/cola_8": "54792905444e",
    "simkitti32/dg_l3": "2364d49d358a",
    "simkitti32/dg_l2": "ba2cac78b2df",
    "synlidar/sk19": "7e6a3abb682d",
    "synlidar/full": "db59c180422c",
    "synlidar/sk19_cosmix": "8eaf9b06994c",
    "synlidar/sp13_cosmix": "5e4ad8472653",
    "synlidar/lidog_7": "7bf5cf6b972e",
    "synlidar/dg_l3": "66103f3e8577",
    "synlidar/dg_l2": "a81e15862a76",
    "waymo/wo22": "0d6ed768d182",
    "waymo/dglss_10": "33a4166f3ee8",
    "waymo/dg_l3": "bb54fb3830c2",
    "waymo/dg_l2": "e4c5d30d217f",
}
"""A changed hash means that figures and checkpoints of before no longer mean the same classes."""

OFFICIAL_19 = {
    0: 0, 1: 0, 10: 1, 11: 2, 13: 5, 15: 3, 16: 5, 18: 4, 20: 5, 30: 6, 31: 7, 32: 8, 40: 9,
    44: 10, 48: 11, 49: 12, 50: 13, 51: 14, 52: 0, 60: 9, 70: 15, 71: 16, 72: 17, 80: 18, 81: 19,
    99: 0, 252: 1, 253: 7, 254: 6, 255: 8, 256: 5, 257: 5, 258: 4, 259: 5,
}  # fmt: skip
"""The learning map of the SemanticKITTI evaluator, where 0 is ignored."""

MERGED = {"semantic_poss/dglss_10": {9: 8}}
"""Classes that read back as another on purpose: the protocol merges them before scoring."""


@pytest.mark.parametrize("name", list_label_sets())
def test_every_raw_id_is_mapped_or_ignored_on_purpose(name: str) -> None:
    table = label_set(name)
    assert set(table.raw_to_train) == set(table.raw_names)
    assert set(table.raw_to_train.values()) <= {IGNORE, *range(table.num_classes)}
    assert table.raw_to_train[table.ignored_raw] == IGNORE


@pytest.mark.parametrize("name", list_label_sets())
def test_what_is_written_reads_back_as_the_same_class(name: str) -> None:
    table = label_set(name)
    writable = np.array([IGNORE, *table.train_to_raw])
    expected = [MERGED.get(name, {}).get(int(i), int(i)) for i in writable]
    assert table.encode(table.decode(writable)).tolist() == expected
    occurring = set(table.raw_to_train.values()) - {IGNORE}
    assert occurring <= set(table.train_to_raw)


@pytest.mark.parametrize("name", list_label_sets())
def test_hashes_are_frozen(name: str) -> None:
    assert label_set(name).hash == FROZEN[name]


def test_semantickitti_19_is_the_official_map() -> None:
    table = label_set("semantic_kitti/sk19")
    assert {raw: train + 1 for raw, train in table.raw_to_train.items()} == OFFICIAL_19
    assert table.decode(np.arange(19)).tolist() == [
        10, 11, 15, 18, 20, 30, 31, 32, 40, 44, 48, 49, 50, 51, 70, 71, 72, 80, 81,
    ]  # fmt: skip
    assert table.colors[table.names.index("car")].tolist() == [100, 150, 245]
    assert table.colors[table.names.index("road")].tolist() == [255, 0, 255]


def test_multi_scan_keeps_moving_classes_apart() -> None:
    single, multi = label_set("semantic_kitti/sk19"), label_set("semantic_kitti/sk25_multi")
    assert multi.num_classes == 25 and multi.names[:19] == single.names
    for raw, train in multi.raw_to_train.items():
        assert (train >= 19) == (raw in multi.moving)
        if raw not in multi.moving:
            assert train == single.raw_to_train[raw]
    # Official ids are one higher; 24 is moving-other-vehicle (also on-rails and bus), 25 a truck.
    assert [multi.raw_to_train[r] + 1 for r in range(252, 260)] == [20, 21, 22, 23, 24, 24, 25, 24]


def test_moving_classes_have_the_colours_of_standing_ones() -> None:
    colors = map_data("semantic_kitti")["raw_colors"]
    assert colors[252] == colors[10] and colors[258] == colors[18]


def test_semanticposs_merges_persons_and_signs() -> None:
    table = label_set("semantic_poss/sp13")
    assert table.encode(np.array([4, 5, 10, 11, 12])).tolist() == [0, 0, 5, 5, 5]


def test_things_are_vehicles_and_people() -> None:
    things = {name: label_set(name).thing_classes for name in list_label_sets()}
    assert things["semantic_kitti/sk19"] == tuple(range(8))
    assert things["semantic_kitti/sk25_multi"] == (*range(8), *range(19, 25))
    poss = label_set("semantic_poss/sp13")
    assert [poss.names[i] for i in poss.thing_classes] == ["person", "rider", "car", "bike"]
    assert things["semantic_kitti/lidog_7"] == (0, 1)
    kitti = label_set("semantic_kitti")
    assert kitti.from_dict(kitti.to_dict()).thing_classes == kitti.thing_classes


@pytest.mark.parametrize("name", MAPS)
def test_facts_are_complete(name: str) -> None:
    facts = map_data(name)["facts"]
    for key in ("title", "licence", "sensors", "scans", "citation", "url"):
        assert len(str(facts.get(key, ""))) > 3, key
    assert facts["url"].startswith("http")
    assert map_data(name)["label_storage"]


@pytest.mark.parametrize("name", MAPS)
def test_things_moving_and_colours_are_of_known_ids(name: str) -> None:
    data = map_data(name)
    ids = set(data["raw_names"])
    assert set(data["things"]) <= ids and set(data["moving"]) <= set(data["things"])
    colors = data.get("raw_colors", {})
    assert not colors or set(colors) == ids - set(data.get("also_ignored", ()))
    assert all(len(c) == 3 and all(0 <= v <= 255 for v in c) for c in colors.values())


@pytest.mark.parametrize("name", MAPS)
def test_classes_of_the_default_set_can_be_told_apart_by_colour(name: str) -> None:
    colors = label_set(name).colors.astype(int)
    apart = np.abs(colors[:, None] - colors[None]).max(-1)
    assert (apart + 999 * np.eye(len(colors), dtype=int)).min() >= 14


def test_sets_of_one_name_have_the_same_classes_in_every_dataset() -> None:
    classes: dict[str, tuple[str, ...]] = {}
    for name in list_label_sets():
        table = label_set(name)
        if table.name != "full":
            assert classes.setdefault(table.name, table.names) == table.names, name


@pytest.mark.parametrize("name", [n for n in list_label_sets() if n.endswith("/dg_l2")])
def test_the_two_levels_of_the_tree_nest(name: str) -> None:
    fine, coarse = label_set(name), label_set(name.replace("dg_l2", "dg_l3"))
    parent = {
        "car": "vehicle", "large-vehicle": "vehicle", "drivable": "flat-ground",
        "sidewalk": "flat-ground", "terrain": "flat-ground", "pole-and-sign": "manmade",
        "building-and-fence": "manmade",
    }  # fmt: skip
    for raw, node in fine.raw_to_train.items():
        if node != IGNORE:
            wanted = parent.get(fine.names[node], fine.names[node])
            assert coarse.names[coarse.raw_to_train[raw]] == wanted
    defined = set(coarse.raw_to_train.values()) - {IGNORE}
    assert defined == set(range(coarse.num_classes))


def test_a_part_of_the_tree_is_defined_by_one_kind_of_id_alone() -> None:
    """Where an id mixes parts, no part of it has ids of its own: half a class is no class."""
    mixed = {
        "semantic_poss": ({22: "flat-ground", 7: "vehicle"}, 5),
        "nuscenes_lidarseg": ({28: "manmade"}, 8),
        "pandaset": ({42: "manmade"}, 7),
    }
    for name, (ids, defined) in mixed.items():
        coarse, fine = label_set(f"{name}/dg_l3"), label_set(f"{name}/dg_l2")
        for raw, node in ids.items():
            assert coarse.names[coarse.raw_to_train[raw]] == node
            assert fine.raw_to_train[raw] == IGNORE
        assert len(set(fine.raw_to_train.values()) - {IGNORE}) == defined


@pytest.mark.parametrize("name", MAPS)
def test_splits_do_not_overlap(name: str) -> None:
    for table in splits(name).values():
        for part in table.values():
            assert len(part) == len(set(part))
        whole = [sequence for key in ("train", "val", "test") for sequence in table.get(key, ())]
        assert len(whole) == len(set(whole))


def test_splits_have_the_published_sizes() -> None:
    assert splits("semantic_kitti")["official"]["val"] == ["08"]
    assert splits("semantic_kitti")["xmuda"]["test"] == ["08"]
    sizes = {
        ("semantic_kitti", "official"): {"train": 10, "val": 1, "test": 11},
        ("nuscenes_lidarseg", "official"): {"train": 700, "val": 150, "test": 150},
        ("scannet", "official"): {"train": 1201, "val": 312, "test": 100},
        ("pandaset", "3dlabelprop"): {"test": 76},
        ("pandaset", "3dlabelprop-19"): {"test": 19},
        ("a2d2", "xmuda"): {"train": 20, "test": 1},
        ("s3dis", "area5"): {"train": 5, "val": 1},
    }
    for (name, convention), expected in sizes.items():
        found = splits(name)[convention]
        assert {part: len(found[part]) for part in expected} == expected
    pandaset = splits("pandaset")
    assert set(pandaset["3dlabelprop-19"]["test"]) < set(pandaset["3dlabelprop"]["test"])


def test_nuscenes_has_its_sixteen_classes() -> None:
    table = label_set("nuscenes_lidarseg/ns16")
    official = {
        9: 1, 14: 2, 15: 3, 16: 3, 17: 4, 18: 5, 21: 6, 2: 7, 3: 7, 4: 7, 6: 7, 12: 8, 22: 9,
        23: 10, 24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 30: 16,
    }  # fmt: skip
    assert {raw: k + 1 for raw, k in table.raw_to_train.items() if k != IGNORE} == official


def test_scannet_keeps_the_ids_of_the_benchmark() -> None:
    assert label_set("scannet/scannet20").decode(np.arange(20)).tolist() == [
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 24, 28, 33, 34, 36, 39,
    ]  # fmt: skip


def test_growsp_ignores_clutter() -> None:
    full, fewer = label_set("s3dis/s3dis13"), label_set("s3dis/s3dis12")
    clutter = full.names.index("clutter")
    assert fewer.names == full.names[:12] and fewer.raw_to_train[clutter] == IGNORE


def test_stf_and_kitti_name_the_same_classes() -> None:
    assert label_set("semantic_stf").encode(np.arange(21)).tolist() == [
        IGNORE, *range(19), IGNORE,
    ]  # fmt: skip


def test_ignored_points_are_written_as_an_ignored_id() -> None:
    assert label_set("s3dis").decode(np.array([IGNORE, 0])).tolist() == [255, 0]
    assert label_set("parisluco3d").decode(np.array([IGNORE])).tolist() == [44]
    again = label_set("s3dis").from_dict(label_set("s3dis").to_dict())
    assert again.decode(np.array([IGNORE])).tolist() == [255]


def test_boxes_leave_everything_else_as_background() -> None:
    table = label_set("nuscenes_boxes/bevdg_5")
    truck, bus, animal, outside = 23, 15, 1, 24
    names = [*table.names, "ignored"]
    found = table.encode(np.array([truck, bus, animal, outside, 0]))
    assert [names[i] for i in found] == ["truck", "ignored", "background", "background", "ignored"]


class TestMapsBasedOnOthers:
    """`based_on`, `also_ignored`, and sets kept by name."""

    def write(self, folder: Path, text: str) -> Path:
        path = folder / "mine.yaml"
        path.write_text(text)
        return path

    def test_takes_what_it_does_not_state(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path,
            "based_on: semantic_kitti\nfacts: {title: Mine}\nsets: [sk19]\n"
            "also_ignored: {21: fog}\n",
        )
        data = map_data(path)
        assert (
            data["facts"]["title"] == "Mine" and data["facts"]["url"] == "http://semantic-kitti.org"
        )
        assert list(data["sets"]) == ["sk19"]
        table = label_set(f"{path}/sk19")
        assert table.encode(np.array([10, 21])).tolist() == [0, IGNORE]
        assert table.raw_names[21] == "fog"
        assert 21 not in label_set("semantic_kitti/sk19").raw_to_train

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("based_on: nothing\n", "based_on 'nothing' is not another shipped label map"),
            (
                "based_on: waymo\nsets: [sk19]\n",
                "label map 'waymo' has no set 'sk19'. It has: wo22",
            ),
            ("based_on: waymo\nfacts: [a]\n", "'facts' must be a mapping"),
            ("based_on: waymo\nalso_ignored: 5\n", "'also_ignored' must be a mapping, not 5"),
            ("dataset: x\nsets: [sk19]\n", "'sets' must be a mapping"),
            ("dataset: x\nsets: {}\n", "needs 'dataset' and 'sets'"),
            ("[1, 2", "not valid YAML"),
        ],
    )
    def test_damaged_maps_are_refused(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(LabelError, match=message):
            map_data(self.write(tmp_path, text))

    def test_an_ignored_id_must_be_ignored(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path,
            "dataset: x\nignored_raw: 1\nsets: {a: {names: [b], raw_to_train: {0: -1, 1: 0}}}\n",
        )
        with pytest.raises(LabelError, match="ignored_raw 1 is not a raw id that is ignored"):
            label_set(str(path))

    def test_a_changed_file_is_read_again(self, tmp_path: Path) -> None:
        text = "dataset: x\nsets: {a: {names: [b], raw_to_train: {0: -1, 1: 0}}}\n"
        path = self.write(tmp_path, text)
        assert label_set(str(path)).names == ("b",)
        path.write_text(text.replace("[b]", "[c]"))
        os.utime(path, ns=(1, 1))
        assert label_set(str(path)).names == ("c",)


def test_unknown_raw_label_is_named_with_its_count() -> None:
    with pytest.raises(LabelError, match=r"a\.label: raw label 12 \(2 points\).*raw_to_train"):
        label_set("semantic_kitti").encode(np.array([10, 12, 12]), "a.label")
