"""Common refinements: consistent, as fine as can be, equal to what was worked out by hand."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcseg.data import IGNORE, label_set
from pcseg.data.label_files import concepts, load_map, shipped_maps
from pcseg.data.refinement import (
    Extents,
    Refinement,
    common_refinement,
    disagreements,
    extents,
    refine,
)
from pcseg.errors import LabelError

MAPS = [name for name in shipped_maps() if load_map(shipped_maps()[name]).get("concepts")]

few = settings(max_examples=60, deadline=None)
"""Enough: a table has at most six classes of three of eight concepts."""

tables = st.lists(st.frozensets(st.sampled_from("abcdefgh"), max_size=3), min_size=1, max_size=6)


def refined(source: Extents, target: Extents) -> Refinement:
    return common_refinement(
        source, target, [f"s{k}" for k in range(len(source))], [f"t{k}" for k in range(len(target))]
    )


def blocks(found: Refinement) -> dict[tuple[str, int], int]:
    """Common class of every class of both sides."""
    pairs = [(("s", k), v) for k, v in found.source.items()]
    return dict(pairs + [(("t", k), v) for k, v in found.target.items()])


@few
@given(tables, tables)
def test_overlapping_classes_share_a_common_class(source, target) -> None:
    found = refined(source, target)
    for k, one in enumerate(source):
        for n, other in enumerate(target):
            if one & other:
                assert found.source[k] == found.target[n] != IGNORE


@few
@given(tables, tables)
def test_a_common_class_has_members_on_both_sides_and_a_name(source, target) -> None:
    found = refined(source, target)
    common = set(range(len(found.names)))
    assert set(found.source.values()) - {IGNORE} == common
    assert set(found.target.values()) - {IGNORE} == common
    assert set(found.source) == set(range(len(source)))
    assert set(found.target) == set(range(len(target)))
    first = [min(k for k, v in found.source.items() if v == block) for block in sorted(common)]
    assert first == sorted(first)


@few
@given(tables, tables)
def test_no_common_class_can_be_split(source, target) -> None:
    """Any way to cut a block in two separates two classes that overlap."""
    found = refined(source, target)
    words = {("s", k): v for k, v in enumerate(source)} | {
        ("t", k): v for k, v in enumerate(target)
    }
    of = blocks(found)
    for block in range(len(found.names)):
        members = [key for key, value in of.items() if value == block]
        for size in range(1, len(members)):
            for part in combinations(members, size):
                rest = [key for key in members if key not in part]
                assert any(words[a] & words[b] for a in part for b in rest)


@few
@given(tables, tables)
def test_unscored_classes_overlap_nothing_of_the_other_side(source, target) -> None:
    found = refined(source, target)
    for k, common in found.source.items():
        if common == IGNORE:
            assert not any(source[k] & words for words in target)


@few
@given(tables, tables)
def test_exchanging_the_sides_gives_the_same_classes(source, target) -> None:
    one, other = refined(source, target), refined(target, source)
    assert len(one.names) == len(other.names)
    renamed = {one.source[k]: other.target[k] for k in one.source}
    assert all(renamed[v] == other.source[k] for k, v in one.target.items() if v != IGNORE)
    assert len(set(renamed.values())) == len(renamed)


@few
@given(tables, tables, st.data())
def test_a_coarser_class_table_never_gives_more_classes(source, target, data) -> None:
    merged = data.draw(st.sets(st.sampled_from(range(len(source))), min_size=1))
    together = frozenset().union(*(source[k] for k in merged))
    coarser = [words for k, words in enumerate(source) if k not in merged] + [together]
    assert len(refined(coarser, target).names) <= len(refined(source, target).names)


@given(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1))
def test_a_table_refined_with_itself_is_itself(words) -> None:
    table = [frozenset(word) for word in words]
    found = refined(table, table)
    assert list(found.source.values()) == list(range(len(table))) == list(found.target.values())


@pytest.mark.parametrize("name", MAPS)
def test_concepts_are_words_of_the_list_and_ids_of_the_map(name: str) -> None:
    data = load_map(shipped_maps()[name])
    assert set(data["concepts"]) <= set(data["raw_names"])
    used = {word for words in data["concepts"].values() for word in words}
    assert used <= set(concepts())
    assert all(data["concepts"].values())


def test_every_concept_is_used_and_described() -> None:
    used = {
        word
        for name in MAPS
        for words in load_map(shipped_maps()[name])["concepts"].values()
        for word in words
    }
    assert used == set(concepts())
    assert all(isinstance(text, str) and text for text in concepts().values())


@pytest.mark.parametrize("name", ["semantic_kitti/sk19", "nuscenes_lidarseg/ns16", "waymo/wo22"])
def test_every_class_of_a_source_covers_something(name: str) -> None:
    assert all(extents(name))


@pytest.mark.parametrize("name", ["semantic_kitti/sk19", "nuscenes_lidarseg/ns16", "waymo/wo22"])
def test_a_dataset_keeps_all_its_classes_against_itself(name: str) -> None:
    assert refine(name, name).names == label_set(name).names


def test_kitti_and_poss_give_the_eleven_classes_of_3dlabelprop() -> None:
    found = refine("semantic_kitti/sk19", "semantic_poss/sp13")
    published = [3, 2, 2, 3, 3, 0, 1, 1, 4, 4, 4, 4, 9, 10, 6, 5, 4, 8, 7]
    assert partition(found.source) == partition(dict(enumerate(published)))


def test_kitti_and_paris_give_the_seventeen_classes_of_3dlabelprop() -> None:
    found = refine("semantic_kitti/sk19", "parisluco3d/3dlabelprop_sk17")
    published = [0, 1, 2, 3, 4, 5, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    assert partition(found.source) == partition(dict(enumerate(published)))


def test_kitti_and_nuscenes_are_finer_than_3dlabelprop_by_the_four_wheeled() -> None:
    found = refine("semantic_kitti/sk19", "nuscenes_lidarseg/ns16")
    published = partition(
        dict(enumerate([8, 1, 0, 8, 8, 2, 1, 0, 3, 3, 4, 5, 6, 6, 7, 7, 9, 6, 6]))
    )
    ours = partition(found.source)
    assert ours - published == {frozenset({0}), frozenset({3}), frozenset({4})}
    assert published - ours == {frozenset({0, 3, 4})}  # car, truck, other-vehicle


@pytest.mark.parametrize(
    "name", ["dg_l3", "dg_l2", "lidog_7", "bevdg_5", "xmuda_a2d2_10", "xmuda_nuscenes_6", "sk19"]
)
def test_nothing_has_two_classes_in_a_consistent_set(name: str) -> None:
    assert disagreements(name) == {}


def test_published_sets_that_contradict_themselves_are_known() -> None:
    dglss = disagreements("dglss_10")
    assert dglss["trunk"] == {
        "vegetation": ["nuscenes_lidarseg", "semantic_kitti", "waymo"],
        "terrain": ["semantic_poss"],
    }
    # Every quarrel of DGLSS is with SemanticPOSS, whose classes are coarser.
    assert all(["semantic_poss"] in found.values() for found in dglss.values())
    cola = disagreements("cola_8")
    assert cola["bus"]["Living Being"] == ["semantic_kitti"]  # the slip of id 257
    assert "semantic_kitti" in cola["bicyclist"]["Vehicle"]  # the slip of id 253


def test_a_map_without_concepts_is_refused() -> None:
    with pytest.raises(LabelError, match=r"s3dis\.yaml: .*does not say what its raw ids cover"):
        refine("s3dis/s3dis13", "semantic_kitti/sk19")


def partition(common: dict[int, int]) -> set[frozenset[int]]:
    kept = set(common.values()) - {IGNORE}
    return {frozenset(k for k, v in common.items() if v == block) for block in kept}
