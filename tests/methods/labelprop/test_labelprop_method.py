"""3DLabelProp through the command line: trained, evaluated in order, predicted and resumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pcseg.data.catalogue import open_dataset
from pcseg.data.scan import Prediction, Scan
from pcseg.evaluate.run import in_sequence, predictions, share_of
from pcseg.methods import load_run
from pcseg.sim import simulate
from tests.conftest import pcseg, pcseg_here

SMALL = (
    "model.width=0.125", "model.depth=14", "input.voxel_size=0.5", "data.batch_size=2",
    "data.workers=0", "train.log_every=1", "train.tensorboard=false", "train.precision=32",
    "labelprop.num_clusters=4", "labelprop.min_points=20", "labelprop.reach=0.6",
)  # fmt: skip


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sparse scans of one street, three of another."""
    root = tmp_path_factory.mktemp("drives")
    for name, frames in (("00", 4), ("08", 4)):
        simulate(
            root / name, sensor="vlp16", sequences=(name,), frames=frames, columns_step=8,
            frame_step=1.0,
        )  # fmt: skip
    both = root / "both" / "sequences"
    both.mkdir(parents=True)
    for name in ("00", "08"):
        (root / name / "sequences" / name).rename(both / name)
    return root / "both"


@pytest.fixture(scope="module")
def run(drives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("labelprop") / "run"
    done = pcseg_here("train", *settings(drives, out), "train.max_steps=3")
    assert done.returncode == 0, done.stderr
    return out


def settings(root: Path, out: Path) -> list[str]:
    return [
        "semantickitti/labelprop", f"data.root={root}", f"out={out}", "data.split=00",
        "data.val_split=08", *SMALL,
    ]  # fmt: skip


def test_train_and_evaluate(run: Path, drives: Path) -> None:
    done = pcseg_here("eval", run, f"data.root={drives}", "data.split=08")
    assert done.returncode == 0, done.stderr
    assert "4 scans" in done.stdout and "mIoU" in done.stdout


def test_a_plain_run_can_be_evaluated_with_labelprop_around_it(
    trained: Path, kitti: Path, tmp_path: Path
) -> None:
    for shown in ("labelprop.clusters=scan", "labelprop.center=sensor"):
        result = tmp_path / "result.json"
        done = pcseg_here(
            "eval", trained, f"data.root={kitti}", "data.split=08", "method=labelprop", shown,
            "--json", result,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert result.is_file()
    refused = pcseg_here("eval", trained, f"data.root={kitti}", "method=lidog")
    assert refused.returncode == 2 and "part of the trained network" in refused.stderr


def test_interrupted_predictions_go_on_with_the_same_labels(
    run: Path, drives: Path, tmp_path: Path
) -> None:
    words = ("predict", run, drives / "sequences" / "08", "--format", "npz", "--out")
    assert pcseg_here(*words, tmp_path / "whole").returncode == 0
    whole = sorted((tmp_path / "whole").rglob("*.npz"))
    assert len(whole) == 4
    assert pcseg_here(*words, tmp_path / "cut").returncode == 0
    cut = sorted((tmp_path / "cut").rglob("*.npz"))
    for number in (1, 2):
        cut[number].unlink()  # what came after it stays
    again = pcseg_here(*words, tmp_path / "cut")
    assert again.returncode == 0 and "2 kept" in again.stdout
    for a, b in zip(whole, cut, strict=True):
        with np.load(a) as one, np.load(b) as other:
            assert set(one) == set(other) and "propagated" in one
            for key in one:
                np.testing.assert_array_equal(one[key], other[key])


def test_a_sequence_is_new_each_time_it_is_asked_for(run: Path, drives: Path) -> None:
    method = load_run(run).method
    dataset = open_dataset("semantickitti", drives, "all")
    first = [p.labels for _, p in predictions(method, dataset)]
    second = [p.labels for _, p in predictions(method, dataset)]
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    # A later frame alone: the scans before it are seen, but not told of.
    (alone,) = predictions(method, dataset, indices=[6])
    np.testing.assert_array_equal(alone[1].labels, first[6])
    # The second sequence owes nothing to the first.
    only = open_dataset("semantickitti", drives, "08")
    apart = [p.labels for _, p in predictions(method, only)]
    assert all(np.array_equal(a, b) for a, b in zip(first[4:], apart, strict=True))


def test_scans_come_in_order_of_sequence_and_frame(drives: Path) -> None:
    dataset = open_dataset("semantickitti", drives, "all")

    class Notes:
        sequential = True

        def __init__(self) -> None:
            self.seen: list[str] = []

        def reset(self) -> None:
            self.seen.clear()

        def predict(self, scans: list[Scan]) -> list[Prediction]:
            assert len(scans) == 1
            self.seen.append(f"{scans[0].meta['sequence']}/{scans[0].meta['frame']}")
            nothing = np.zeros(len(scans[0]))
            return [Prediction(nothing.astype(np.int64), nothing.astype(np.float32))]

    notes = Notes()
    told = [s.meta["frame"] for s, _ in predictions(notes, dataset, 4, indices=[7, 5, 2])]
    assert told == ["000002", "000001", "000003"]
    assert in_sequence(notes, dataset, [7, 5, 2]) == [2, 5, 7]
    assert notes.seen == [
        "00/000000", "00/000001", "00/000002",
        "08/000000", "08/000001", "08/000002", "08/000003",
    ]  # fmt: skip
    shares = [share_of(notes, dataset, rank, 3) for rank in range(3)]
    assert shares == [[0, 1, 2, 3], [4, 5, 6, 7], []]

    class Plain:
        def predict(self, scans: list[Scan]) -> list[Prediction]:
            return []

    assert in_sequence(Plain(), dataset, [7, 5, 2]) == [7, 5, 2]
    assert share_of(Plain(), dataset, 1, 3) == [1, 4, 7]


@pytest.mark.slow
def test_a_stopped_training_goes_on_with_the_same_weights(drives: Path, tmp_path: Path) -> None:
    weights = []
    for name, stops in (("whole", (6,)), ("cut", (3, 6))):
        out = tmp_path / name
        for stop in stops:
            changed = ("train.max_steps=6", "train.checkpoint_every=3", "optim.schedule=constant")
            words = [*settings(drives, out), *changed]
            if stop == 3:  # as if killed after the checkpoint
                words[-3] = "train.max_steps=3"
            done = pcseg("train", *words)
            assert done.returncode == 0 or "other settings" in done.stderr, done.stderr
            if stop == 3:
                state = torch.load(out / "last.pt", weights_only=True)
                state["finished"] = False
                state["config"]["train"]["max_steps"] = 6
                torch.save(state, out / "last.pt")
        weights.append(torch.load(tmp_path / name / "last.pt", weights_only=True)["model"])
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
