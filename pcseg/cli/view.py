"""`pcseg view`: look at scans and predictions, in a window, as a picture, or as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcseg.cli.console import console

if TYPE_CHECKING:
    from pcseg.data import LabelSet, Prediction
    from pcseg.data.paths import PathScans


def view(
    paths: Annotated[list[Path], typer.Argument(help="Point files, or folders of them.")],
    pred: Annotated[
        Path | None, typer.Option(help="Folder (or file) of predictions to show beside.")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Write a picture instead.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write one page that opens anywhere and can be turned.")
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="Colour by: label, prediction, error, confidence, intensity, height …"),
    ] = None,
    frame: Annotated[int | None, typer.Option(help="Number of the scan to begin with.")] = None,
    view_from: Annotated[str, typer.Option("--from", help="auto or top.")] = "auto",
    theme: Annotated[str, typer.Option(help="dark or light.")] = "dark",
    labels: Annotated[
        str | None, typer.Option(help="Class table: a name of `pcseg ls labels` or a YAML file.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Read the folder as a dataset of `pcseg ls datasets`.")
    ] = None,
    split: Annotated[str, typer.Option(help="Of the dataset: train, all, scene-0061:0-7 …")] = (
        "all"
    ),
) -> None:
    """Show scans in a window; with --png or --html as files, without needing a display.

    Examples, each on its own line:

      pcseg view data/streets/sequences/08

      pcseg view scan.ply --pred predictions --html scan.html

      pcseg view data/scannet --dataset scannet --split val
    """
    from pcseg.data import label_set, open_dataset
    from pcseg.data.paths import PathScans
    from pcseg.viz.from_scans import scene_from_scans
    from pcseg.viz.show import show

    classes = _classes(labels, pred)
    if dataset is not None:
        _refuse_with_dataset(paths, pred)
        found = open_dataset(dataset, paths[0], split, classes, invalid="ignore")
        scene = scene_from_scans(found, None, found.label_set)
    else:
        scans = PathScans(paths, classes)
        table = classes or scans.label_set
        if table is None and pred is not None:
            table = label_set("semantic_kitti")
        predictions = None if pred is None or table is None else Predictions(pred, scans, table)
        scene = scene_from_scans(scans, predictions, table)
    for path in show(scene, png, html, layer=layer, frame=frame, view=view_from, theme=theme):
        console.print(f"wrote {path}", soft_wrap=True)


class Predictions(Sequence["Prediction | None"]):
    """The predictions that belong to scans, read when they are looked at."""

    def __init__(self, folder: Path, scans: PathScans, classes: LabelSet) -> None:
        self.folder, self.scans, self.classes = folder, scans, classes

    def __len__(self) -> int:
        return len(self.scans)

    def __getitem__(self, index: int) -> Prediction | None:  # type: ignore[override]
        from pcseg.errors import DataError
        from pcseg.evaluate.prediction_files import find_prediction, read_prediction

        source = self.scans.sources[index]
        path = self.folder
        if path.is_dir():
            found = find_prediction(path, source.meta, source.root)
            if found is None and index == 0:
                raise DataError(
                    f"{path}: has no prediction for {source.path}. Make it with "
                    f"`pcseg predict RUN {source.path} --out {path}`."
                )
            if found is None:
                return None
            path = found
        return read_prediction(path, self.classes)


def _refuse_with_dataset(paths: Sequence[Path], pred: Path | None) -> None:
    from pcseg.errors import ConfigError

    if len(paths) > 1:
        raise ConfigError(f"--dataset reads one folder: what is {paths[1]}?")
    if pred is not None:
        raise ConfigError("--pred belongs to point files: leave --dataset out, or --pred.")


def _classes(labels: str | None, pred: Path | None) -> LabelSet | None:
    """The class table that was asked for, else the one the predictions were made with."""
    from pcseg.data import label_set
    from pcseg.evaluate.claims import noted_classes

    if labels is not None:
        return label_set(labels)
    return None if pred is None else noted_classes(pred)
