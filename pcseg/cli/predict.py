"""`pcseg predict`: a label for every point of any file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pcseg.cli.console import console, errors, progress, split_settings

if TYPE_CHECKING:
    from pcseg.methods import LoadedRun


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or a checkpoint file.")],
    paths: Annotated[
        list[str], typer.Argument(help="Point files or folders, and changed settings key=value.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the predictions, one file for each input.")
    ] = Path("predictions"),
    format: Annotated[
        str | None,
        typer.Option(help="label, ply, las, laz or npz; by default what suits the input."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option(help="Make predictions anew that are there already.")
    ] = False,
) -> None:
    """Label every point of the given files; order and number of the points stay as they are.

    Reads bin, npy, npz, ply, pcd, las, laz, xyz, txt, csv, off and obj, and folders of them or in
    SemanticKITTI's layout. An interrupted call can be repeated: finished files are kept.

    Examples, each on its own line:

      pcseg predict runs/kitti scan.bin --out labelled --format ply

      pcseg predict runs/kitti /data/kitti/sequences/08 eval.tta=4
    """
    from pcseg.data.catalogue import default_label_set
    from pcseg.data.paths import PathScans
    from pcseg.errors import ConfigError
    from pcseg.evaluate.claims import claim
    from pcseg.evaluate.prediction_files import prediction_path, write_prediction
    from pcseg.evaluate.run import in_sequence, predictions
    from pcseg.methods import load_run

    names, settings = split_settings(paths)
    if not names:
        raise ConfigError("no files were given: name point files or folders of them.")
    loaded = load_run(run, settings)
    reader = loaded.config.data.name
    scans = PathScans(
        [Path(name) for name in names],
        loaded.label_set,
        labels="none",
        # Readers without a label map of their own do not read SemanticKITTI's layout.
        layout=reader if default_label_set(reader) is not None else None,
    )
    suffix = None if format is None else f".{format.lstrip('.')}"
    targets = [prediction_path(out, s.meta, suffix, s.root) for s in scans.sources]
    inputs = [source.path for source in scans.sources]
    left = claim(out, maker_of(loaded), loaded.label_set, targets, inputs, overwrite)
    left = in_sequence(loaded.method, scans, left)
    with progress("predict") as update:
        done = len(scans) - len(left)
        update(done, len(scans))
        made = predictions(loaded.method, scans, indices=left)
        for i, (scan, prediction) in zip(left, made, strict=True):
            write_prediction(targets[i], scan, prediction, loaded.label_set, suffix)
            done += 1
            update(done, len(scans), inputs[i].name)
    old = len(scans) - len(left)
    console.print(
        f"[bold green]done[/]: {len(left)} predictions in {out}" + (f", {old} kept" if old else ""),
        soft_wrap=True,
    )
    errors.print(f"next: pcseg view {names[0]} --pred {out}", soft_wrap=True)


def maker_of(loaded: LoadedRun) -> dict[str, Any]:
    """What predictions depend on beside the scan: the weights, and the settings that may change."""
    maker: dict[str, Any] = {
        "checkpoint": str(loaded.checkpoint.resolve()),
        "update": loaded.update,
        "written": loaded.checkpoint.stat().st_mtime_ns,
        "label_set_hash": loaded.label_set.hash,
        "tta": loaded.config.eval.tta,
        "missing": loaded.config.input.missing,
    }
    if loaded.config.method == "labelprop":
        maker["labelprop"] = loaded.config.labelprop.model_dump(mode="json")
    return maker
