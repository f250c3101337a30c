"""`pcseg cp`: a shipped configuration, copied to be changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pcseg.cli.console import console


def cp(
    name: Annotated[str, typer.Argument(help="A name of `pcseg ls configs`.")],
    target: Annotated[Path, typer.Argument(help="The file to write, ending in .yaml.")],
    force: Annotated[bool, typer.Option(help="Overwrite the file if it is there.")] = False,
) -> None:
    """Copy a shipped configuration; its `base:` keeps pointing at the shipped one."""
    from pcseg.config.load import find_config
    from pcseg.errors import ConfigError
    from pcseg.files import write_text

    source = find_config(name)
    if target.is_dir():
        target = target / source.name
    if target.exists() and not force:
        raise ConfigError(f"{target}: is there already. Use --force to overwrite it.")
    write_text(target, source.read_text())
    console.print(f"{target}   (check it: pcseg check {target})")
