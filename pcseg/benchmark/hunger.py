"""How hungry a network is: the training frames of a source by amount, sequences and distance.

After "Are we hungry for 3D LiDAR data for semantic segmentation?" (arXiv 2006.04307): the frames of
one drive are near-duplicates, so that amount is not diversity. All choices are pure functions of
the frames and their poses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pcseg.benchmark.plan import Plan
from pcseg.data.dataset import FrameId, ScanDataset
from pcseg.errors import ConfigError

FULL = "full"
"""The variant that trains on all frames of a source."""


def variants(plan: Plan) -> list[tuple[str, dict[str, Any] | None]]:
    """Name and choice of each way to train; one, with all frames, for plans of the kind ``dg``."""
    if plan.kind != "hunger" or plan.hunger is None:
        return [(FULL, None)]
    asked = plan.hunger
    found: list[tuple[str, dict[str, Any] | None]] = []
    for amount in asked.amounts:
        name = FULL if amount == 1 else f"amount {amount:g}"
        found.append((name, {"amount": amount, "share": amount} if amount < 1 else None))
    share = {"frames": asked.frames, "share": 1.0}
    found += [(f"sequences {n}", {**share, "sequences": n}) for n in asked.sequences]
    found += [(f"spacing {d:g} m", {**share, "spacing_m": d}) for d in asked.spacing_m]
    return found


def choose_for_hunger(dataset: ScanDataset, choice: Mapping[str, Any]) -> list[int]:
    """Rows of the frames of one variant, in order.

    Raises:
        ConfigError: if there are not as many frames as asked for.
    """
    if "amount" in choice:
        return evenly(len(dataset), max(1, round(choice["amount"] * len(dataset))))
    if "sequences" in choice:
        rows = of_sequences(dataset.frames, choice["sequences"])
    else:
        rows = spaced(dataset, choice["spacing_m"])
    if len(rows) < choice["frames"]:
        raise ConfigError(
            f"hunger: {choice['frames']} frames are asked for, but {dict(choice)} leaves "
            f"{len(rows)} of {len(dataset)}. Lower 'frames' or the spacing, or name more sequences."
        )
    if "sequences" in choice:
        return [rows[i] for i in evenly(len(rows), choice["frames"])]
    return rows[: choice["frames"]]


def evenly(count: int, wanted: int) -> list[int]:
    """`wanted` of `count` places, spread evenly; smaller choices are not parts of larger ones."""
    return [int((2 * i + 1) * count / (2 * wanted)) for i in range(wanted)]


def of_sequences(frames: Sequence[FrameId], wanted: int) -> list[int]:
    """All frames of `wanted` sequences, which are spread evenly over those there are.

    Raises:
        ConfigError: if there are fewer sequences.
    """
    there = list(dict.fromkeys(frame.sequence for frame in frames))
    if wanted > len(there):
        raise ConfigError(f"hunger: {wanted} sequences are asked for, there are {len(there)}.")
    kept = {there[i] for i in evenly(len(there), wanted)}
    return [row for row, frame in enumerate(frames) if frame.sequence in kept]


def spaced(dataset: ScanDataset, metres: float) -> list[int]:
    """Frames at least so far from the last one kept of their sequence.

    Raises:
        ConfigError: if a scan has no pose.
    """
    rows: list[int] = []
    sequence, last = None, np.zeros(3)
    for row, frame in enumerate(dataset.frames):
        scan = dataset[row]
        if scan.pose is None:
            raise ConfigError(f"hunger: {scan.name} has no pose, so that distances are unknown.")
        here = scan.pose[:3, 3]
        if frame.sequence != sequence or np.linalg.norm(here - last) >= metres:
            sequence, last = frame.sequence, here
            rows.append(row)
    return rows
