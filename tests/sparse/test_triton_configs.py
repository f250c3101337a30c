"""Configs and tuning: what is shipped says what it is, what is measured is kept; no GPU needed."""

from __future__ import annotations

import contextlib
import json
import sys
import types

import pytest
import torch

from pcseg.sparse.backends.triton import configs, tuning
from pcseg.sparse.backends.triton.configs import Config, Shape

SHAPE = Shape("product", 64, 64, "float16", 17)
SHAPES = [
    Shape(op, cin, cout, dtype, rows)
    for op in ("product", "weight")
    for cin, cout in ((4, 32), (48, 96), (256, 256), (19, 1))
    for dtype in ("float16", "bfloat16", "float32", "tf32")
    for rows in (0, 9, 13, 17, 22)
]


@pytest.fixture
def tuned(monkeypatch, tmp_path):
    """Tuning on a device that does not exist, timed by a table; gives the calls of the timer."""
    monkeypatch.setenv("PCSEG_CACHE", str(tmp_path))
    monkeypatch.delenv("PCSEG_TUNE", raising=False)
    monkeypatch.setattr(tuning, "_tables", {})
    monkeypatch.setattr(tuning, "_device_name", lambda device: "Some GPU/2")
    monkeypatch.setitem(sys.modules, "triton", types.SimpleNamespace(__version__="9.9"))
    calls = []

    def time_ms(run, config, device):
        run(config)
        calls.append(config)
        return None if config.warps == 8 else abs(config.tile[0] - 64) + config.stages

    monkeypatch.setattr(tuning, "_time_ms", time_ms)
    return calls


CUDA = torch.device("cuda")


def choose(shape=SHAPE, device=CUDA):
    return tuning.choose(shape, device, lambda config: None)


def test_every_shape_has_a_rule_and_few_candidates_that_fit():
    for shape in SHAPES:
        found = configs.candidates(shape)
        assert 1 <= len(found) <= 12
        assert found[0] == configs.a_priori(shape)
        assert len(set(found)) == len(found)
        for config in found:
            assert config.shared_bytes(shape.itemsize) <= configs.SHARED_LIMIT
            assert config == configs.parse(vars(config)) == config.fitted(shape)
            assert config.tile[0] >= 32 or shape.op == "weight"
            assert config.tile[1] < 2 * max(shape.cout, 16)


def test_the_shipped_table_claims_nothing_that_was_not_measured():
    table = json.loads(configs._SHIPPED.read_text())
    for rule in table["rules"]:
        assert rule["measured"] is False
        assert rule["why"]
    for entries in table["devices"].values():
        assert all(entry["measured"] is True and entry["ms"] > 0 for entry in entries.values())


@pytest.mark.parametrize(
    "entry",
    [
        {"tile": [64, 48, 32], "warps": 4, "stages": 3},
        {"tile": [64, 64, 8], "warps": 4, "stages": 3},
        {"tile": [64, 64, 32], "warps": 3, "stages": 3},
        {"tile": [64, 64, 32], "warps": 4, "stages": 0},
        {"tile": [64, 64], "warps": 4, "stages": 3},
    ],
)
def test_a_config_that_cannot_be_compiled_is_refused(entry):
    with pytest.raises(ValueError):
        configs.parse(entry)


def test_nothing_is_timed_unless_asked(tuned, tmp_path):
    assert choose() == configs.a_priori(SHAPE)
    assert not tuned and not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("way", ["block", "environment"])
def test_the_best_is_found_once_and_kept(tuned, tmp_path, monkeypatch, way):
    if way == "environment":
        monkeypatch.setenv("PCSEG_TUNE", "1")
    with tuning.tune() if way == "block" else contextlib.nullcontext():
        best = choose()
        assert len(tuned) == len(configs.candidates(SHAPE))
        assert best.tile[0] == 64 and best.warps == 4
        assert choose() == best
        assert len(tuned) == len(configs.candidates(SHAPE))
    monkeypatch.delenv("PCSEG_TUNE", raising=False)

    (path,) = tmp_path.rglob("*.json")
    assert path.name == "Some-GPU-2-triton-9.9.json"
    entry = json.loads(path.read_text())[SHAPE.name]
    assert entry["measured"] is True and entry["ms"] == best.stages
    monkeypatch.setattr(tuning, "_tables", {})  # as in the next run
    assert choose() == best


def test_runs_side_by_side_add_to_one_file(tuned, monkeypatch):
    other = Shape("weight", 32, 32, "tf32", 12)
    with tuning.tune():
        first = choose()
        known = tuning._tables
        monkeypatch.setattr(tuning, "_tables", {})
        second = choose(other)
        monkeypatch.setattr(tuning, "_tables", known)
        choose(Shape("product", 8, 8, "float16", 5))
    monkeypatch.setattr(tuning, "_tables", {})
    assert (choose(), choose(other)) == (first, second)


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {"tile": [1, 2, 3]}}'])
def test_a_damaged_file_costs_only_its_entries(tuned, text, caplog):
    path = tuning.table_path(CUDA)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert choose() == configs.a_priori(SHAPE)
    assert "cannot be read" in caplog.text
    with tuning.tune():
        best = choose()
    assert SHAPE.name in json.loads(path.read_text())
    assert isinstance(best, Config)


def test_nothing_is_timed_in_a_distributed_run_or_on_a_cpu(tuned, tmp_path):
    with tuning.tune():
        assert choose(device=torch.device("cpu")) == configs.a_priori(SHAPE)
        store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
        torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
        try:
            assert choose() == configs.a_priori(SHAPE)
        finally:
            torch.distributed.destroy_process_group()
        assert not tuned
        choose()
    assert tuned


def test_a_measured_entry_that_we_ship_goes_before_the_rules(tuned, monkeypatch):
    entry = {"tile": [32, 32, 16], "warps": 2, "stages": 2, "measured": True, "ms": 1.0}
    shipped = configs._shipped()
    devices = {"Some GPU/2": {SHAPE.name: entry}}
    monkeypatch.setattr(configs, "_shipped", lambda: {**shipped, "devices": devices})
    assert choose() == Config((32, 32, 16), 2, 2)
