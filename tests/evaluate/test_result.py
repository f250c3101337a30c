"""Results: the JSON that others read, and the table that people read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pcseg.data import Prediction, Scan, label_set
from pcseg.errors import DataError
from pcseg.evaluate import Evaluation, Result, protocol
from pcseg.evaluate.table import bar, percent

SK19 = label_set("semantic_kitti/sk19")
META = {"dataset": "semantickitti", "split": "val", "seed": np.int64(3), "checkpoint": Path("a.pt")}


@pytest.fixture
def result(rng) -> Result:
    evaluation = Evaluation(SK19)
    for frame in range(3):
        raw = rng.choice([0, 10, 252, 40, 48, 50, 70], 500)
        labels = SK19.encode(raw)
        scan = Scan(rng.normal(0, 20, (500, 3)).astype(np.float32), labels=labels, raw_labels=raw)
        pred = np.where(rng.random(500) < 0.7, labels, rng.integers(0, 10, 500))
        scan = scan.replace(meta={"sequence": "08", "frame": frame})
        evaluation.add(scan, Prediction(pred, rng.random(500).astype(np.float32)))
    return evaluation.result(META)


def shown(result: Result) -> str:
    out = io.StringIO()
    Console(file=out, width=140, color_system=None).print(result.table())
    return out.getvalue()


def test_json_has_the_promised_keys_and_survives_a_round_trip(result, tmp_path) -> None:
    result.save(tmp_path / "eval.json")
    data = json.loads((tmp_path / "eval.json").read_text())
    assert 0 < data["miou"] < 1
    assert data["miou"] == pytest.approx(result.confusion.miou())
    assert list(data["classes"]) == list(SK19.names)
    assert set(data["classes"]["car"]) == {"iou", "points"}
    assert data["classes"]["bicycle"] == {"iou": None, "points": 0}
    assert "bicycle" in data["absent"]
    assert sum(row["points"] for row in data["classes"].values()) == data["scored_points"]
    assert data["points"] == 1500
    assert data["scans"] == 3
    assert data["seed"] == 3
    assert data["meta"]["checkpoint"] == "a.pt"
    assert data["label_set"] == {"name": "semantic_kitti/sk19", "hash": SK19.hash}
    assert data["protocol"]["name"] == "sk19/v1"
    assert data["protocol"]["line"].startswith("semantickitti val | per point | full resolution")
    assert {"pcseg", "torch", "numpy"} <= set(data["versions"])
    assert data["simulated"] is False
    assert data["interval"]["low"] < data["miou"] < data["interval"]["high"]
    assert np.shape(data["confusion"]["counts"]) == (20, 20)
    assert np.sum(data["confusion"]["counts"]) == 1500

    loaded = Result.load(tmp_path / "eval.json")
    assert loaded.to_dict() == data
    assert shown(loaded) == shown(result)


def test_the_same_predictions_under_other_rules(result) -> None:
    official = result.under(protocol("semantickitti-official/1"))
    present = result.scores.present.sum()
    assert official.miou == pytest.approx(result.miou * present / 19)
    stored = result.to_dict()["miou_under_other_rules"]
    assert stored["semantickitti-official/1"] == official.miou
    assert "lidog/1" not in stored


def test_the_table_opens_with_the_protocol_and_dashes_absent_classes(result) -> None:
    text = shown(result)
    lines = text.splitlines()
    assert lines[0].startswith(
        "semantickitti val | per point | full resolution | TTA none | seed 3"
    )
    assert lines[1].startswith(f"mIoU {100 * result.miou:.1f} (95 % interval ")
    row = next(line for line in lines if line.startswith("bicycle "))
    assert row.split() == ["bicycle", "–", "0"]
    car = next(line for line in lines if line.startswith("car "))
    assert f"{100 * result.scores.iou[0]:.1f}" in car
    assert "█" in car
    assert any(line.startswith("10-20 m") for line in lines)
    assert any(line.startswith("moving") for line in lines)
    assert "absent from the truth and not in the mean: bicycle, motorcycle" in text
    assert "3 scans, 1,500 points" in text


def test_class_names_are_not_read_as_markup(result) -> None:
    odd = Result(**{**vars(result), "names": ("[red]car[/x]", *SK19.names[1:])})
    assert "[red]car[/x]" in shown(odd)


def test_bars_and_percentages() -> None:
    assert bar(1, 4) == "████"
    assert bar(0.5, 4) == "██"
    assert bar(1 / 32, 4) == "▏"
    assert bar(None) == bar(float("nan")) == bar(0) == ""
    assert percent(0.4567) == "45.7"
    assert percent(float("nan")) == percent(None) == "–"


def test_a_file_that_is_no_result_is_refused(tmp_path) -> None:
    for text in ('{"miou": 0.5}', "[]", '{"classes": 3, "confusion": {"counts": []}}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(DataError, match=r"bad\.json: not a result of pcseg eval"):
            Result.load(tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text('{"miou": ')
    with pytest.raises(DataError, match=r"bad\.json: not valid JSON"):
        Result.load(tmp_path / "bad.json")


def test_saving_replaces_nothing_if_it_fails(result, tmp_path) -> None:
    target = tmp_path / "eval.json"
    target.write_text("before")
    broken = Result(**{**vars(result), "miou_per_scan": float("inf")})
    with pytest.raises(ValueError, match="JSON"):
        broken.save(target)
    assert target.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["eval.json"]
