"""Points that are no numbers: refused, or kept in their place and marked."""

from __future__ import annotations

import numpy as np

from pcseg.data.scan import IGNORE, Scan
from pcseg.errors import DataError

INVALID_POLICIES = ("error", "ignore")


def settle_invalid(scan: Scan, policy: str) -> Scan:
    """Deal with points that have a NaN or infinite coordinate or attribute.

    Args:
        scan: as read.
        policy: ``"error"`` refuses such a scan. ``"ignore"`` keeps every point in its place, so
            that predictions fit the file: the bad ones get zero coordinates and attributes, label
            `IGNORE` and ``attrs["valid"]`` False.

    Returns:
        The scan itself if all is well.

    Raises:
        DataError: under ``"error"``, with the number of such points and the first of them.
    """
    floats = [scan.xyz, *(values for values in scan.attrs.values() if values.dtype.kind == "f")]
    if all(np.isfinite(values).all() for values in floats):
        return scan
    finite = [np.isfinite(values.reshape(len(scan), -1)).all(1) for values in floats]
    bad: np.ndarray = ~np.logical_and.reduce(finite)
    if policy == "error":
        first = int(bad.argmax())
        point = {"xyz": scan.xyz[first], **{k: v[first] for k, v in scan.attrs.items()}}
        listed = ", ".join(f"{name} {value.tolist()}" for name, value in point.items())
        raise DataError(
            f"{scan.name}: {int(bad.sum())} points have NaN or infinite values, the first is "
            f"point {first}: {listed}. Mend the file, or set data.invalid=ignore to keep them, "
            "unscored."
        )
    attrs = {name: _cleared(values, bad) for name, values in scan.attrs.items()}
    labels = None if scan.labels is None else np.where(bad, IGNORE, scan.labels)
    attrs.setdefault("valid", ~bad)  # a reader's own marks are cleared with the rest
    return scan.replace(xyz=_cleared(scan.xyz, bad), attrs=attrs, labels=labels)


def _cleared(values: np.ndarray, bad: np.ndarray) -> np.ndarray:
    cleared = values.copy()
    cleared[bad] = 0
    return cleared
