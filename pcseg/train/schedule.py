"""Optimiser and learning rate; the rate is a pure function of the update, so resuming is exact."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

from pcseg.config import OptimConfig


def build_optimizer(
    named: Iterable[tuple[str, torch.nn.Parameter]], config: OptimConfig
) -> torch.optim.Optimizer:
    """AdamW or SGD. Biases and normalisation weights (1-D) are not decayed."""
    decayed: list[torch.nn.Parameter] = []
    plain: list[torch.nn.Parameter] = []
    for _, parameter in named:
        if parameter.requires_grad:
            (decayed if parameter.ndim > 1 else plain).append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    if config.name == "adamw":
        return torch.optim.AdamW(groups, lr=config.lr)
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=True)


def learning_rate(config: OptimConfig, update: int, total: int) -> float:
    """The learning rate of an update.

    One-cycle: half a cosine up to the peak from a 25th of it, then half a cosine down to almost
    nothing (Smith & Topin 2018, with the usual cosine shape). Cosine: linear rise, half a cosine
    down to zero. Constant: linear rise, then the peak.

    Args:
        config: peak rate, share of warm-up, shape.
        update: 0-based index of the update.
        total: number of updates of the whole run.
    """
    rise = max(1.0, config.warmup * total)
    if update < rise and config.warmup > 0:
        done = (update + 1) / rise
        if config.schedule == "one_cycle":
            return config.lr * _between(1 / 25, 1.0, min(1.0, done))
        return config.lr * min(1.0, done)
    left = (update - rise) / max(1.0, total - rise)
    if config.schedule == "constant":
        return config.lr
    floor = 1e-4 if config.schedule == "one_cycle" else 0.0
    return config.lr * _between(1.0, floor, min(1.0, max(0.0, left)))


def _between(start: float, end: float, done: float) -> float:
    """Half a cosine from `start` (done = 0) to `end` (done = 1)."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * done))
