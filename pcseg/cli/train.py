"""`pcseg train`: from a configuration to the best checkpoint."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pcseg.cli.console import console, errors, progress

if TYPE_CHECKING:
    from pcseg.config import Config
    from pcseg.data import LabelSet
    from pcseg.train.checkpoint import Checkpoint


def train(
    config: Annotated[str, typer.Argument(help="A YAML file, or a name of `pcseg ls configs`.")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Changed settings, key=value: data.root=DIR out=RUN train.epochs=5"),
    ] = None,
    restart: Annotated[
        bool, typer.Option(help="Throw away the run that is in the folder and begin anew.")
    ] = False,
) -> None:
    """Train a network. With out=RUN, the same command goes on where it stopped.

    Examples, each on its own line:

      pcseg train semantickitti/minkunet data.root=/data/kitti out=runs/kitti

      pcseg train semantickitti/realdata_quick data.root=DIR data.split=00:0-7 out=runs/quick

      torchrun --nproc-per-node 4 -m pcseg train semantickitti/minkunet data.root=DIR out=RUN
    """
    from pcseg.config import load_config

    run_training(load_config(config, settings or ()), config, restart)


def run_training(config: Config, name: str, restart: bool = False) -> Path:
    """Train as configured; returns the folder of the run.

    Args:
        config: the experiment.
        name: what to call it on the screen, and the folder if the configuration names none.
        restart: whether to begin anew where a run is already.
    """
    import torch

    from pcseg.methods import build_method
    from pcseg.train.checkpoint import BEST
    from pcseg.train.datasets import class_weights, open_split
    from pcseg.train.distributed import end_processes, make_fabric
    from pcseg.train.loop import train as run_loop

    fabric = make_fabric(config)
    main = fabric.is_global_zero
    stamp = time.strftime("%Y%m%d-%H%M%S")
    out = Path(fabric.broadcast(config.out or f"runs/{Path(name).stem}-{stamp}"))
    train_set = open_split(config.data, config.data.split)
    val_split = config.data.val_split
    val_set = None if val_split is None else open_split(config.data, val_split)
    resume = None if restart else _state_of(out, config, train_set.label_set, fabric.world_size)
    if resume is not None and resume.finished:
        _say(main, f"{out}: finished already, after {resume.update} updates. ", _ANEW)
        return out
    with progress("count classes", shown=main) as update:
        weights = class_weights(config.loss, train_set, update)
    torch.manual_seed(config.train.seed)  # the same first weights in every process and every run
    method: Any = build_method(config, train_set.label_set, weights)
    if main:
        _start_folder(out, config, restart)
        count = sum(p.numel() for p in method.parameters())
        validated = "no validation" if val_set is None else f"{len(val_set)} to validate"
        errors.print(
            f"[bold]{name}[/]: {config.model.name}, {count / 1e6:.2f} M parameters, "
            f"{train_set.label_set.num_classes} classes; {len(train_set)} scans to train, "
            f"{validated}; {fabric.world_size} x {fabric.device.type}; run folder {out}",
            soft_wrap=True,
        )
    screen = errors if main else None
    state = run_loop(config, method, train_set, val_set, out, fabric, resume, screen)
    score = "" if state.best is None else f", best mIoU {100 * state.best:.1f} on {val_split}"
    _say(main, f"[bold green]done[/] after {state.update} updates{score}: {out / BEST}")
    _say(main, f"next: pcseg eval {out}   or   pcseg predict {out} FILES")
    end_processes()
    return out


_ANEW = "Begin anew with --restart, or choose another out=…"


def _say(main: bool, *texts: str) -> None:
    if main:
        console.print(*texts, soft_wrap=True)


def _start_folder(out: Path, config: Config, restart: bool) -> None:
    import yaml

    from pcseg.files import write_text

    if restart:
        for name in ("last.pt", "best.pt", "best.json", "log.jsonl"):
            (out / name).unlink(missing_ok=True)
    write_text(out / "config.yaml", yaml.safe_dump(config.model_dump(mode="json")))


def _state_of(out: Path, config: Config, classes: LabelSet, world_size: int) -> Checkpoint | None:
    """The state to go on from, if the folder holds an unfinished run of the same experiment."""
    from pcseg.config.load import build_config
    from pcseg.data import LabelSet
    from pcseg.errors import ConfigError
    from pcseg.evaluate import check_same_classes
    from pcseg.train.checkpoint import LAST, load_checkpoint

    if not (out / LAST).is_file():
        return None
    checkpoint = load_checkpoint(out / LAST)
    before = _decisive(build_config(checkpoint.config))
    now = _decisive(config)
    keys = dict.fromkeys([*before, *now])
    different = [key for key in keys if now.get(key) != before.get(key)]
    if different:
        changes = "\n".join(f"  {key}: {before.get(key)} -> {now.get(key)}" for key in different)
        raise ConfigError(
            f"{out} holds a run with other settings:\n{changes}\n"
            "Choose another folder with out=…, or begin anew with --restart."
        )
    if len(checkpoint.random) != world_size and not checkpoint.finished:
        raise ConfigError(
            f"{out}: was trained by {len(checkpoint.random)} processes and can only go on with as "
            f"many, not {world_size}. Start it as before, or begin anew with --restart."
        )
    check_same_classes(LabelSet.from_dict(checkpoint.label_set), classes, out / LAST)
    return checkpoint


def _decisive(config: Config) -> dict[str, Any]:
    """The settings that decide the resulting weights, as a flat table."""
    free = {
        "out", "data.root", "data.workers", "data.val_split", "train.device", "train.tensorboard",
        "train.checkpoint_every", "train.log_every", "train.validate_every",
    }  # fmt: skip
    table: dict[str, Any] = {}

    def flatten(data: dict[str, Any], at: str) -> None:
        for key, value in data.items():
            if isinstance(value, dict):
                flatten(value, f"{at}{key}.")
            elif at + key not in free and not at.startswith("eval."):
                table[at + key] = value

    flatten(config.model_dump(mode="json"), "")
    return table
