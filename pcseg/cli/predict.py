"""`pcseg predict`: a label for every point of any file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcseg.cli.console import console, errors, progress, split_settings

if TYPE_CHECKING:
    from pcseg.methods import LoadedRun

MANIFEST = "predictions.json"
"""Says, in a folder of predictions, which weights made them."""


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
    from pcseg.data.paths import PathScans
    from pcseg.errors import ConfigError
    from pcseg.evaluate.prediction_files import prediction_path, write_prediction
    from pcseg.evaluate.run import predictions
    from pcseg.methods import load_run

    names, settings = split_settings(paths)
    if not names:
        raise ConfigError("no files were given: name point files or folders of them.")
    loaded = load_run(run, settings)
    layout = loaded.config.data.name
    layout = layout if layout in ("semantickitti", "semanticposs") else "semantickitti"
    scans = PathScans([Path(name) for name in names], labels="none", layout=layout)
    kept = _claim(out, loaded, overwrite)
    suffix = None if format is None else f".{format.lstrip('.')}"
    made = 0
    with progress("predict") as update:
        # One scan at a time is looked at, so that finished ones are skipped without being read.
        for i, source in enumerate(scans.sources):
            update(i, len(scans), source.path.name)
            target = prediction_path(out, source.meta, suffix, source.root)
            if not (kept and target.is_file()):
                for scan, prediction in predictions(loaded.method, scans, indices=[i]):
                    write_prediction(target, scan, prediction, loaded.label_set, suffix)
                made += 1
            update(i + 1, len(scans), source.path.name)
    old = len(scans) - made
    console.print(
        f"[bold green]done[/]: {made} predictions in {out}" + (f", {old} kept" if old else ""),
        soft_wrap=True,
    )
    errors.print(f"next: pcseg view {names[0]} --pred {out}", soft_wrap=True)


def _claim(out: Path, loaded: LoadedRun, overwrite: bool) -> bool:
    """Note whose predictions the folder holds; True if finished ones there are of this run.

    Raises:
        ConfigError: if they are of other weights.
    """
    from pcseg.errors import ConfigError
    from pcseg.files import read_json, write_json

    mine = {
        "checkpoint": str(loaded.checkpoint.resolve()),
        "update": loaded.update,
        "label_set": f"{loaded.label_set.dataset}/{loaded.label_set.name}",
        "label_set_hash": loaded.label_set.hash,
        "tta": loaded.config.eval.tta,
        "written": loaded.checkpoint.stat().st_mtime_ns,
    }
    manifest = out / MANIFEST
    if manifest.is_file() and not overwrite:
        if read_json(manifest) == mine:
            return True
        raise ConfigError(
            f"{out}: holds predictions of other weights or settings ({manifest}). "
            "Choose another --out, or replace them with --overwrite."
        )
    write_json(manifest, mine)
    return False
