"""Checks: predictions, truth and class table belong together before anything is counted."""

from __future__ import annotations

from pcseg.data import LabelSet, Prediction, Scan
from pcseg.errors import LabelError


def check_pair(scan: Scan, prediction: Prediction) -> None:
    """Check that a prediction labels each point of a scan.

    Raises:
        LabelError: naming the scan and both counts.
    """
    if len(prediction.labels) != len(scan):
        raise LabelError(
            f"{scan.name}: {len(prediction.labels)} predicted labels for {len(scan)} points. "
            "A prediction keeps every point, in file order; predict this file again."
        )


def check_same_classes(expected: LabelSet, found: LabelSet, source: object) -> None:
    """Check that two label sets name the same classes in the same order.

    Raw ids may differ: they are the way of a dataset to store a class.

    Args:
        expected: the classes a network was trained for.
        found: the classes the data is read with.
        source: what to name in an error, usually the checkpoint or the prediction file.

    Raises:
        LabelError: naming the first class that differs and the remedy.
    """
    if expected.names == found.names:
        return
    mine, theirs = f"'{expected.dataset}/{expected.name}'", f"'{found.dataset}/{found.name}'"
    if expected.num_classes != found.num_classes:
        detail = f"{expected.num_classes} classes against {found.num_classes}"
    else:
        pairs = enumerate(zip(expected.names, found.names, strict=True))
        place, (one, other) = next((i, pair) for i, pair in pairs if pair[0] != pair[1])
        detail = f"class {place} is '{one}' in one and '{other}' in the other"
    raise LabelError(
        f"{source}: made for the classes of {mine}, but the data is read with {theirs}: {detail}. "
        f"Read the data with the label set {mine}, or use a network trained for {theirs}."
    )
