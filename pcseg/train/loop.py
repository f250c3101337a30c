"""The training loop: flat, and restartable at every update."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from rich.console import Console

from pcseg.config import Config
from pcseg.data.dataset import ScanDataset
from pcseg.errors import ConfigError, Interrupted, PcsegError
from pcseg.evaluate import Evaluation, Result
from pcseg.evaluate.run import evaluate, protocol_of, share_of
from pcseg.train.checkpoint import BEST, LAST, Checkpoint
from pcseg.train.distributed import (
    any_process,
    gather,
    mean_over_processes,
    on_device,
    random_state,
    restore_random,
    restore_scaler,
    same_in_all_processes,
    scaler_state,
)
from pcseg.train.protocols import Method
from pcseg.train.report import Report, progress_bar, trim_log
from pcseg.train.schedule import build_optimizer, learning_rate
from pcseg.train.stop import stop_signals
from pcseg.train.stream import Stream


def train(
    config: Config,
    method: Method,
    train_set: ScanDataset,
    val_set: ScanDataset | None,
    out: Path,
    fabric: Fabric,
    resume: Checkpoint | None = None,
    console: Console | None = None,
    progress: Callable[[int, int], bool] | None = None,
) -> Checkpoint:
    """Train a method and keep its best and last checkpoints in a folder.

    Args:
        config: the experiment.
        method: untrained; its weights are replaced when resuming.
        train_set: labelled scans.
        val_set: scans to validate on; without them the last weights count as the best.
        out: folder of the run; gets ``last.pt``, ``best.pt``, ``log.jsonl``, ``best.json``.
        fabric: devices, processes and precision, see `distributed.make_fabric`.
        resume: the state to go on from.
        console: for the progress bar; None for silence.
        progress: called with (updates done, updates in all); False asks for an early stop, as a
            signal does.

    Returns:
        The state at the end of the run.

    Raises:
        Interrupted: after Ctrl-C, SIGTERM or when `progress` says so, once the state is saved.
        PcsegError: if the loss stops being a number.
    """
    settings = config.train
    rank, world = fabric.global_rank, fabric.world_size
    module: Any = method
    if resume is not None:
        module.load_state_dict(resume.model)
    optimizer = build_optimizer(module.named_parameters(), config.optim)
    wrapped, optimizer = fabric.setup(module, optimizer)
    if resume is not None and resume.optimizer is not None:
        # After the module has moved: the state follows the device of its parameters.
        optimizer.load_state_dict(resume.optimizer)
    state = resume or Checkpoint(
        config=config.model_dump(mode="json"), label_set=method.label_set.to_dict(), model={}
    )
    averaged = on_device(state.averaged, fabric.device)
    if settings.ema and averaged is None:
        averaged = {key: value.clone() for key, value in module.state_dict().items()}

    train_set = training_set(method, train_set, fabric, console)
    stream = Stream(train_set, method.collate(), config.data, settings.seed, rank, world)
    total = total_updates(config, stream)
    if rank == 0:
        trim_log(out / "log.jsonl", state.update)
    report = Report(out, total, console, rank == 0, settings.tensorboard)
    torch.manual_seed(settings.seed + rank)
    if resume is not None:
        restore_random(resume.random, rank)

    def save() -> None:
        random = gather(random_state(), world)
        if rank == 0:
            state.model = module.state_dict()
            state.averaged, state.random = averaged, random
            state.optimizer = optimizer.state_dict()
            state.scaler = scaler_state(fabric)
            state.save(out / LAST)

    def validate() -> None:
        same_in_all_processes(module.state_dict(), fabric)
        same_in_all_processes(averaged or {}, fabric)
        result = _validate(config, module, averaged, val_set, fabric)
        if rank == 0:
            better = result is None or state.best is None or result.miou > state.best
            if result is not None:
                report.scalars(state.update, {"val/miou": result.miou, "val/ece": result.ece})
                report.validation(state.update, result.miou)
            if better:
                state.best = None if result is None else result.miou
                state.best_update = state.update
                if result is not None:
                    result.save(out / "best.json")
                _inference_copy(state, module, averaged).save(out / BEST)

    def stopped() -> Interrupted:
        return Interrupted(
            f"stopped after update {state.update} of {total}; nothing is lost. "
            f"Run the same command again with out={out} to go on."
        )

    with stop_signals() as stop, contextlib.closing(stream), contextlib.closing(report):
        if resume is not None:
            restore_scaler(fabric, resume.scaler)
            report.message(f"resuming after update {state.update} of {total}")
        module.train()
        began = time.perf_counter()
        while state.update < total:
            micro = _groups(stream.epoch(state.epoch, state.batch), settings.accumulate)
            for group in micro:
                rate = learning_rate(config.optim, state.update, total)
                for parameters in optimizer.param_groups:
                    parameters["lr"] = rate
                losses: dict[str, torch.Tensor] = {}
                scans = 0
                for i, batch in enumerate(group):
                    last = i + 1 == len(group)
                    with fabric.no_backward_sync(wrapped, enabled=not last):
                        parts = wrapped(batch.to(fabric.device))
                        fabric.backward(parts["loss"] / len(group))
                    for name, value in parts.items():
                        share = value.detach() / len(group)
                        losses[name] = losses[name] + share if name in losses else share
                    scans += batch.num_scans
                if config.optim.clip is not None:
                    fabric.clip_gradients(
                        wrapped, optimizer, max_norm=config.optim.clip, error_if_nonfinite=False
                    )
                optimizer.step()
                optimizer.zero_grad()
                if averaged is not None:
                    _average(averaged, module.state_dict(), settings.ema)
                state.update += 1
                state.batch += len(group)

                values = mean_over_processes(losses, fabric)
                if not math.isfinite(values["loss"]):
                    raise PcsegError(
                        f"the loss became {values['loss']} at update {state.update}. "
                        f"{out / LAST}, if it is there, is from before. Lower optim.lr (now "
                        f"{config.optim.lr}), set optim.clip, or look for broken scans with "
                        "data.invalid=error."
                    )
                now = time.perf_counter()
                speed, began = scans * world / (now - began), now
                report.step(state.update, state.epoch, values["loss"], speed)
                if state.update % settings.log_every == 0 or state.update == total:
                    named = {f"train/{name}": value for name, value in values.items()}
                    report.scalars(
                        state.update, {**named, "lr": rate, "train/scans_per_s": round(speed, 3)}
                    )
                if progress is not None and not progress(state.update, total):
                    stop.ask()
                if any_process(stop.is_set, fabric):
                    save()
                    raise stopped()
                if state.update == total:
                    break
                if state.update % settings.checkpoint_every == 0:
                    save()
            else:
                state.epoch, state.batch = state.epoch + 1, 0
                if state.epoch % settings.validate_every == 0 and state.update < total:
                    validate()
                save()
                if any_process(stop.is_set, fabric):
                    raise stopped()
        validate()
        state.finished = True
        save()
    return state


def training_set(
    method: Method, scans: ScanDataset, fabric: Fabric, console: Console | None = None
) -> ScanDataset:
    """What the method trains on: what it makes of the scans, if it has a hook for that."""
    make = getattr(method, "training_set", None)
    if make is None:
        return scans
    with fabric.rank_zero_first(), progress_bar(console, "cut the training set") as update:
        made: ScanDataset = make(scans, update)
    return made


def total_updates(config: Config, stream: Stream) -> int:
    """Updates of the whole run: epochs times full groups of batches, or the given maximum.

    Raises:
        ConfigError: if an epoch has fewer batches than one update needs.
    """
    settings = config.train
    groups = [len(stream.plan(epoch)) // settings.accumulate for epoch in range(settings.epochs)]
    if not all(groups):
        raise ConfigError(
            f"train.accumulate = {settings.accumulate}: an epoch has only {len(stream.plan(0))} "
            f"batches for each of {stream.world_size} processes. Lower it or data.batch_size."
        )
    total = sum(groups)
    return total if settings.max_steps is None else min(total, settings.max_steps)


def _groups(batches: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """Batches in groups of exactly `size`; an incomplete last group is left out."""
    group = []
    for batch in batches:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []


def _validate(
    config: Config,
    module: Any,
    averaged: dict[str, torch.Tensor] | None,
    val_set: ScanDataset | None,
    fabric: Fabric,
) -> Result | None:
    """Score the validation scans, shared among the processes, with the one evaluation."""
    if val_set is None:
        return None
    rules = protocol_of(module.label_set, config.eval.tta)
    evaluation = Evaluation(module.label_set, rules)
    mine = share_of(module, val_set, fabric.global_rank, fabric.world_size)
    with _weights(module, averaged):  # in full precision, as `pcseg eval` does it
        evaluate(module, val_set, evaluation, config.eval.batch_size, indices=mine)
    for i, state in enumerate(gather(evaluation.state(), fabric.world_size)):
        if i != fabric.global_rank:
            other = Evaluation(module.label_set, rules)
            other.load_state(state)
            evaluation.merge(other)
    meta = {"dataset": config.data.name, "split": config.data.val_split, "seed": config.train.seed}
    return evaluation.result(meta)


@contextlib.contextmanager
def _weights(module: Any, averaged: dict[str, torch.Tensor] | None) -> Iterator[None]:
    """Evaluate with the averaged weights, then go on training with the others."""
    kept = {key: value.clone() for key, value in module.state_dict().items()} if averaged else None
    module.eval()
    try:
        if averaged is not None:
            module.load_state_dict(averaged)
        yield
    finally:
        if kept is not None:
            module.load_state_dict(kept)
        module.train()


def _average(averaged: dict[str, torch.Tensor], now: dict[str, torch.Tensor], decay: float) -> None:
    """Move the averaged weights towards the present ones; counters are copied."""
    for key, value in now.items():
        if value.is_floating_point():
            averaged[key].lerp_(value, 1.0 - decay)
        else:
            averaged[key].copy_(value)


def _inference_copy(
    state: Checkpoint, module: Any, averaged: dict[str, torch.Tensor] | None
) -> Checkpoint:
    """A checkpoint of the weights alone."""
    return Checkpoint(
        config=state.config,
        label_set=state.label_set,
        model=module.state_dict() if averaged is None else averaged,
        update=state.update,
        epoch=state.epoch,
        best=state.best,
        best_update=state.best_update,
    )
