"""Motion: whether the poses and times of a sequence can be those of one drive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from pcseg.data.dataset import FileDataset
from pcseg.data_prep.facts import ScanFacts

RIGID = 1e-2
"""How far R·Rᵀ may be from the identity: poses are printed with few digits."""
FASTEST_MPS = 70.0
JUMP_M = 5.0
JUMP_FACTOR = 10.0
TURN_RAD = np.radians(60)
_TRIED = 8
_POINTS = 3000
_NEAR_M, _FAR_M = 2.0, 12.0
_GROUND_M = 0.7
_CLEARLY = 1.1

Judgement = tuple[str, str, str]
"""Where, level and what."""


def judge_motion(name: str, scans: Sequence[ScanFacts]) -> Iterator[Judgement]:
    """Judge one sequence.

    Args:
        name: of the sequence.
        scans: in order.

    Yields:
        (where, level, what) of everything suspicious.
    """
    times = [facts.time for facts in scans]
    for a, b in pairwise(scans):
        if a.time is not None and b.time is not None and b.time <= a.time:
            yield str(b.frame), "warning", f"its time {b.time:g} s is not after {a.time:g} s."
    posed = [facts for facts in scans if facts.pose is not None]
    if len(posed) < len(scans):
        if posed:
            yield name, "warning", f"{len(scans) - len(posed)} of {len(scans)} scans have no pose."
        return
    broken = False
    for facts in posed:
        wrong = _not_rigid(facts.pose)
        if wrong:
            broken = True
            yield str(facts.frame), "error", f"its pose is not a rigid motion: {wrong}."
    if broken or len(posed) < 2:
        return
    yield from _jumps(posed, None not in times)


def judge_overlap(
    name: str, scans: Sequence[ScanFacts], dataset: FileDataset
) -> Iterator[Judgement]:
    """Do the poses lay neighbouring scans over each other better than no motion at all would?

    A wrong convention (camera poses taken for LiDAR poses, inverted ones) passes every other test.
    A few pairs of scans are read again.
    """
    pairs = list(_pairs(scans))
    tried = pairs[:: max(1, len(pairs) // _TRIED)][:_TRIED]
    worse = sum(_poses_hurt(dataset, a, b) for a, b in tried)
    if len(tried) >= 2 and worse > len(tried) / 2:
        yield (
            name,
            "warning",
            f"in {worse} of {len(tried)} pairs tried its poses lay scans over each other worse "
            "than no motion at all: are they sensor -> world?",
        )


def _poses_hurt(dataset: FileDataset, a: ScanFacts, b: ScanFacts) -> bool:
    from scipy.spatial import cKDTree

    assert a.pose is not None and b.pose is not None
    first, second = (_standing(dataset[dataset.index_of(f.frame)].xyz) for f in (a, b))
    if not len(first) or not len(second):
        return False
    some = first[np.random.default_rng(0).permutation(len(first))[:_POINTS]]
    between = np.linalg.inv(b.pose) @ a.pose
    tree = cKDTree(second)
    with_poses = tree.query(some @ between[:3, :3].T + between[:3, 3])[0]
    return bool(np.median(with_poses) > _CLEARLY * np.median(tree.query(some)[0]))


def _standing(xyz: np.ndarray) -> np.ndarray:
    """Points above the ground: the rings on it look the same wherever the sensor goes."""
    if not len(xyz):
        return xyz
    return xyz[xyz[:, 2] > np.percentile(xyz[:, 2], 10) + _GROUND_M]


def _pairs(scans: Sequence[ScanFacts]) -> Iterator[tuple[ScanFacts, ScanFacts]]:
    """Scans far enough from each other to tell, near enough to see the same."""
    first = 0
    for second in range(1, len(scans)):
        step = _step(scans[first], scans[second])
        if _NEAR_M < step < _FAR_M:
            yield scans[first], scans[second]
        if step > _NEAR_M:
            first = second


def _not_rigid(pose: np.ndarray | None) -> str:
    assert pose is not None
    if not np.isfinite(pose).all():
        return "it has NaN or infinite numbers"
    off = float(np.abs(pose[:3, :3] @ pose[:3, :3].T - np.eye(3)).max())
    if off > RIGID:
        return f"R·Rᵀ is {off:.2g} away from the identity"
    if np.linalg.det(pose[:3, :3]) < 0:
        return "it mirrors"
    return ""


def _jumps(scans: Sequence[ScanFacts], timed: bool) -> Iterator[Judgement]:
    poses = np.stack([facts.pose for facts in scans])
    steps = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
    turns = [_angle(a[:3, :3].T @ b[:3, :3]) for a, b in pairwise(poses)]
    usual = float(np.median(steps))
    for facts, before, step, turn in zip(scans[1:], scans, steps, turns, strict=False):
        seconds = (facts.time or 0.0) - (before.time or 0.0) if timed else 0.0
        if seconds > 0 and step > FASTEST_MPS * seconds:
            what = f"{step:.1f} m from the scan before, in {seconds:.2f} s."
            yield str(facts.frame), "warning", f"its pose jumps: {what}"
        elif step > max(JUMP_M, JUMP_FACTOR * usual):
            what = f"{step:.1f} m from the scan before, usual are {usual:.1f} m."
            yield str(facts.frame), "warning", f"its pose jumps: {what}"
        elif turn > TURN_RAD:
            what = f"by {np.degrees(turn):.0f} degrees from the scan before."
            yield str(facts.frame), "warning", f"its pose turns {what}"


def _step(a: ScanFacts, b: ScanFacts) -> float:
    if a.pose is None or b.pose is None:
        return 0.0
    return float(np.linalg.norm(a.pose[:3, 3] - b.pose[:3, 3]))


def _angle(rotation: np.ndarray) -> float:
    return float(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))
