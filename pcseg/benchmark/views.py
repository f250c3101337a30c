"""Which views fit a network and a target, and how raw ids become the classes of a view."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np

from pcseg.data import IGNORE, LabelSet, label_set
from pcseg.errors import ConfigError
from pcseg.evaluate.house import LEVELS, pair_view
from pcseg.evaluate.view import View
from pcseg.evaluate.views import list_views, view


def views_for(asked: Sequence[str], network: str, target: str) -> dict[str, str]:
    """The views of a plan that fit a pair.

    Args:
        asked: levels of the house protocol, and patterns of names of published views.
        network: label set that the network is trained with, as ``map/set``.
        target: finest label set of the target, as ``map/set``.

    Returns:
        {name in the report: hash of its rules}; published views that fit are named as published.

    Raises:
        ConfigError: for a pattern that no view has.
    """
    published = [name for name in list_views() if not name.startswith("pcseg-dg/")]
    found = {}
    for one in asked:
        if one in LEVELS:
            found[one] = find_view(one, network, target).hash
            continue
        named = [name for name in published if fnmatchcase(name, one)]
        if not named:
            raise ConfigError(f"views: no view is called '{one}'. `pcseg ls views` lists them.")
        for name in named:
            if _fits(view(name), network, target):
                found[name] = find_view(name, network, target).hash
    return found


def find_view(name: str, network: str, target: str) -> View:
    """A view by its name in a report; published ones as seen by this network."""
    if name in LEVELS:
        pair = f"{network.replace('/', ':')}-{target.replace('/', ':')}"
        return pair_view(name, network, target, "as planned", f"pcseg-dg/1/{name}/{pair}")
    return view(name).seen_from(network)


def as_published(name: str, network: str, target: str) -> bool:
    """Whether a network trained on these classes is one that the view's paper would score."""
    return name in LEVELS or find_view(name, network, target) == view(name)


def common_classes(found: View, target: str) -> LabelSet:
    """The class table of a view: from the raw ids of the target straight to the common classes.

    Args:
        found: the view.
        target: any label set of the target's label map.
    """
    theirs = label_set(_truth_classes(found, target))
    table = {
        raw: IGNORE if train == IGNORE else found.truth.get(train, IGNORE)
        for raw, train in theirs.raw_to_train.items()
    }
    shown = {common: train for train, common in sorted(found.truth.items(), reverse=True)}
    colors = [theirs.colors[shown[k]] if k in shown else (128, 128, 128) for k in _ids(found)]
    return LabelSet(
        dataset=theirs.dataset,
        name=found.name,
        names=found.names,
        colors=np.array(colors, np.uint8),
        raw_to_train=table,
        train_to_raw={c: raw for raw, c in sorted(table.items(), reverse=True) if c != IGNORE},
        raw_names=theirs.raw_names,
        moving=theirs.moving,
        things=theirs.things,
        ignored_raw=theirs.ignored_raw,
    )


def to_common(found: View, labels: np.ndarray) -> np.ndarray:
    """Predictions (N,) in the network's train ids as common classes, `IGNORE` where there is none.

    Raises:
        ConfigError: for a class that the view's map does not mention.
    """
    table = np.full(max([*found.predicted, 0]) + 2, _UNMAPPED, np.int64)
    table[-1] = IGNORE
    for train, common in found.predicted.items():
        table[train] = common
    outside = (labels < IGNORE) | (labels >= len(table) - 1)
    mapped: np.ndarray = table[np.where(outside, 0, labels)]
    wrong = labels[outside | (mapped == _UNMAPPED)]
    if len(wrong):
        raise ConfigError(f"view '{found.name}' does not know the predicted class {wrong[0]}.")
    return mapped


def file_name(name: str) -> str:
    """A view's name as that of a file."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)


_UNMAPPED = -2


def _ids(found: View) -> range:
    return range(len(found.names))


def _fits(found: View, network: str, target: str) -> bool:
    source_map, target_map = network.partition("/")[0], target.partition("/")[0]
    known = {name.partition("/")[0] for name in found.sources}
    return source_map in known and any(t.partition("/")[0] == target_map for t in found.targets)


def _truth_classes(found: View, target: str) -> str:
    own = target.partition("/")[0]
    return next(name for name in found.targets if name.partition("/")[0] == own)
