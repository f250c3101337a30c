"""Scans and predictions turned into a scene: which layers there are and what their ids mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pcseg.data import IGNORE, LabelSet, Prediction, Scan
from pcseg.errors import DataError, LabelError
from pcseg.viz.colors import IGNORED, spread_colors, visible
from pcseg.viz.layers import (
    ClassLayer,
    ClassTable,
    ColorLayer,
    Layer,
    ScalarLayer,
    colors_of_attribute,
    error_layer,
    instance_layer,
)
from pcseg.viz.scene import Frame, Scene


def scene_from_scans(
    scans: Sequence[Scan],
    predictions: Sequence[Prediction | None] | None = None,
    label_set: LabelSet | None = None,
    title: str = "",
) -> Scene:
    """Make a scene of scans.

    Both sequences are indexed only when a frame is looked at (the first at once), so a dataset that
    reads its files in `__getitem__` is shown without being read as a whole.

    Args:
        scans: any sequence of scans.
        predictions: what a method says of each scan, None where it says nothing.
        label_set: names and colours of the train ids; without one, classes are numbered.
        title: shown above everything; by default the name of the scan, or of the dataset.

    Raises:
        DataError: if there are no scans, or more or fewer predictions than scans.
        LabelError: when a frame is loaded whose prediction has another number of points, or whose
            train ids are outside the label set.
    """
    if predictions is not None and len(predictions) != len(scans):
        raise DataError(
            f"{len(predictions)} predictions for {len(scans)} scans: every scan needs its own. "
            "Predict the same files that are shown, or leave the predictions out."
        )
    if len(scans) == 0:
        raise DataError("there is nothing to show: no scan was found. Name a scan or a folder.")
    first = scans[0]
    framing = _Framing(label_set)

    def load(index: int) -> Frame:
        scan = first if index == 0 else scans[index]
        # Scans may be of several datasets; all of them are not read for this alone.
        scene.simulated = scene.simulated or bool(scan.meta.get("simulated"))
        return framing.frame(scan, predictions[index] if predictions is not None else None, index)

    simulated = bool(first.meta.get("simulated"))
    scene = Scene(len(scans), load, title or _title(first, len(scans)), simulated)
    return scene


def frame_name(scan: Scan, index: int) -> str:
    """A name short enough for a caption: sequence and frame, else the file's name."""
    sequence, frame = scan.meta.get("sequence"), scan.meta.get("frame")
    if sequence is not None and frame is not None:
        return f"{sequence}:{frame:06d}" if isinstance(frame, int) else f"{sequence}:{frame}"
    path = str(scan.meta.get("path") or "")
    return path.replace("\\", "/").rsplit("/", 1)[-1] or f"frame {index}"


def _title(first: Scan, count: int) -> str:
    if count == 1:
        return frame_name(first, 0)
    # Not the first one's sequence: the scans may be of several.
    return " ".join(filter(None, [str(first.meta.get("dataset") or ""), f"{count} scans"]))


class _Framing:
    """Makes frames that share their class table and the limits of their colour maps."""

    def __init__(self, label_set: LabelSet | None) -> None:
        self._label_set = label_set
        self._table = None if label_set is None else _table(label_set.names, label_set.colors)
        # Limits are those of the first frame looked at, so that colours do not flicker in play.
        self._limits: dict[str, tuple[float, float]] = {}

    def frame(self, scan: Scan, prediction: Prediction | None, index: int) -> Frame:
        if prediction is not None and len(prediction.labels) != len(scan):
            raise LabelError(
                f"{scan.name}: {len(prediction.labels)} predicted labels for {len(scan)} points. "
                "The prediction belongs to another file; predict this one again."
            )
        sound = np.isfinite(scan.xyz).all(axis=1)
        if "valid" in scan.attrs:  # readers put what is no number at the origin and mark it
            sound &= scan.attrs["valid"].astype(bool)
        notes: tuple[str, ...] = ()
        if not sound.all():
            notes = (f"{np.count_nonzero(~sound):,} points with NaN or infinite values left out",)
            scan = scan.select(sound)
            if prediction is not None:
                prediction = Prediction(prediction.labels[sound], prediction.confidence[sound])
        layers = self._class_layers(scan, prediction)
        if prediction is not None:
            # Not stretched: a certain method must look certain.
            layers.append(ScalarLayer("confidence", prediction.confidence, 0.0, 1.0, "doubt"))
        layers += self._attribute_layers(scan)
        layers.sort(key=lambda layer: _ORDER.get(layer.name, len(_ORDER)))
        return Frame(
            frame_name(scan, index), scan.xyz, {layer.name: layer for layer in layers}, notes
        )

    def _class_layers(self, scan: Scan, prediction: Prediction | None) -> list[Layer]:
        labels = scan.labels
        if labels is None and scan.raw_labels is not None and self._label_set is not None:
            labels = self._label_set.encode(scan.raw_labels, scan.name)
        predicted = None if prediction is None else prediction.labels
        table = self._table or _numbered_table([labels, predicted])
        layers: list[Layer] = []
        target = guess = None
        if labels is not None:
            target = _class_layer("label", labels, table, scan.name)
            layers.append(target)
        elif scan.raw_labels is not None:
            layers.append(_raw_layer(scan.raw_labels))
        if predicted is not None:
            guess = _class_layer("prediction", predicted, table, scan.name)
            layers.append(guess)
        if target is not None and guess is not None:
            layers.append(error_layer(target, guess))
        if scan.instances is not None and scan.instances.any():
            layers.append(instance_layer(scan.instances))
        return layers

    def _attribute_layers(self, scan: Scan) -> list[Layer]:
        layers: list[Layer] = [self._scalar("height", scan.xyz[:, 2], "turbo", "m")]
        for name, values in scan.attrs.items():
            if values.ndim == 2 and values.shape[1] == 3:
                layers.append(ColorLayer(name, colors_of_attribute(values)))
            elif values.ndim == 1 and np.issubdtype(values.dtype, np.number):
                layers.append(self._scalar(name, values, "viridis", ""))
        return layers

    def _scalar(self, name: str, values: np.ndarray, colormap: str, unit: str) -> ScalarLayer:
        values = values.astype(np.float32)
        known = values[np.isfinite(values)]
        if name not in self._limits and len(known):
            # A few stray points must not take the whole colour map.
            low, high = np.percentile(known, (1, 99))
            self._limits[name] = (float(low), float(high))
        low, high = self._limits.get(name, (0.0, 1.0))
        return ScalarLayer(name, values, low, high, colormap, unit)


_ORDER = {
    name: place
    for place, name in enumerate(
        "label prediction error confidence rgb intensity height instance normal".split()
    )
}


def _class_layer(name: str, labels: np.ndarray, table: ClassTable, source: str) -> ClassLayer:
    num_classes = len(table.names) - 1
    outside = (labels < IGNORE) | (labels >= num_classes)
    if outside.any():
        raise LabelError(
            f"{source}: {name} {int(labels[outside][0])} is outside the {num_classes} classes of "
            "the label set in use. Show it with the label set it was made for."
        )
    ids = np.where(labels == IGNORE, num_classes, labels).astype(np.int32)
    return ClassLayer(name, ids, table)


def _raw_layer(raw_labels: np.ndarray) -> ClassLayer:
    values, ids = np.unique(raw_labels, return_inverse=True)
    names = tuple(f"raw {value}" for value in values.tolist())
    # Coloured by value, so that an id keeps its colour in frames where others are missing.
    colors = spread_colors(int(values.max(initial=0)) + 1)[np.maximum(values, 0)]
    return ClassLayer("label", ids.reshape(-1).astype(np.int32), ClassTable(names, colors))


def _numbered_table(labels: list[np.ndarray | None]) -> ClassTable:
    highest = max((int(ids.max(initial=-1)) for ids in labels if ids is not None), default=-1)
    return _table(tuple(f"class {i}" for i in range(highest + 1)), spread_colors(highest + 1))


def _table(names: tuple[str, ...], colors: np.ndarray) -> ClassTable:
    """The classes and, as last row, what is ignored."""
    rows = np.concatenate([visible(np.asarray(colors, np.uint8).reshape(-1, 3)), [IGNORED]])
    return ClassTable((*names, "ignored"), rows.astype(np.uint8))
