"""The benchmark programs: one command line, one form of record, and they run."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"
PROGRAMS = {
    "io": ["--quick", "--points", "2000"],
    "loader": ["--quick", "--workers", "0"],
    "sim": ["--quick"],
    "sparse": ["--quick", "--engines", "numba"],
    "scaling": ["--quick", "--sizes", "10000,30000"],
    "startup": ["--quick"],
}
"""The programs that need nothing, and their options in a long test."""


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


def test_the_record_names_the_processor_and_what_was_measured(monkeypatch) -> None:
    import _run

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    found = _run.record([{"ms": 1.0}], cores=2)
    assert found["device"] and found["device"] != "a GPU"
    assert {"threads", "versions", "commit", "rows"} <= found.keys()
    assert found["cores"] == 2 and found["rows"] == [{"ms": 1.0}]
    assert _run.record([], "cuda")["device"] == "a GPU"


def test_every_program_is_listed() -> None:
    programs = {p.stem for p in FOLDER.glob("*.py") if "__main__" in p.read_text()}
    assert programs == {*PROGRAMS, "before_after"}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_run_and_write_their_record(name: str, tmp_path: Path) -> None:
    assert run(name, tmp_path, *PROGRAMS[name])["rows"]


def test_sparse_compares_engines_row_by_row(tmp_path: Path) -> None:
    options = "--engines numba --only map3,subm16_fb,up16_f --rounds 1".split()
    plot = tmp_path / "plot.svg"
    found = run("sparse", tmp_path, "--tiny", *options, "--plot", plot)
    assert [(row["op"], row["engine"]) for row in found["rows"]] == [
        (op, engine) for op in ("map3", "subm16_fb", "up16_f") for engine in ("numba", "naive")
    ]
    for row in found["rows"]:
        assert row["scene"] == "tiny" and row["dtype"] == "float32" and row["threads"] >= 1
        assert 0 < row["min_ms"] <= row["ms"] and row["calls"] >= 1
        assert row["difference"] < 1e-4
        # A map has no multiply-adds.
        assert (row["floor_share"] is None) == (row["op"] == "map3")
    assert found["scenes"]["tiny"]["voxels"][0] > 1000
    map_ratio = next(entry for entry in found["ratios"] if entry["op"] == "map3")
    times = {row["engine"]: row["ms"] for row in found["rows"] if row["op"] == "map3"}
    assert map_ratio["against"] == "naive" and map_ratio["aim"] == 9.0
    assert map_ratio["ratio"] == pytest.approx(times["naive"] / times["numba"])
    assert plot.read_text().startswith("<svg")


def test_scaling_measures_every_size(tmp_path: Path) -> None:
    found = run("scaling", tmp_path, "--tiny", "--rounds", "1", "--no-loader")
    sizes = {row["voxels"] for row in found["rows"]}
    assert len(sizes) == 2
    assert all(row["ms"] > 0 and row["peak_mb"] >= 0 for row in found["rows"])
    assert all(math.isfinite(value) for value in found["exponents"].values())


def test_training_beside_a_loader_is_timed(tmp_path: Path) -> None:
    points = tmp_path / "points.npy"
    np.save(points, np.random.default_rng(0).uniform(0, 2, (500, 3)).astype(np.float32))
    command = [sys.executable, "-m", "_sparse.beside", "naive", str(points), "1", "1"]
    done = subprocess.run(
        command, cwd=FOLDER, check=True, capture_output=True, text=True, timeout=200
    )
    found = json.loads(done.stdout)
    assert found["workers"] == 2 and found["steps"] >= 1
    assert found["slowdown"] == pytest.approx(found["beside_ms"] / found["alone_ms"])


def test_startup_counts_the_first_step_apart(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PCSEG_BACKEND", "torch")  # compiles nothing, so the test is short
    found = run("startup", tmp_path, "--tiny")
    assert [row["cache"] for row in found["rows"]] == ["cold", "warm"]
    for row in found["rows"]:
        assert 0 < row["import_s"] + row["step_s"] + row["second_s"] < row["process_s"]
    assert found["reached"]["cold"]["step_s"] == found["rows"][0]["step_s"]


@pytest.mark.slow
def test_a_cold_start_takes_longer_than_a_warm_one(tmp_path: Path) -> None:
    cold, warm = run("startup", tmp_path, "--tiny")["rows"]
    assert cold["step_s"] > 2 * warm["step_s"]


def test_before_and_after_are_timed_in_turn(tmp_path: Path, monkeypatch) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    monkeypatch.setenv("PCSEG_BACKEND", "torch")
    scan = tmp_path / "scan.bin"
    np.random.default_rng(0).uniform(0, 4, (4000, 4)).astype(np.float32).tofile(scan)
    found = run("before_after", tmp_path, "HEAD", "--tiny", "--scan", scan, "--rounds", "1")
    assert [row["side"] for row in found["rows"]] == ["before", "after"]
    assert all(len(row["seconds"]) == 1 for row in found["rows"])
    assert found["rows"][0]["difference"] < 1e-3


def test_an_engine_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    from _sparse.child import Child, EngineFailed

    with pytest.raises(EngineFailed, match="cannot be loaded"):
        Child("no such engine", "cpu", 1, "float32", None).wait()
    child = Child("gemm", "cpu", 1, "float32", None)
    child.wait()
    with pytest.raises(EngineFailed, match="AssertionError"):
        child.call("prepare", "map3", tmp_path / "none.npy", tmp_path / "r.pt", True, timeout_s=60)
    assert child.call("gemm", [(8, 8)], 0.01, timeout_s=60)[0] > 0
    with pytest.raises(EngineFailed, match="no answer"):
        child.call("gemm", [(512, 512)], 5.0, timeout_s=0.01)
    child.close()


def test_differences_of_maps_and_of_numbers() -> None:
    from _sparse.difference import difference

    numbers = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    assert difference([numbers], [numbers]) == 0
    assert difference([numbers + 0.1], [numbers]) == pytest.approx(0.05)
    assert difference([numbers * math.nan], [numbers]) == math.inf
    assert difference([numbers[:1]], [numbers]) == math.inf
    rows = torch.tensor([[0, 1], [2, 3]])
    assert difference([rows], [rows]) == 0
    assert difference([rows + torch.tensor([[0, 0], [0, 1]])], [rows]) == 1.0


@pytest.mark.parametrize("name", ["unet", "minkunet34", "spvcnn"])
def test_the_networks_of_ours_and_naive_have_the_same_layers(name: str) -> None:
    from _sparse.engines import make_engine
    from _sparse.networks import NETWORKS, convolutions
    from _sparse.weights import fill, gradients, parameters

    from pcseg.sparse import set_backend

    shapes = []
    try:
        for engine_name in ("naive", "numba"):
            engine = make_engine(engine_name, torch.device("cpu"))
            net = engine.network(name, torch.empty(0, 4))
            fill(engine, net)
            weights = [p.detach() for p in parameters(engine, net)]
            shapes.append([w.shape for w in gradients(engine, net, weights)])
    finally:
        set_backend(None)
    assert shapes[0] == shapes[1]
    products = [tuple(shape[1:]) for shape in shapes[0] if len(shape) == 3]
    counted = [(cin, cout) for _, _, cin, cout in convolutions(NETWORKS[name])]
    assert sorted(products) == sorted(counted)


def run(name: str, folder: Path, *options: object) -> dict:
    file = folder / "result.json"
    command = [sys.executable, FOLDER / f"{name}.py", *options, "--json", file]
    done = subprocess.run(
        [*map(str, command)], check=False, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())
    assert {"device", "threads", "versions", "commit", "rows"} <= found.keys()
    return found
