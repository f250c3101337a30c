"""Which scans are shown: of each target the one that the reference method labels worst."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pcseg.benchmark.arrays import Predictions
from pcseg.benchmark.expand import Cell
from pcseg.benchmark.report.results import Results
from pcseg.benchmark.seal import open_truth
from pcseg.benchmark.work.judges import judge_of
from pcseg.data import LabelSet, Prediction, Scan
from pcseg.files import read_json

Draw = Callable[[Scan, Prediction, LabelSet, str], bytes]
"""Draws truth, prediction and errors of a scan under a title; the bytes of a PNG or WebP."""


@dataclass(frozen=True)
class Shown:
    """A drawn scan.

    Attributes:
        image: bytes of a PNG or WebP.
        caption: what is seen.
    """

    image: bytes
    caption: str


def worst_scans(results: Results, draw: Draw) -> list[Shown]:
    """One picture for each target and method: the scan with the reference's lowest mIoU.

    All methods are shown on the same scan, so that they can be compared; first seed.
    """
    found = []
    for target in results.plan.targets:
        cells = [
            cell
            for row in results.rows(results.plan.primary)
            if not row.oracle and row.variant == "full"
            for cell in results.cells(row, target)[:1]
        ]
        reference = [c for c in cells if c.method == results.plan.compared_with] or cells
        if not reference:
            continue
        scans = read_json(results.store.folder(reference[0].score) / "scans.json")
        if not scans:
            continue
        worst = min(scans, key=lambda scan: (scan["miou"], scan["frame"]))["frame"]
        found += [_show(results, cell, worst, draw) for cell in cells]
    return found


def _show(results: Results, cell: Cell, frame: str, draw: Draw) -> Shown:
    store = results.store
    unit = next(u for u in results.work.units if u.id == cell.score)
    predicted = Predictions(store.folder(cell.predict))
    scans = unit.spec["scans"]
    truth = open_truth(scans, store.out, store.folder(cell.train), predicted.manifest)
    row = next(i for i, one in enumerate(truth.frames) if str(one) == frame)
    network = f"{predicted.label_set.dataset}/{predicted.label_set.name}"
    judge = judge_of(results.plan.primary, network, scans["label_set"])
    scan, prediction = judge.in_common(truth[row], predicted.of(truth.frames[row]))
    listed = read_json(store.folder(cell.score) / "scans.json")
    miou = next((s["miou"] for s in listed if s["frame"] == frame), None)
    score = "" if miou is None else f", mIoU of this scan {100 * miou:.1f}"
    caption = (
        f"{cell.target}, frame {frame}: {cell.method} trained on {cell.source}, seed {cell.seed}"
        f"{score}"
    )
    return Shown(draw(scan, prediction, judge.classes, f"{cell.target}: {cell.method}"), caption)
