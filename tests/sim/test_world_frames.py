"""PandaSet and A2D2 through `simulate`: same bytes by any way, resumed after files are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pcseg.data import open_dataset
from pcseg.sim import simulate

SETTINGS = {
    "pandaset": {"columns_step": 30, "rows_step": 4, "cameras": ["back_camera"]},
    "a2d2": {"columns_step": 8, "cameras": ["front_center"]},
}
GONE = {
    "pandaset": ["000/lidar/00.pkl.gz", "000/lidar/poses.json", "000/meta/gps.json"],
    "a2d2": ["class_list.json", "20180101_000000/label/cam_front_center/*0000.png"],
}


def contents(root: Path) -> dict[str, bytes]:
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


@pytest.mark.parametrize("layout", SETTINGS)
def test_resumed_with_the_same_bytes(layout: str, tmp_path: Path) -> None:
    pytest.importorskip("pandas")

    def run(root: Path, frames: int = 2) -> int:
        made = simulate(
            root, layout=layout, sequences=("00",), frames=frames, seed=3, image_scale=0.1,
            **SETTINGS[layout],
        )  # fmt: skip
        return made.written

    assert run(tmp_path) == 2
    before = contents(tmp_path)
    data = open_dataset(layout, tmp_path, "all", cameras=["all"])
    assert data[1].meta["simulated"] and data[1].images
    for pattern in GONE[layout]:
        path = next(p for p in sorted(tmp_path.rglob("*")) if p.match(f"*/{pattern}"))
        path.unlink()
    leftover = path.with_name(f".{path.stem}.abcdefgh{path.suffix}")
    leftover.write_bytes(b"half")
    assert run(tmp_path) == 1  # one of the two frames had lost a file
    assert contents(tmp_path) == before
    for path in tmp_path.rglob("poses.json"):
        path.write_bytes(b"[\xff")
    assert run(tmp_path) == 0  # all frames are there
    assert contents(tmp_path) == before
