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

SHARED = 227 * 1024
"""Bytes of shared memory: an H100."""

SHAPE = Shape("masked", 27, 64, 64, "float16", 17)
SHAPES = [
    Shape(op, volume, cin, cout, dtype, rows)
    for op, volume in (("masked", 27), ("grouped", 8), ("weight", 27))
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
    monkeypatch.setattr(tuning, "shared_limit", lambda device: SHARED)
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


@pytest.mark.parametrize("kib", [64, 99, 163, 227])
def test_every_shape_has_few_candidates_that_fit_the_device(kib):
    for shape in SHAPES:
        found = configs.candidates(shape, kib * 1024)
        assert 1 <= len(found) <= 12
        assert found[0] == configs.a_priori(shape, kib * 1024)
        assert len(set(found)) == len(found)
        for config in found:
            assert config.shared_bytes(shape.itemsize) <= kib * 1024
            assert config == configs.parse(vars(config), shape.op) == config.fitted(shape)
            assert config.tile[0] >= configs.SMALLEST_TILE or shape.op == "weight"
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
    for op in ("masked", "grouped", "weight"):
        with pytest.raises(ValueError):
            configs.parse(entry, op)


def test_a_device_with_little_shared_memory_gets_smaller_tiles():
    half = Shape("masked", 27, 256, 256, "float16", 17)
    assert configs.a_priori(half, SHARED).tile == (128, 128, 64)
    assert configs.a_priori(half, 64 * 1024) == Config((64, 64, 32), 4, 2)
    assert tuning.shared_limit(torch.device("cpu")) == configs.LEAST_SHARED


def test_the_shared_memory_is_that_of_the_device(monkeypatch):
    known = [types.SimpleNamespace(shared_memory_per_block_optin=SHARED), types.SimpleNamespace()]
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: known[device.index])
    limits = [tuning.shared_limit.__wrapped__(torch.device("cuda", index)) for index in (0, 1)]
    assert limits == [SHARED, configs.LEAST_SHARED]


def test_a_tile_of_a_product_with_too_few_rows_is_refused_with_its_file(tuned, caplog):
    entry = {"tile": [16, 64, 32], "warps": 4, "stages": 3}
    weight = Shape("weight", 27, 64, 64, "float16", 17)
    assert configs.parse_table({weight.name: entry})[weight.name].tile == (16, 64, 32)
    path = tuning.table_path(CUDA)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({SHAPE.name: entry}))
    assert choose() == configs.a_priori(SHAPE, SHARED)
    assert str(path) in caplog.text and "16 rows" in caplog.text


def test_the_table_of_a_device_is_looked_up_once(tuned, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(tuning, "_device_name", lambda device: asked.append(device) or "Some GPU")
    for _ in range(3):
        choose()
    assert len(asked) == 2  # for the user's file and for what is shipped
    first = tuning.table_path(CUDA)
    monkeypatch.setenv("PCSEG_CACHE", str(tmp_path / "other"))
    assert tuning.table_path(CUDA) == tmp_path / "other" / "triton" / first.name


def test_nothing_is_timed_unless_asked(tuned, tmp_path):
    assert choose() == configs.a_priori(SHAPE, SHARED)
    assert not tuned and not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("way", ["block", "environment"])
def test_the_best_is_found_once_and_kept(tuned, tmp_path, monkeypatch, way):
    if way == "environment":
        monkeypatch.setenv("PCSEG_TUNE", "1")
    with tuning.tune() if way == "block" else contextlib.nullcontext():
        best = choose()
        assert len(tuned) == len(configs.candidates(SHAPE, SHARED))
        assert best.tile[0] == 64 and best.warps == 4
        assert choose() == best
        assert len(tuned) == len(configs.candidates(SHAPE, SHARED))
    monkeypatch.delenv("PCSEG_TUNE", raising=False)

    (path,) = tmp_path.rglob("*.json")
    assert path.name == "Some-GPU-2-triton-9.9.json"
    entry = json.loads(path.read_text())[SHAPE.name]
    assert entry["measured"] is True and entry["ms"] == best.stages
    monkeypatch.setattr(tuning, "_tables", {})  # as in the next run
    assert choose() == best


def test_runs_side_by_side_add_to_one_file(tuned, monkeypatch):
    other = Shape("weight", 27, 32, 32, "tf32", 12)
    with tuning.tune():
        first = choose()
        known = tuning._tables
        monkeypatch.setattr(tuning, "_tables", {})
        second = choose(other)
        monkeypatch.setattr(tuning, "_tables", known)
        choose(Shape("grouped", 8, 8, 8, "float16", 5))
    monkeypatch.setattr(tuning, "_tables", {})
    assert (choose(), choose(other)) == (first, second)


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {"tile": [1, 2, 3]}}'])
def test_a_damaged_file_costs_only_its_entries(tuned, text, caplog):
    path = tuning.table_path(CUDA)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert choose() == configs.a_priori(SHAPE, SHARED)
    assert "cannot be read" in caplog.text
    with tuning.tune():
        best = choose()
    assert SHAPE.name in json.loads(path.read_text())
    assert isinstance(best, Config)


def test_nothing_is_timed_in_a_distributed_run_or_on_a_cpu(tuned, tmp_path):
    with tuning.tune():
        assert choose(device=torch.device("cpu")) == configs.a_priori(SHAPE, SHARED)
        store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
        torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
        try:
            assert choose() == configs.a_priori(SHAPE, SHARED)
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
