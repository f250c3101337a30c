"""Scene: what is to be shown, before any drawing: frames of points, each with its layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from pcseg.errors import DataError, PcsegError
from pcseg.viz.layers import Layer


@dataclass(frozen=True, eq=False)
class Frame:
    """The points of one moment and the ways to colour them.

    Attributes:
        name: shown to the user, for example ``"00:000007"``.
        xyz: (N, 3) float32 metres, finite.
        layers: by name, in the order in which they are offered.
        notes: what the user must know of this frame, for example that points were left out.
    """

    name: str
    xyz: np.ndarray
    layers: dict[str, Layer]
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.xyz)

    def layer(self, name: str | None = None) -> Layer:
        """A layer by name, or the first one.

        Raises:
            PcsegError: for a layer this frame does not have, naming those it has.
        """
        if name is None:
            return next(iter(self.layers.values()))
        if name not in self.layers:
            raise PcsegError(
                f"{self.name}: there is no layer '{name}' to show. "
                f"This frame has: {', '.join(self.layers)}."
            )
        return self.layers[name]


class Scene:
    """A sequence of frames, loaded when looked at; the most recent few are kept.

    Attributes:
        title: shown above everything.
        simulated: whether points come from a simulation, which every drawing must say; may become
            true when a frame is loaded.
    """

    def __init__(
        self,
        count: int,
        load: Callable[[int], Frame],
        title: str = "",
        simulated: bool = False,
        keep: int = 4,
    ) -> None:
        """Describe the frames.

        Args:
            count: how many frames there are.
            load: makes the frame of an index.
            title: shown above everything.
            simulated: whether the points come from a simulation.
            keep: how many frames stay in memory.

        Raises:
            DataError: if there is no frame at all.
        """
        if count < 1:
            raise DataError("there is nothing to show: no scan was found. Name a scan or a folder.")
        self.title = title
        self.simulated = simulated
        self._count = count
        self._load = load
        self._keep = keep
        self._kept: OrderedDict[int, Frame] = OrderedDict()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Frame]:
        return (self.frame(index) for index in range(len(self)))

    def frame(self, index: int) -> Frame:
        """Load a frame, or give it again if it was looked at lately.

        Raises:
            PcsegError: for an index outside the sequence.
        """
        if not 0 <= index < len(self):
            raise PcsegError(
                f"there is no frame {index}: '{self.title}' has frames 0 to {len(self) - 1}."
            )
        if index not in self._kept:
            self._kept[index] = self._load(index)
            while len(self._kept) > self._keep:
                self._kept.popitem(last=False)
        self._kept.move_to_end(index)
        return self._kept[index]
