"""`pcseg ls`: what there is to choose from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pcseg.cli.console import console

KINDS = ("configs", "datasets", "models", "labels", "views", "sensors", "layouts", "settings")


def ls(
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join(KINDS)}, all.")] = "all",
    markdown: Annotated[
        Path | None,
        typer.Option(help="With labels or views: write them as Markdown into this folder instead."),
    ] = None,
) -> None:
    """List configurations, datasets, models, label sets, what can be simulated, or all settings."""
    from pcseg.errors import ConfigError

    if markdown is not None:
        _write_docs(kind, markdown)
        return

    listings = {
        "configs": _configs,
        "datasets": _datasets,
        "models": _models,
        "labels": _labels,
        "views": _views,
        "sensors": _sensors,
        "layouts": _layouts,
        "settings": _settings,
    }
    if kind != "all" and kind not in listings:
        raise ConfigError(f"'{kind}' cannot be listed. Give one of: {', '.join(KINDS)}, all.")
    shown = [k for k in KINDS if k != "settings"] if kind == "all" else [kind]
    for name in shown:
        console.print(listings[name]())


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _configs() -> Table:
    from pcseg.config.load import shipped_configs

    table = _table("configurations", "name", "what it is")
    for name, path in shipped_configs().items():
        table.add_row(name, path.read_text().splitlines()[0].lstrip("# "))
    return table


def _datasets() -> Table:
    from pcseg.data.catalogue import DATASETS, dataset_facts, default_label_set
    from pcseg.data.splits import splits

    table = _table("datasets", "name", "what it is", "label sets (classes)", "splits", "licence")
    for name in DATASETS:
        facts = dataset_facts(name)
        about = (facts.get(key, "") for key in ("title", "sensors", "citation"))
        label_map = default_label_set(name)
        parts = [
            f"{convention}: {', '.join(table)}"
            for convention, table in (splits(label_map) if label_map else {}).items()
        ]
        what = "\n".join(filter(None, about))
        table.add_row(name, what, facts["classes"], "\n".join(parts), facts["licence"])
    return table


def _models() -> Table:
    from pcseg.models.build import NETWORKS

    table = _table("models", "name", "what it is")
    for name, network in NETWORKS.items():
        table.add_row(name, (network.__doc__ or "").splitlines()[0])
    return table


def _labels() -> Table:
    from pcseg.data import label_set, list_label_sets

    table = _table("label sets", "name", "classes", "hash")
    for name in list_label_sets():
        classes = label_set(name)
        table.add_row(name, ", ".join(classes.names), classes.hash)
    return table


def _views() -> Table:
    from pcseg.evaluate import list_views, view
    from pcseg.evaluate.house import BENCHMARK, HOUSE_VIEWS, LEVELS, SOURCES, TARGETS

    table = _table("views", "name", "classes", "scored on", "trained on", "rule", "hash")
    table.columns[0].no_wrap = table.columns[-1].no_wrap = True
    for name in list_views():
        if name not in HOUSE_VIEWS:
            one = view(name)
            maps = ", ".join(target.partition("/")[0] for target in one.targets)
            rule = one.protocol.name
            table.add_row(name, str(len(one.names)), maps, one.train_labels, rule, one.hash)
    for level in LEVELS:
        pairs = f"FROM {', '.join(SOURCES)}; TO {', '.join(TARGETS)}"
        table.add_row(f"{BENCHMARK}/{level}/FROM-TO", "", pairs, "source", "pcseg/1", "")
    return table


def _sensors() -> Table:
    from pcseg.sim.sensors import list_sensors, sensor

    table = _table("sensors to simulate", "name", "model", "rows", "columns", "range")
    for name in list_sensors():
        device = sensor(name)
        table.add_row(name, device.model, str(device.rows), str(device.columns), "")
    return table


def _layouts() -> Table:
    from pcseg.sim.rooms.layouts import ROOM_LAYOUTS, room_layout_class
    from pcseg.sim.writers import LAYOUTS, layout_class

    table = _table("layouts to simulate", "name", "LiDARs", "cameras", "frames a second")
    for name in LAYOUTS:
        rig = layout_class(name).rig(None)
        lidars = ", ".join(f"{mount.name} ({mount.sensor.model})" for mount in rig.lidars)
        cameras = ", ".join(camera.name for camera in rig.cameras) or "none"
        table.add_row(name, lidars, cameras, f"{rig.frame_rate_hz:g}")
    for name in ROOM_LAYOUTS:
        table.add_row(name, "none", room_layout_class(name).sensor, "")
    return table


def _settings() -> Table:
    """Every setting with its default, read from the schema itself."""
    from typing import get_args

    from pydantic import BaseModel

    from pcseg.config.schema import Config, ModelConfig

    table = _table("settings", "key", "default", "what it is")

    def add(schema: type[BaseModel], at: str) -> None:
        for key, info in schema.model_fields.items():
            default = info.get_default()
            if isinstance(default, BaseModel) and key != "model":
                add(type(default), f"{at}{key}.")
            elif key != "model":
                table.add_row(at + key, str(default), info.description or "")

    add(Config, "")
    for network in get_args(get_args(ModelConfig)[0]):
        add(network, f"model ({network.model_fields['name'].default}).")
    return table


def _write_docs(kind: str, folder: Path) -> None:
    from pcseg.cli.label_docs import label_docs
    from pcseg.errors import ConfigError
    from pcseg.files import write_text

    if kind not in ("labels", "views"):
        raise ConfigError(f"--markdown goes with labels or views, not with '{kind}'.")
    for path, content in label_docs().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / path, content)
    console.print(f"wrote {folder / 'labels.md'}")
