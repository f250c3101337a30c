"""Movable classes: those whose labels must not be carried from one scan to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pcseg.data.label_files import shipped_maps
from pcseg.data.labels import LabelSet, map_data
from pcseg.data.scan import IGNORE
from pcseg.errors import ConfigError
from pcseg.hints import did_you_mean

STANDING = frozenset(
    "barrier fence guard-rail pole refuse-bin street-furniture traffic-cone traffic-light "
    "traffic-sign".split()
)
"""Concepts of single objects that stay where somebody has put them (words of concepts.yaml)."""


def movable_classes(label_set: LabelSet, names: Sequence[str] | None = None) -> np.ndarray:
    """(K,) bool: the classes of which members move or may do so at any time.

    A class is movable if a raw id of it says that it moves, or if all its raw ids are things
    (vehicles, people) and the label map does not say that these are things that stand. For
    SemanticKITTI that is car … motorcyclist, for nuScenes all things but barriers and cones: the
    lists that 3DLabelProp means to have.

    Args:
        label_set: classes of the source.
        names: class names, to overrule the label map.

    Raises:
        ConfigError: for a name that is no class.
    """
    movable = np.zeros(label_set.num_classes, bool)
    if names is not None:
        for name in names:
            if name not in label_set.names:
                raise ConfigError(
                    f"labelprop.dynamic: there is no class '{name}'"
                    f"{did_you_mean(name, list(label_set.names))}. Classes: "
                    f"{', '.join(label_set.names)}."
                )
            movable[label_set.names.index(name)] = True
        return movable
    concepts = _concepts(label_set)
    for train_id in label_set.thing_classes:
        raw_ids = [raw for raw, train in label_set.raw_to_train.items() if train == train_id]
        words = {word for raw in raw_ids for word in concepts.get(raw, ())}
        movable[train_id] = not words or bool(words - STANDING)
    for raw in label_set.moving:
        train_id = label_set.raw_to_train.get(raw, IGNORE)
        if train_id != IGNORE:
            movable[train_id] = True
    return movable


def _concepts(label_set: LabelSet) -> dict[int, Sequence[str]]:
    """What the raw ids cover, if the dataset's label map is shipped and says so."""
    if label_set.dataset not in shipped_maps():
        return {}
    return dict(map_data(label_set.dataset).get("concepts") or {})
