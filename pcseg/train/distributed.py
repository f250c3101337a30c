"""Processes and devices: what one process of a training must agree on with the others."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric import Fabric

from pcseg.config import Config
from pcseg.errors import ConfigError


def make_fabric(config: Config) -> Fabric:
    """Devices, processes and precision from the configuration and the launcher.

    Started by ``torchrun`` every process takes part, over nccl on GPUs and gloo on CPUs. On Slurm,
    start torchrun on each node.

    Raises:
        ConfigError: for a device that is not there, or fp16 on a CPU.
    """
    device = config.train.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device not in ("cpu", "cuda"):
        raise ConfigError(f"train.device = '{device}': give auto, cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("train.device = 'cuda': no CUDA device is visible. Use train.device=cpu.")
    if device == "cpu" and config.train.precision == "16":
        raise ConfigError("train.precision = '16' needs a GPU; on a CPU use '32' or 'bf16'.")
    if int(os.environ.get("SLURM_NTASKS", 1)) > 1 and "WORLD_SIZE" not in os.environ:
        raise ConfigError(
            "several Slurm tasks were started without torchrun; each would train by itself. "
            "Use one task a node: srun --ntasks-per-node 1 torchrun --nnodes … -m pcseg train …"
        )
    local = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    world = int(os.environ.get("WORLD_SIZE", 1))
    precision = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}[config.train.precision]
    fabric = Fabric(
        accelerator=device,
        devices=local,
        num_nodes=max(1, world // local),
        strategy="ddp" if world > 1 else "auto",
        precision=precision,  # type: ignore[arg-type]
    )
    fabric.launch()
    return fabric


def mean_over_processes(losses: dict[str, torch.Tensor], fabric: Fabric) -> dict[str, float]:
    """The mean of each loss over all processes, as numbers."""
    stacked = torch.stack([value.float() for value in losses.values()])
    mean = fabric.all_reduce(stacked, reduce_op="mean")
    return dict(zip(losses, mean.tolist(), strict=True))  # type: ignore[union-attr]


def any_process(flag: Callable[[], bool], fabric: Fabric) -> bool:
    """Whether the flag is up in any process, so that all stop at the same update."""
    if fabric.world_size == 1:
        return bool(flag())
    up = torch.tensor(float(flag()), device=fabric.device)
    return bool(fabric.all_reduce(up, reduce_op="sum") > 0)  # type: ignore[operator]


def gather(value: Any, world: int) -> list[Any]:
    """The value of every process, in order of rank."""
    if world == 1:
        return [value]
    values: list[Any] = [None] * world
    dist.all_gather_object(values, value)
    return values


def random_state() -> dict[str, Any]:
    """The states of torch's generators in this process."""
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def restore_random(states: list[dict[str, Any]], rank: int) -> None:
    """Set this process's generators as they were."""
    if rank >= len(states):  # more processes than before: the new ones keep their seed
        return
    torch.set_rng_state(states[rank]["cpu"])
    if states[rank]["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(states[rank]["cuda"])


def scaler_state(fabric: Fabric) -> dict[str, Any]:
    """The state of the fp16 gradient scaler, empty without one."""
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    return {} if scaler is None else dict(scaler.state_dict())


def restore_scaler(fabric: Fabric, state: dict[str, Any]) -> None:
    """Set the fp16 gradient scaler as it was."""
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    if scaler is not None and state:
        scaler.load_state_dict(state)


def on_device(
    weights: dict[str, torch.Tensor] | None, device: torch.device
) -> dict[str, torch.Tensor] | None:
    """The weights on a device."""
    if weights is None:
        return None
    return {key: value.to(device) for key, value in weights.items()}


def same_in_all_processes(weights: dict[str, torch.Tensor], fabric: Fabric) -> None:
    """Give every process the first one's weights and statistics, in place.

    Each process keeps batch statistics of its own; what is scored must be what is saved.
    """
    if fabric.world_size > 1:
        for value in weights.values():
            dist.broadcast(value, 0)


def end_processes() -> None:
    """Leave the group of processes, if this process is in one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
