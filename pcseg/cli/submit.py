"""`pcseg submit`: an archive for the SemanticKITTI test server, checked before it is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pcseg.cli.console import console, progress


def submit(
    run: Annotated[Path, typer.Argument(help="A run, or a folder `pcseg predict` has filled.")],
    out: Annotated[Path, typer.Argument(help="The .zip to write.")],
    settings: Annotated[
        list[str] | None, typer.Argument(help="data.root=DIR and other changed settings.")
    ] = None,
    sequences: Annotated[
        str | None, typer.Option(help="By comma; the official test sequences by default.")
    ] = None,
    description: Annotated[str, typer.Option(help="Text for description.txt.")] = "",
) -> None:
    """Predict the test scans (those not there yet), pack them, and validate the archive.

    Example, on one line:

      pcseg submit runs/kitti submission.zip data.root=/data/kitti
    """
    from pcseg.errors import ConfigError
    from pcseg.evaluate.prediction_files import prediction_path, write_prediction
    from pcseg.evaluate.run import predictions
    from pcseg.evaluate.submission import require_valid, validate_submission, write_submission
    from pcseg.methods import load_run
    from pcseg.train.datasets import open_split

    loaded = load_run(run, settings or ())
    data = loaded.config.data
    if data.name != "semantickitti":
        raise ConfigError(f"{run}: trained on {data.name}; the server takes SemanticKITTI only.")
    chosen = None if sequences is None else [name.strip() for name in sequences.split(",")]
    dataset = open_split(data, ";".join(chosen) if chosen else "test", labels="none")
    folder = loaded.checkpoint.parent / f"submission-{loaded.update}"
    with progress("predict") as update:
        ids = [{"sequence": frame.sequence, "frame": frame.frame} for frame in dataset.frames]
        targets = [prediction_path(folder, meta, ".label") for meta in ids]
        left = [i for i, target in enumerate(targets) if not target.is_file()]
        made = predictions(
            loaded.method, dataset, workers=data.workers, indices=left, progress=update
        )
        for i, (scan, prediction) in zip(left, made, strict=True):
            write_prediction(targets[i], scan, prediction, loaded.label_set, ".label")
    count = write_submission(folder, out, chosen, description)
    faults = validate_submission(out, str(data.root), chosen, loaded.label_set)
    require_valid(out, faults)
    console.print(f"[bold green]valid[/]: {out} holds {count} label files", soft_wrap=True)
