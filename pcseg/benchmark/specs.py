"""From the entries of a plan to plain specifications of scans, and from these to open datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pcseg.benchmark.choice import Chosen, Joined, choose
from pcseg.benchmark.plan import Plan, SourceEntry
from pcseg.benchmark.units import Unit
from pcseg.data.catalogue import default_label_set, open_dataset
from pcseg.data.dataset import ScanDataset
from pcseg.errors import ConfigError

Spec = dict[str, Any]
"""Plain data that say which scans are meant: reader, where, split, classes, options, choice."""


def simulation(plan: Plan, data: str) -> Unit | None:
    """The unit that makes the scans of a data entry; None for recorded ones."""
    entry = plan.data[data].simulate
    if entry is None:
        return None
    return Unit("simulate", entry.model_dump(mode="json"), label=f"simulate {data}")


def scans_of(plan: Plan, data: str, split: str, classes: str | None = None) -> Spec:
    """The specification of a split.

    Args:
        plan: that the entry is part of.
        data: name of the entry.
        split: of its dataset.
        classes: name of a set of the dataset's label map in place of the entry's own.
    """
    entry = plan.data[data]
    made = simulation(plan, data)
    finest = finest_classes(plan, data)
    return {
        "dataset": entry.reader,
        "root": None if made is not None else entry.root,
        "simulated_by": None if made is None else made.id,
        "split": split,
        "label_set": finest if classes is None else f"{finest.partition('/')[0]}/{classes}",
        "options": dict(entry.options),
        "every": plan.every(data),
    }


def finest_classes(plan: Plan, data: str) -> str:
    """The class table of a data entry, as ``map/set``.

    Raises:
        ConfigError: if the reader has no classes of its own and the entry names none.
    """
    entry = plan.data[data]
    given = entry.label_set or default_label_set(entry.reader)
    if given is None:
        raise ConfigError(
            f"data.{data}.label_set is needed: files of '{entry.reader}' have no classes of their "
            "own. Name a label set of `pcseg ls labelmaps`, such as semantic_kitti/sk19."
        )
    from pcseg.data import label_set

    table = label_set(given)
    return f"{table.dataset}/{table.name}"


def members(plan: Plan, source: SourceEntry) -> list[SourceEntry]:
    """The sources with data of their own that a source consists of."""
    return [plan.sources[name] for name in source.union] or [source]


def open_labelled(spec: Spec, out: Path) -> ScanDataset:
    """Open the labelled frames of what a specification means, thinned as it says.

    Args:
        spec: of the scans.
        out: folder of the benchmark, which holds simulated data.

    Raises:
        DataError: if files are missing or damaged.
    """
    everything = _open(spec, out, "only")
    labelled = Chosen(everything, choose(everything.frames, spec["every"]))
    if spec.get("choice"):
        return Chosen(labelled, _chosen_rows(labelled, spec["choice"]))
    return labelled


def open_unlabelled(spec: Spec, out: Path) -> tuple[ScanDataset, list[int]]:
    """All scans of a specification, labels closed, and the rows of those that are to be scored.

    Which frames are labelled shows in which label files exist; none is read. Methods that look back
    in time see the frames between too.
    """
    everything = _open(spec, out, "none")
    labelled = _open(spec, out, "only").frames
    scored = {labelled[row] for row in choose(labelled, spec["every"])}
    return everything, [row for row, f in enumerate(everything.frames) if f in scored]


def open_all(specs: Sequence[Spec], out: Path) -> ScanDataset:
    """The labelled scans of several specifications as one dataset."""
    opened = [open_labelled(spec, out) for spec in specs]
    return opened[0] if len(opened) == 1 else Joined(opened)


def _chosen_rows(dataset: ScanDataset, choice: Mapping[str, Any]) -> list[int]:
    from pcseg.benchmark.hunger import choose_for_hunger

    return choose_for_hunger(dataset, choice)


def _open(spec: Spec, out: Path, labels: str) -> ScanDataset:
    made_by = spec["simulated_by"]
    root = out / "data" / made_by if made_by else Path(spec["root"])
    options = {"labels": labels, **spec["options"]}
    return open_dataset(spec["dataset"], root, spec["split"], spec["label_set"], **options)
