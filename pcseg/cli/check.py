"""`pcseg check`: a configuration validated in a second, without any data."""

from __future__ import annotations

from typing import Annotated

import typer

from pcseg.cli.console import console


def check(
    config: Annotated[str, typer.Argument(help="A YAML file, or a name of `pcseg ls configs`.")],
    settings: Annotated[
        list[str] | None, typer.Argument(help="Changed settings, key=value.")
    ] = None,
) -> None:
    """Validate a configuration and build its network, without data."""
    from pcseg.config import load_config
    from pcseg.data import label_set
    from pcseg.data.catalogue import default_label_set
    from pcseg.methods import build_method

    loaded = load_config(config, settings or ())
    data = loaded.data
    name = data.label_set or data.label_map or default_label_set(data.name)
    if name is None:
        console.print(
            f"[bold green]sound[/]: {loaded.model.name} on {data.name}; "
            "its classes will come from data.label_map"
        )
        return
    classes = label_set(name)
    method = build_method(loaded, classes)
    count = sum(p.numel() for p in method.parameters())
    console.print(
        f"[bold green]sound[/]: {loaded.model.name} on {data.name}, "
        f"{classes.num_classes} classes of {classes.dataset}/{classes.name}, "
        f"{count / 1e6:.2f} M parameters",
        soft_wrap=True,
    )
