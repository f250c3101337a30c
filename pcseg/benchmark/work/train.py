"""Training on a source, selecting on the source, and sealing what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from pcseg.benchmark.seal import Seal, weights_hash, write_seal
from pcseg.benchmark.specs import open_all
from pcseg.benchmark.store import Store, file_hash
from pcseg.benchmark.units import Unit
from pcseg.config import Config
from pcseg.config.load import build_config
from pcseg.errors import Interrupted
from pcseg.methods import build_method
from pcseg.train.checkpoint import BEST, LAST, load_checkpoint
from pcseg.train.datasets import class_weights
from pcseg.train.distributed import make_fabric
from pcseg.train.loop import train

if TYPE_CHECKING:
    from pcseg.benchmark.work.do import Context, Told


def do(context: Context, unit: Unit, told: Told) -> Mapping[str, Any]:
    """Train, or go on with a training; the seal is the last file written."""
    folder = Store(context.out).folder(unit.id)
    folder.mkdir(parents=True, exist_ok=True)
    config = _config(context, unit)
    train_set = open_all(unit.spec["train"], context.out)
    val = unit.spec["val"]
    val_set = open_all(val, context.out) if val else None
    weights = class_weights(config.loss, train_set)
    torch.manual_seed(config.train.seed)  # the same first weights whenever the unit is done
    method: Any = build_method(config, train_set.label_set, weights)
    resume = load_checkpoint(folder / LAST) if (folder / LAST).is_file() else None
    if resume is None or not resume.finished:
        fabric = make_fabric(config)
        go_on = partial(_goes_on, told)
        resume = train(config, method, train_set, val_set, folder, fabric, resume, progress=go_on)
    chosen = weights_hash(load_checkpoint(folder / BEST).weights())
    write_seal(
        folder,
        Seal(
            train=unit.id,
            checkpoint=BEST,
            sha256=file_hash(folder / BEST),
            weights=chosen,
            selected_on=" + ".join(f"{v['dataset']} {v['split']}" for v in val) or "nothing",
            miou=resume.best,
            update=resume.best_update,
        ),
    )
    return {
        "scans": len(train_set),
        "weights_hash": chosen,
        "updates": resume.update,
        "best_update": resume.best_update,
        "source_val_miou": resume.best,
        "label_set_hash": train_set.label_set.hash,
    }


def _goes_on(told: Told, done: int, total: int) -> bool:
    """Tell of an update; the loop saves its state before it stops."""
    try:
        told(done, total)
    except Interrupted:
        return False
    return True


def _config(context: Context, unit: Unit) -> Config:
    """The experiment as a checkpoint names it; where the scans are is the unit's business."""
    first, val = unit.spec["train"][0], unit.spec["val"]
    table = {key: dict(value) if isinstance(value, dict) else value
             for key, value in unit.spec["config"].items()}  # fmt: skip
    table["data"] |= {
        "name": first["dataset"],
        "split": first["split"],
        "val_split": val[0]["split"] if val else None,
        "label_set": first["label_set"],
        "workers": context.loaders,
    }
    table["train"] |= {"device": context.device, "tensorboard": False}
    return build_config(table)
