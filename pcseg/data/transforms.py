"""Transforms by name, and their composition: `Compose(["flip", {"rotate": {"degrees": 45}}])`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pcseg.data.disturbances import HeightShift, RangeNoise, SelectiveJitter, Tilt
from pcseg.data.filters import (
    CropBox,
    CropSphere,
    DropIntensity,
    DropPoints,
    EveryBeam,
    HeightFilter,
    MaxPoints,
    RangeFilter,
    ThinBeams,
)
from pcseg.data.geometry import Flip, Jitter, Rotate, Scale, Shift, apply_affine, rotate
from pcseg.data.scan import Scan
from pcseg.errors import ConfigError
from pcseg.hints import did_you_mean

Transform = Callable[[Scan, np.random.Generator], Scan]
"""A function of a scan and a random generator that makes a new scan."""

TRANSFORMS: dict[str, type] = {
    "rotate": Rotate,
    "flip": Flip,
    "scale": Scale,
    "shift": Shift,
    "jitter": Jitter,
    "selective_jitter": SelectiveJitter,
    "range_noise": RangeNoise,
    "height_shift": HeightShift,
    "tilt": Tilt,
    "drop_points": DropPoints,
    "max_points": MaxPoints,
    "crop_box": CropBox,
    "crop_sphere": CropSphere,
    "range_filter": RangeFilter,
    "height_filter": HeightFilter,
    "thin_beams": ThinBeams,
    "every_beam": EveryBeam,
    "drop_intensity": DropIntensity,
}

Step = str | Mapping[str, Any] | Transform
"""``"flip"``, ``{"flip": {"axes": "y", "p": 0.5}}``, or a transform."""


@dataclasses.dataclass(frozen=True)
class Sometimes:
    """Apply a transform with probability `p`."""

    transform: Transform
    p: float

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The transformed scan, or the scan itself."""
        # Drawn always, so that later steps see the same stream whether this one happens or not.
        happens = rng.random() < self.p
        return self.transform(scan, rng) if happens else scan


class Compose:
    """Transforms one after the other."""

    def __init__(self, steps: Sequence[Step]) -> None:
        """Build the steps.

        Args:
            steps: names, ``{name: settings}`` (settings are the transform's fields and ``p``, the
                probability to apply it), or transforms.

        Raises:
            ConfigError: for an unknown name or setting, with a suggestion.
        """
        self.steps = [build(step) for step in steps]

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The transformed scan; each step draws from `rng` in turn."""
        for step in self.steps:
            scan = step(scan, rng)
        return scan

    def __repr__(self) -> str:
        return f"Compose({self.steps})"


def build(step: Step) -> Transform:
    """Make a transform of its description; see `Compose`."""
    if isinstance(step, str):
        step = {step: {}}
    if not isinstance(step, Mapping):
        return step
    if len(step) != 1:
        raise ConfigError(f"a transform is written as {{name: settings}}, not {dict(step)}.")
    name, given = next(iter(step.items()))
    settings = dict(given or {})
    p = settings.pop("p", 1.0)
    transform = make(TRANSFORMS, name, settings, "transform")
    return transform if p >= 1.0 else Sometimes(transform, p)


def make(table: Mapping[str, type], name: str, settings: Mapping[str, Any], what: str) -> Any:
    """An instance of a dataclass in `table`, its settings checked.

    Raises:
        ConfigError: for an unknown name or setting, with a suggestion.
    """
    if name not in table:
        raise ConfigError(f"there is no {what} '{name}'{did_you_mean(name, table)}. {_list(table)}")
    fields = {field.name: None for field in dataclasses.fields(table[name])}
    for key in settings:
        if key not in fields:
            hint = did_you_mean(key, fields)
            raise ConfigError(f"{what} '{name}' has no setting '{key}'{hint}. {_list(fields)}")
    return table[name](**settings)


def _list(known: Mapping[str, Any]) -> str:
    return f"There are: {', '.join(known)}."


__all__ = [
    "TRANSFORMS",
    "Compose",
    "CropBox",
    "CropSphere",
    "DropIntensity",
    "DropPoints",
    "EveryBeam",
    "Flip",
    "HeightFilter",
    "HeightShift",
    "Jitter",
    "MaxPoints",
    "RangeFilter",
    "RangeNoise",
    "Rotate",
    "Scale",
    "SelectiveJitter",
    "Shift",
    "Sometimes",
    "ThinBeams",
    "Tilt",
    "Transform",
    "apply_affine",
    "build",
    "make",
    "rotate",
]
