"""`pcseg submit`: an archive for the SemanticKITTI test server, checked before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcseg.cli.console import console, progress

if TYPE_CHECKING:
    from pcseg.data import LabelSet

DATASET = "semantickitti"
"""The one the server scores."""


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

    Examples, each on its own line:

      pcseg submit runs/kitti submission.zip data.root=/data/kitti

      pcseg submit predictions submission.zip data.root=/data/kitti
    """
    from pcseg.evaluate.submission import require_valid, validate_submission, write_submission

    chosen = None if sequences is None else [name.strip() for name in sequences.split(",")]
    if any(run.glob("sequences/*/predictions")):
        folder, root, classes = _filled(run, settings or ())
    else:
        folder, root, classes = _predicted(run, settings or (), chosen)
    count = write_submission(folder, out, chosen, description)
    require_valid(out, validate_submission(out, root, chosen, classes))
    console.print(f"[bold green]valid[/]: {out} holds {count} label files", soft_wrap=True)


def _filled(folder: Path, settings: Sequence[str]) -> tuple[Path, str, LabelSet | None]:
    """A folder that is filled already, the dataset to check it against, and its class table.

    Raises:
        ConfigError: if data.root is not all that is set, or the classes are another dataset's.
    """
    from pcseg.data.catalogue import default_label_set
    from pcseg.errors import ConfigError
    from pcseg.evaluate.claims import noted_classes

    keys = [word.partition("=")[0] for word in settings]
    if keys != ["data.root"]:
        raise ConfigError(
            f"{folder}: is filled already, so data.root=DIR is needed, and nothing else can be "
            f"set (given: {' '.join(settings) or 'nothing'}). The archive is checked against the "
            "scans in DIR. To predict with other settings, give the run."
        )
    classes = noted_classes(folder)
    if classes is not None and classes.dataset != default_label_set(DATASET):
        raise ConfigError(
            f"{folder}: holds classes of {classes.dataset}; the server takes SemanticKITTI only."
        )
    return folder, settings[0].partition("=")[2], classes


def _predicted(
    run: Path, settings: Sequence[str], sequences: Sequence[str] | None
) -> tuple[Path, str, LabelSet]:
    """Predict with a run what is not there yet; as `_filled`.

    Raises:
        ConfigError: if the run was trained on another dataset.
    """
    from pcseg.cli.predict import maker_of
    from pcseg.data.readers.kitti.family import KittiFamily
    from pcseg.errors import ConfigError
    from pcseg.evaluate.claims import claim
    from pcseg.evaluate.prediction_files import prediction_path, write_prediction
    from pcseg.evaluate.run import in_sequence, predictions
    from pcseg.methods import load_run
    from pcseg.train.datasets import open_split

    loaded = load_run(run, settings)
    data = loaded.config.data
    if data.name != DATASET:
        raise ConfigError(f"{run}: trained on {data.name}; the server takes SemanticKITTI only.")
    dataset = open_split(data, ";".join(sequences) if sequences else "test", labels="none")
    assert isinstance(dataset, KittiFamily)  # as all readers of this name are
    folder = loaded.checkpoint.parent / f"submission-{loaded.update}"
    inputs = [dataset.cloud_path(frame) for frame in dataset.frames]
    targets = [prediction_path(folder, frame._asdict(), ".label") for frame in dataset.frames]
    # Frames that only another copy of the data has would spoil the archive: the root counts too.
    maker = {**maker_of(loaded), "data_root": str(dataset.folder.resolve())}
    left = claim(folder, maker, loaded.label_set, targets, inputs, replace=True)
    left = in_sequence(loaded.method, dataset, left)
    with progress("predict") as update:
        made = predictions(
            loaded.method, dataset, workers=data.workers, indices=left, progress=update
        )
        for i, (scan, prediction) in zip(left, made, strict=True):
            write_prediction(targets[i], scan, prediction, loaded.label_set, ".label")
    return folder, str(data.root), loaded.label_set
