"""Common refinement: the finest classes in which two class tables can be compared without error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pcseg.data.label_files import find_map, load_map, shipped_maps
from pcseg.data.labels import LabelSet, label_set
from pcseg.data.scan import IGNORE
from pcseg.errors import LabelError

Extents = Sequence[frozenset[str]]
"""By train id: the concepts that a class covers (words of ``concepts.yaml``)."""


@dataclass(frozen=True)
class Refinement:
    """Common classes of two class tables.

    Attributes:
        names: of the common classes.
        source: train id of the source -> common class, `IGNORE` where the target has nothing.
        target: train id of the target -> common class, `IGNORE` where the source has nothing.
    """

    names: tuple[str, ...]
    source: Mapping[int, int]
    target: Mapping[int, int]


def common_refinement(
    source: Extents,
    target: Extents,
    source_names: Sequence[str],
    target_names: Sequence[str],
) -> Refinement:
    """The largest set of common classes into which every class of both sides fits as a whole.

    Two classes *overlap* if they share a concept. A partition of all classes of both sides is
    *consistent* if overlapping classes are in one block: otherwise a right answer could count as
    wrong, because the same thing has different common classes on the two sides. The blocks returned
    are the connected components of the overlap relation, which is the finest consistent partition
    (every consistent one has unions of them as blocks), less the components with classes of one
    side only: what the other side cannot say cannot be compared.

    A common class is named by the classes of the side that has more of them, joined by "+".

    Args:
        source: concepts of each class of the source, by train id; a class without any overlaps
            nothing.
        target: the same of the target.
        source_names: class names of the source, by train id.
        target_names: class names of the target.

    Returns:
        Common classes, ordered by the first source class in them.
    """
    block = _components([*source, *target])
    sides = [(block[k], k) for k in range(len(source))]
    others = [(block[len(source) + k], k) for k in range(len(target))]
    shared = {b for b, _ in sides} & {b for b, _ in others}
    order = list(dict.fromkeys(b for b, _ in sides if b in shared))
    common = {b: i for i, b in enumerate(order)}
    names = tuple(
        _name(
            [source_names[k] for b, k in sides if b == wanted],
            [target_names[k] for b, k in others if b == wanted],
        )
        for wanted in order
    )
    return Refinement(
        names=names,
        source={k: common.get(b, IGNORE) for b, k in sides},
        target={k: common.get(b, IGNORE) for b, k in others},
    )


def refine(source: str, target: str) -> Refinement:
    """The common refinement of two shipped label sets, from the ``concepts`` of their maps.

    Args:
        source: label set of the predictions, for example ``"semantic_kitti/sk19"``.
        target: label set of the truth.

    Raises:
        LabelError: if there is no such set, or its map states no concepts.
    """
    one, other = label_set(source), label_set(target)
    return common_refinement(extents(source, one), extents(target, other), one.names, other.names)


def extents(name: str, table: LabelSet | None = None) -> list[frozenset[str]]:
    """The concepts that each class of a shipped label set covers: those of its raw ids.

    Raises:
        LabelError: if the label map states no concepts.
    """
    table = table or label_set(name)
    path = find_map(name)[0]
    concepts = load_map(path).get("concepts")
    if not concepts:
        raise LabelError(
            f"{path}: this label map does not say what its raw ids cover. "
            "Add 'concepts' {raw id: [words of concepts.yaml]}."
        )
    covered: list[set[str]] = [set() for _ in table.names]
    for raw_id, train_id in table.raw_to_train.items():
        if train_id != IGNORE:
            covered[train_id].update(concepts.get(raw_id, ()))
    return [frozenset(words) for words in covered]


def disagreements(set_name: str) -> dict[str, dict[str, list[str]]]:
    """What the datasets of one common label set do not count as the same class.

    Args:
        set_name: of the set, for example ``"cola_8"``.

    Returns:
        {kind of thing: {class: [label maps that read it so]}}, for every kind that has more than
        one class. Where a raw id mixes several kinds (a single ground), that is no slip of the
        set, but it is an error that every network is charged with.
    """
    classes: dict[str, dict[str, list[str]]] = {}
    for name, path in sorted(shipped_maps().items()):
        data = load_map(path)
        if set_name not in data["sets"] or "based_on" in data:
            continue
        table = label_set(f"{name}/{set_name}")
        for raw_id, words in sorted((data.get("concepts") or {}).items()):
            if table.raw_to_train[raw_id] == IGNORE:
                continue
            for word in words:
                called = table.names[table.raw_to_train[raw_id]]
                users = classes.setdefault(word, {}).setdefault(called, [])
                if name not in users:
                    users.append(name)
    return {word: found for word, found in sorted(classes.items()) if len(found) > 1}


def _components(classes: Extents) -> list[int]:
    """For each class a number that it shares with exactly the classes connected to it."""
    blocks: list[tuple[set[str], list[int]]] = []
    for number, words in enumerate(classes):
        touching = [block for block in blocks if block[0] & words]
        merged = set(words).union(*(block[0] for block in touching))
        members = [number, *(k for block in touching for k in block[1])]
        blocks = [block for block in blocks if not any(block is t for t in touching)]
        blocks.append((merged, members))
    result = [0] * len(classes)
    for _, members in blocks:
        for member in members:
            result[member] = min(members)
    return result


def _name(source: list[str], target: list[str]) -> str:
    return "+".join(source if len(source) >= len(target) else target)
