"""The house benchmark `pcseg-dg/1`: a tree of classes, scored where both datasets define a node."""

from __future__ import annotations

from functools import cache

from pcseg.data import IGNORE, LabelSet, label_set
from pcseg.data.refinement import refine
from pcseg.evaluate.protocol import HOUSE
from pcseg.evaluate.view import View

BENCHMARK = "pcseg-dg/1"

SOURCES = {
    "sk": "semantic_kitti/sk19",
    "ns": "nuscenes_lidarseg/ns16",
    "wo": "waymo/wo22",
    "syn": "synlidar/full",
}
"""Label sets that networks of the benchmark are trained with."""

TARGETS = {
    "sk": ("semantic_kitti", "sk19", "official:val"),
    "sk32": ("simkitti32", "sk19", "target:test"),
    "ns": ("nuscenes_lidarseg", "ns16", "official:val"),
    "sp": ("semantic_poss", "sp13", "3dlabelprop:test"),
    "sp03": ("semantic_poss", "sp13", "dglss:val"),
    "ps": ("pandaset", "full", "3dlabelprop:test"),
    "wo": ("waymo", "wo22", "val"),
    "pl3d": ("parisluco3d", "3dlabelprop_sk17", "all"),
    "stf": ("semantic_stf", "sk19", "val"),
    "k360": ("kitti360", "full", "val"),
}
"""Label map, finest label set and split of each target. PandaSet's LiDARs are chosen by the reader
(``lidar=``) and share their maps."""

LEVELS = ("L3", "L2", "L1")
"""Six classes that nearly every dataset defines; ten; the common refinement of the two datasets."""

HOUSE_VIEWS = {
    f"{BENCHMARK}/{level}/{source}-{target}": (level, source, target)
    for level in LEVELS
    for source in SOURCES
    for target in TARGETS
}
"""Level, source and target of every view of the benchmark, by name."""


def house_view(name: str) -> View:
    """A view of the benchmark, computed from the label maps; see `pair_view`.

    Args:
        name: one of `HOUSE_VIEWS`.
    """
    level, source, target = HOUSE_VIEWS[name]
    map_name, finest, split = TARGETS[target]
    if level == "L1" and (target, source) == ("pl3d", "ns"):
        finest = "3dlabelprop_ns16"  # its ids have names only towards the two other datasets
    return pair_view(level, SOURCES[source], f"{map_name}/{finest}", split, name)


@cache
def pair_view(level: str, source: str, target: str, split: str, name: str) -> View:
    """One level of the benchmark for any network and any dataset.

    L3 and L2 are the label sets ``dg_l3`` and ``dg_l2``. A node is scored only if both datasets
    define it, which shows in a raw id being mapped to it; elsewhere truth is ignored, and
    predictions of it are misses. L1 is the common refinement of the two label sets.

    Args:
        level: one of `LEVELS`.
        source: label set that the network was trained with, as ``map/set``.
        target: finest label set of the target, as ``map/set``.
        split: of the target, as the view states it.
        name: of the view.

    Raises:
        LabelError: if a label map has no such level, or no concepts for L1.
    """
    if level == "L1":
        classes = target
        common = refine(source, target)
        names, predicted, truth = common.names, common.source, common.target
    else:
        classes = f"{target.partition('/')[0]}/dg_{level.lower()}"
        names, predicted, truth = _tree(source, classes)
    return View(
        name=name,
        names=names,
        predicted=predicted,
        truth=truth,
        protocol=HOUSE,
        sources=(source,),
        targets={classes: split},
        paper="pcseg",
    )


def _tree(source: str, target: str) -> tuple[tuple[str, ...], dict[int, int], dict[int, int]]:
    """Names, prediction map and truth map of one level of the tree for a pair of datasets."""
    network = label_set(source)
    theirs = label_set(target)
    ours = label_set(f"{source.partition('/')[0]}/{theirs.name}")
    both = sorted(_defined(ours) & _defined(theirs))
    common = {node: i for i, node in enumerate(both)}
    predicted = {}
    for train_id, raw_id in sorted(network.train_to_raw.items()):
        node = ours.raw_to_train[raw_id]
        predicted[train_id] = common.get(node, IGNORE)
    truth = {node: common.get(node, IGNORE) for node in range(theirs.num_classes)}
    return tuple(theirs.names[node] for node in both), predicted, truth


def _defined(table: LabelSet) -> set[int]:
    return set(table.raw_to_train.values()) - {IGNORE}
