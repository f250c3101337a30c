"""Tiny datasets in exact SemanticKITTI bytes, and a cache folder for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scan_samples import TR, make_frame


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PCSEG_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def write_sequence(tmp_path: Path) -> Callable[..., Path]:
    """Write one sequence under tmp_path/dataset/sequences and give its folder."""

    def write(
        sequence: str = "00",
        sizes: tuple[int, ...] = (5, 7, 6),
        raw: tuple[int, ...] = (10, 40, 252, 0, 70),
        labels: bool = True,
        sides: bool = True,
    ) -> Path:
        folder = tmp_path / "dataset" / "sequences" / sequence
        for name in ("velodyne", "labels"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for frame, size in enumerate(sizes):
            cloud, packed = make_frame(frame, size, raw)
            cloud.astype("<f4").tofile(folder / "velodyne" / f"{frame:06d}.bin")
            if labels:
                packed.tofile(folder / "labels" / f"{frame:06d}.label")
        if sides:
            (folder / "calib.txt").write_text("".join(f"P{i}: {TR}\n" for i in range(4)))
            with (folder / "calib.txt").open("a") as file:
                file.write(f"Tr: {TR}\n")
            rows = [f"1 0 0 {i}.5 0 1 0 0 0 0 1 {2 * i}" for i in range(len(sizes))]
            (folder / "poses.txt").write_text("\n".join(rows) + "\n")
            (folder / "times.txt").write_text("".join(f"{i * 0.1:e}\n" for i in range(len(sizes))))
        return folder

    return write
