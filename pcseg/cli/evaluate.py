"""`pcseg eval`: the score of a run, on every raw point of a split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcseg.cli.console import console, errors, progress

if TYPE_CHECKING:
    from pcseg.methods import LoadedRun


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or a checkpoint file.")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Changed settings: data.root=DIR data.split=val|all|00:0-7 eval.tta=8"),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result to this file too.")] = None,
) -> None:
    """Score a trained run; without data.split its validation scans are taken, if it has any.

    The result is printed, and saved in the run's folder as eval-<split>.json.

    Examples, each on its own line:

      pcseg eval runs/kitti

      pcseg eval runs/kitti data.root=/data/poss data.split=00:0-99 --json poss.json
    """
    from pcseg.evaluate import Evaluation, check_same_classes
    from pcseg.evaluate.run import evaluate as run_evaluation
    from pcseg.evaluate.run import protocol_of
    from pcseg.methods import load_run
    from pcseg.train.datasets import open_split

    loaded = load_run(run, settings or ())
    data = loaded.config.data
    asked = any(text.startswith("data.split=") for text in settings or ())
    split = data.split if asked or data.val_split is None else data.val_split
    dataset = open_split(data, split)
    check_same_classes(loaded.label_set, dataset.label_set, loaded.checkpoint)
    tta = loaded.config.eval.tta
    evaluation = Evaluation(loaded.label_set, protocol_of(loaded.label_set, tta))
    with progress(f"evaluate {split}") as update:
        run_evaluation(
            loaded.method,
            dataset,
            evaluation,
            loaded.config.eval.batch_size,
            data.workers,
            progress=update,
        )
    result = evaluation.result(
        {
            "dataset": data.name,
            "split": split,
            "seed": loaded.config.train.seed,
            "checkpoint": str(loaded.checkpoint),
            "updates": loaded.update,
        }
    )
    console.print(result.table())
    if not asked and data.val_split is None:
        errors.print("[yellow]note:[/] these are the scans of the training itself; the run has no "
                     "validation scans. Choose others with data.split=…")  # fmt: skip
    for path in (_result_path(loaded, split, settings or ()), json):
        if path is not None:
            result.save(path)
            console.print(f"saved {path}", style="dim", soft_wrap=True)


def _result_path(loaded: LoadedRun, split: str, settings: list[str] | tuple[()]) -> Path:
    """Where a result is kept in the run's folder: a name of its own for each kind of evaluation."""
    parts = ["eval", split]
    if any(text.startswith("data.root=") for text in settings):
        parts.append(Path(str(loaded.config.data.root)).resolve().name)
    if loaded.config.eval.tta > 1:
        parts.append(f"tta{loaded.config.eval.tta}")
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in "-".join(parts))
    return loaded.checkpoint.parent / f"{safe}.json"
