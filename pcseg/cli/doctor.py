"""`pcseg doctor`: what this machine has, and which backends give right numbers on it."""

from __future__ import annotations

import importlib.metadata
import platform

from rich.table import Table

from pcseg.cli.console import console, errors

PACKAGES = ("torch", "numpy", "numba", "triton", "open3d-cpu", "open3d", "embreex", "tensorboard")
"""Worth seeing in a bug report; the last four are optional on some machines."""


def doctor() -> None:
    """Check the installation: versions, devices, and each backend tried in a process of its own."""
    import torch

    from pcseg._version import __version__
    from pcseg.sparse.probe import probe_backends

    facts = Table(title="machine", show_header=False, title_justify="left")
    facts.add_row("pcseg", __version__)
    facts.add_row("python", f"{platform.python_version()} on {platform.platform()}")
    for name in PACKAGES:
        facts.add_row(name, _version_of(name))
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    facts.add_row("GPUs", ", ".join(devices) or "none: everything runs on the CPU")
    facts.add_row("threads", str(torch.get_num_threads()))
    console.print(facts)

    with errors.status("trying the sparse-convolution backends"):
        reports = probe_backends()
    table = Table(title="sparse-convolution backends", title_justify="left")
    for column in ("backend", "state", "used for", "detail"):
        table.add_column(column)
    styles = {"sound": "green", "unavailable": "dim", "unsound": "bold red"}
    for report in reports:
        style = styles[report.state]
        table.add_row(
            report.name, f"[{style}]{report.state}[/]", ", ".join(report.used_for), report.detail
        )
    console.print(table)


def _version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
