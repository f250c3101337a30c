"""Views: source-class predictions and a target's truth, mapped to common classes and scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pcseg.data import IGNORE
from pcseg.errors import LabelError
from pcseg.evaluate.confusion import Confusion
from pcseg.evaluate.protocol import HOUSE, Protocol, protocol


@dataclass(frozen=True)
class View:
    """One published way to score a network on data with other classes than its own.

    A predicted class that the view does not know becomes `IGNORE`; whether that is a miss or lets
    the point drop out is the protocol's business. So is a class of the truth that is not scored.

    Attributes:
        name: of the view, with its version.
        names: the common classes.
        predicted: train id of the source -> common class, `IGNORE` where the view has none.
        truth: id of the target, as its labels are given -> common class.
        protocol: the rules of counting.
    """

    name: str
    names: tuple[str, ...]
    predicted: Mapping[int, int]
    truth: Mapping[int, int]
    protocol: Protocol = HOUSE

    def confusion(self, pred: np.ndarray, target: np.ndarray) -> Confusion:
        """Count the points of one scan in common classes.

        Args:
            pred: (N,) predictions in the source's train ids.
            target: (N,) truth in the target's ids.

        Raises:
            LabelError: for an id that the view's maps do not mention, or unequal lengths.
        """
        confusion = Confusion(len(self.names))
        confusion.add(
            self._map(pred, self.predicted, "prediction"), self._map(target, self.truth, "label")
        )
        return confusion

    @classmethod
    def from_dict(cls, name: str, data: Mapping[str, Any]) -> View:
        """Build a view from data: names, source_to_common, target_to_common, protocol (a name)."""
        return cls(
            name=name,
            names=tuple(data["names"]),
            predicted={int(k): int(v) for k, v in data["source_to_common"].items()},
            truth={int(k): int(v) for k, v in data["target_to_common"].items()},
            protocol=protocol(data["protocol"]) if "protocol" in data else HOUSE,
        )

    def _map(self, labels: np.ndarray, table: Mapping[int, int], what: str) -> np.ndarray:
        known = {IGNORE: IGNORE, **table}
        ids, place = np.unique(labels, return_inverse=True)
        unknown = [int(i) for i in ids if int(i) not in known]
        if unknown:
            raise LabelError(
                f"view '{self.name}': {what} {unknown[0]} has no common class. "
                f"Known: {', '.join(map(str, sorted(table)))}."
            )
        return np.array([known[int(i)] for i in ids], np.int64)[place.reshape(-1)]
