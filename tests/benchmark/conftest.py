"""A tiny benchmark: two methods, a source with its oracle, two targets; run once for all tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from pcseg.benchmark import Context, Plan, Work, expand, load_plan, run_benchmark
from pcseg.executor import executor
from tests.scenes import write_kitti

TINY = [
    "model.width=0.125", "model.depth=14", "input.voxel_size=0.5", "data.batch_size=1",
    "train.epochs=4", "train.precision=32", "optim.lr=0.01",
]  # fmt: skip

POSS = {40: 22, 10: 7, 50: 15, 80: 13, 70: 9}
"""SemanticKITTI's raw id and SemanticPOSS's, for what is in the tiny worlds."""


def write_poss(root: Path) -> Path:
    """The tiny worlds with the labels of SemanticPOSS, in two sequences."""
    write_kitti(root, {"00": 2, "01": 2}, points=1200, seed=5)
    for path in root.glob("sequences/*/labels/*.label"):
        raw = np.fromfile(path, "<u4")
        out = raw & 0xFFFF0000
        for theirs, ours in POSS.items():
            out[(raw & 0xFFFF) == theirs] |= ours
        out.astype("<u4").tofile(path)
    return root


def tiny_plan(kitti: Path, poss: Path) -> dict:
    """Plain data of the plan."""
    method = {"config": "dg/methods/source_only_minkunet", "settings": TINY}
    blind = {**method, "settings": [*TINY, "input.features=[one]"]}
    return {
        "title": "Tiny worlds",
        "seeds": [1, 2],
        "data": {
            "kitti": {"dataset": "semantickitti", "root": str(kitti), "thin": False},
            "poss": {"dataset": "semanticposs", "root": str(poss), "thin": False},
        },
        "sources": {
            "sk": {"data": "kitti", "split": "00:0-3", "val_split": "00:4-5"},
            "sp": {"data": "poss", "split": "00", "val_split": None},
        },
        "targets": {
            "sk-val": {"data": "kitti", "split": "08", "in_domain": True},
            "sp-all": {"data": "poss", "split": "01", "oracle": "sp"},
        },
        "methods": {"with": method, "without": blind},
        "views": ["L3", "L2", "L1", "3dlabelprop/*"],
    }


@pytest.fixture(scope="session")
def poss(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_poss(tmp_path_factory.mktemp("poss"))


@pytest.fixture
def data(kitti: Path, poss: Path) -> dict:
    """Plain data of the tiny plan, to be changed by a test."""
    return tiny_plan(kitti, poss)


@pytest.fixture(scope="session")
def plan_file(kitti: Path, poss: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny_plan(kitti, poss), sort_keys=False))
    return path


@pytest.fixture(scope="session")
def plan(plan_file: Path) -> Plan:
    return load_plan(str(plan_file))


@pytest.fixture(scope="session")
def work(plan: Plan) -> Work:
    return expand(plan)


@pytest.fixture(scope="session")
def out(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny benchmark, all done."""
    folder = tmp_path_factory.mktemp("benchmark")
    run_benchmark(plan, Context(folder, "cpu"), executor())
    return folder
