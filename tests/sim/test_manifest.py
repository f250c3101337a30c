"""The manifest: simulated data may be replaced, what lies among it is never deleted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pcseg.errors import ConfigError, DataError
from pcseg.optional import available
from pcseg.sim import simulate

NEEDS = {"waymo": "pyarrow", "pandaset": "pandas"}
OTHERS = {
    "semantickitti": "sequences/01/velodyne/000000.bin",
    "semanticposs": "sequences/00.zip",
    "nuscenes": "samples/LIDAR_TOP/n015-2018-07-24-11-22-45+0800__LIDAR_TOP__1.pcd.bin",
    "waymo": "training/lidar/10017090168044687777_6380_000_6400_000.parquet",
    "pandaset": "pandaset/001/lidar/00.pkl.gz",
    "a2d2": "camera_lidar_semantic/20180807_145028/camera/cam_front_center/a.png",
}
"""Genuine files, where somebody might put them by mistake."""


def run(layout: str, root: Path, columns_step: int, **more: Any) -> int:
    if layout in NEEDS and not available(NEEDS[layout]):
        pytest.skip(f"needs {NEEDS[layout]}")
    tiny = {"sequences": ("00",), "frames": 1, "seed": 3, "image_scale": 0.03}
    cameras = ["front_center"] if layout == "a2d2" else []
    return simulate(
        root, layout=layout, cameras=cameras, columns_step=columns_step, **tiny, **more
    ).written


@pytest.mark.parametrize("layout", OTHERS)
def test_only_what_was_simulated_is_overwritten(layout: str, tmp_path: Path) -> None:
    assert run(layout, tmp_path, 20) == 1
    before = sorted(tmp_path.rglob("*"))
    other = tmp_path / OTHERS[layout]
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(b"genuine")
    with pytest.raises(ConfigError, match="was not simulated here") as refused:
        run(layout, tmp_path, 40, overwrite=True)
    assert str(refused.value).startswith(f"{other}: ")
    assert set(before) <= set(tmp_path.rglob("*"))
    other.unlink()
    other.symlink_to(tmp_path / "simulation.json")
    with pytest.raises(ConfigError, match="was not simulated here"):
        run(layout, tmp_path, 40, overwrite=True)
    other.unlink()
    half = next(p for p in before if p.is_file() and p.parent != tmp_path)
    half.with_name(f".{half.stem}.abcd1234{half.suffix}").write_bytes(b"half")
    assert run(layout, tmp_path, 40, overwrite=True) == 1  # leftovers are the simulator's own
    assert run(layout, tmp_path, 40) == 0


def test_another_layout_does_not_take_what_lies_in_its_place(tmp_path: Path) -> None:
    assert run("nuscenes", tmp_path, 40) == 1
    kept = tmp_path / "sequences/00/velodyne/000000.bin"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"genuine")
    with pytest.raises(ConfigError, match=r"has 'sequences' but no simulation\.json that lists"):
        run("semantickitti", tmp_path, 40, overwrite=True)
    assert (tmp_path / "moments/00/000000.json").is_file() and kept.read_bytes() == b"genuine"


@pytest.mark.parametrize(
    "change", [{"recipe": None}, {"recipe": {}}, {"sequences": "00"}, {"sequences": [0]}]
)
def test_damaged_manifests(tmp_path: Path, change: dict[str, Any]) -> None:
    sound = {"label": "simulated", "recipe": {"layout": "semantickitti"}, "sequences": ["00"]}
    (tmp_path / "simulation.json").write_text(json.dumps(sound | change))
    with pytest.raises(DataError, match=r"simulation\.json: 'recipe' or 'sequences'.*another"):
        run("semantickitti", tmp_path, 40)
