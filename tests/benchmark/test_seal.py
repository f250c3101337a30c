"""Seals: labels of targets stay closed until the checkpoint is chosen, whoever asks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pcseg.benchmark import Context, Plan, Store, Work, expand
from pcseg.benchmark.arrays import Predictions
from pcseg.benchmark.seal import SEAL, open_truth, read_seal
from pcseg.benchmark.units import Unit
from pcseg.benchmark.work import do_unit
from pcseg.errors import CheckpointError, PcsegError
from tests.benchmark.conftest import tiny_plan, write_poss


def chain(work: Work, target: str) -> list[Unit]:
    """Training, prediction and score of the first cell of a target."""
    cell = next(c for c in work.cells if c.target == target)
    by_id = {unit.id: unit for unit in work.units}
    return [by_id[cell.train], by_id[cell.predict], by_id[cell.score]]


def test_training_and_prediction_never_read_labels_of_the_target(
    kitti: Path, tmp_path: Path
) -> None:
    """With garbage for labels both go through, and only the score stumbles over it."""
    poss = write_poss(tmp_path / "poss")
    for path in poss.glob("sequences/01/labels/*.label"):
        path.write_bytes(b"garbage")
    work = expand(Plan.model_validate(tiny_plan(kitti, poss)))
    context = Context(tmp_path / "out", "cpu")
    train, predict, score = chain(work, "sp-all")
    for unit in (train, predict):
        do_unit(context, unit, lambda message: True)
    with pytest.raises(PcsegError, match=r"sequences/01/labels/000000\.label"):
        do_unit(context, score, lambda message: True)


def test_without_a_seal_nothing_is_predicted_or_scored(
    work: Work, out: Path, tmp_path: Path
) -> None:
    train, predict, score = chain(work, "sp-all")
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    store = Store(copy)
    (store.folder(train.id) / SEAL).unlink()
    for unit in (predict, score):
        (store.folder(unit.id) / "done.json").unlink()
        with pytest.raises(CheckpointError, match="not sealed"):
            do_unit(Context(copy, "cpu"), unit, lambda message: True)


def test_a_checkpoint_that_changed_opens_nothing(work: Work, out: Path, tmp_path: Path) -> None:
    train, predict, score = chain(work, "sp-all")
    folder = tmp_path / "train"
    shutil.copytree(Store(out).folder(train.id), folder)
    predicted = Predictions(Store(out).folder(predict.id)).manifest
    assert len(open_truth(score.spec["scans"], out, folder, predicted)) == 2
    other = {**predicted, "checkpoint_sha256": "0" * 64}
    with pytest.raises(CheckpointError, match="made with another checkpoint"):
        open_truth(score.spec["scans"], out, folder, other)
    best = folder / "best.pt"
    best.write_bytes(best.read_bytes() + b" ")
    with pytest.raises(CheckpointError, match="is not the file that was sealed"):
        open_truth(score.spec["scans"], out, folder, predicted)


def test_the_seal_names_what_it_was_chosen_on(work: Work, out: Path) -> None:
    train = chain(work, "sp-all")[0]
    seal = read_seal(Store(out).folder(train.id))
    assert seal.selected_on == "semantickitti 00:4-5"
    assert seal.miou is not None and 0 < seal.miou < 1 and seal.update > 0
