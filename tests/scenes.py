"""Tiny worlds for tests, written in SemanticKITTI's layout: ground, boxes and poles with labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

ROAD, CAR, BUILDING, POLE, VEGETATION = 40, 10, 50, 80, 70
"""Raw ids of SemanticKITTI."""


def street(rng: np.random.Generator, points: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    """(N, 4) float32 x y z intensity and (N,) uint32 labels of a random little street."""
    n = points // 5
    ground = np.column_stack([rng.uniform(-15, 15, (2 * n, 2)), rng.normal(-1.7, 0.02, 2 * n)])
    parts, labels = [ground], [np.full(2 * n, ROAD)]
    for raw, size, height, count in (
        (CAR, 1.8, 1.5, 3),
        (BUILDING, 5.0, 6.0, 2),
        (POLE, 0.1, 4.0, 4),
        (VEGETATION, 1.5, 2.5, 3),
    ):
        for i in range(count):
            m = n // count
            centre = rng.uniform(-13, 13, 2)
            box = rng.uniform([-size, -size, -1.7], [size, size, -1.7 + height], (m, 3))
            parts.append(box + np.array([*centre, 0.0]))
            labels.append(np.full(m, raw | (i + 1) << 16))
    xyz = np.concatenate(parts)
    intensity = rng.uniform(0, 1, len(xyz))
    return np.column_stack([xyz, intensity]).astype("<f4"), np.concatenate(labels).astype("<u4")


def write_kitti(root: Path, frames: dict[str, int], points: int = 1500, seed: int = 0) -> Path:
    """Write sequences {name: number of frames} with labels, calib, poses and times."""
    for sequence, count in frames.items():
        folder = root / "sequences" / sequence
        for name in ("velodyne", "labels"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            cloud, labels = street(np.random.default_rng([seed, int(sequence), i]), points)
            cloud.tofile(folder / "velodyne" / f"{i:06d}.bin")
            labels.tofile(folder / "labels" / f"{i:06d}.label")
        identity = "1 0 0 0 0 1 0 0 0 0 1 0"
        names = ("P0", "P1", "P2", "P3", "Tr")
        (folder / "calib.txt").write_text("".join(f"{k}: {identity}\n" for k in names))
        (folder / "poses.txt").write_text(
            "".join(f"1 0 0 {i} 0 1 0 0 0 0 1 0\n" for i in range(count))
        )
        (folder / "times.txt").write_text("".join(f"{0.1 * i}\n" for i in range(count)))
    return root
