"""Scoring predictions under every view: the one place that sees the labels of a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pcseg.benchmark.arrays import Predictions
from pcseg.benchmark.seal import open_truth
from pcseg.benchmark.store import Store
from pcseg.benchmark.units import Unit
from pcseg.benchmark.views import file_name
from pcseg.benchmark.work.judges import judge_of
from pcseg.evaluate import check_pair
from pcseg.files import write_json

if TYPE_CHECKING:
    from pcseg.benchmark.work.do import Context, Told


def do(context: Context, unit: Unit, told: Told) -> Mapping[str, Any]:
    """Score; one JSON file for each view, and the mIoU of each scan under the first."""
    store, spec = Store(context.out), unit.spec
    folder = store.folder(unit.id)
    predicted = Predictions(store.folder(spec["predict"]))
    truth = open_truth(spec["scans"], context.out, store.folder(spec["train"]), predicted.manifest)
    network = f"{predicted.label_set.dataset}/{predicted.label_set.name}"
    target = spec["scans"]["label_set"]
    judges = [judge_of(name, network, target) for name in spec["views"]]
    for index, frame in enumerate(truth.frames):
        scan, prediction = truth[index], predicted.of(frame)
        check_pair(scan, prediction)
        for judge in judges:
            judge.add(str(frame), scan, prediction)
        told(index + 1, len(truth.frames))
    for name, judge in zip(spec["views"], judges, strict=True):
        write_json(folder / f"{file_name(name)}.json", judge.result())
    write_json(folder / "scans.json", judges[0].scans)
    return {"scans": len(truth.frames), "views": dict(spec["views"])}
