"""Materials: how much of a 905 nm pulse a surface sends back, and how evenly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Material:
    """Optical facts of a surface.

    Attributes:
        reflectivity: share of the light sent back by a bright, dry sample; above 1 for
            retro-reflectors, which send it where it came from.
        texture: relative spread of the reflectivity from place to place.
        mirror: share of pulses that never come back, whatever their power: they are mirrored away
            or pass through.
    """

    reflectivity: float
    texture: float = 0.15
    mirror: float = 0.0


# Reflectivities are chosen so that the medians of intensity per class lie near those of genuine
# HDL-64E street scans (road 0.25, sidewalk 0.31, facade 0.42, foliage 0.34, car 0.09).
TABLE: dict[str, Material] = {
    "asphalt": Material(0.39, 0.12),
    "paint_white": Material(0.72, 0.18),
    "cobble": Material(0.50, 0.20),
    "paving": Material(0.50, 0.12),
    "curbstone": Material(0.46, 0.10),
    "grass": Material(0.56, 0.25),
    "leaf": Material(0.50, 0.30),
    "needle": Material(0.40, 0.30),
    "bark": Material(0.40, 0.25),
    "plaster": Material(0.64, 0.10),
    "brick": Material(0.50, 0.20),
    "concrete": Material(0.52, 0.12),
    "rooftile": Material(0.36, 0.20),
    "wood": Material(0.42, 0.20),
    "glass": Material(0.10, 0.30, 0.75),
    "car_paint": Material(0.26, 0.10, 0.06),
    "car_glass": Material(0.06, 0.30, 0.80),
    "rubber": Material(0.07, 0.20),
    "plastic_dark": Material(0.10, 0.20),
    "chrome": Material(0.40, 0.40, 0.35),
    "retro": Material(2.50, 0.20),
    "steel": Material(0.24, 0.25, 0.04),
    "sign_face": Material(0.85, 0.35),
    "sign_back": Material(0.30, 0.10),
    "cloth": Material(0.40, 0.25),
    "skin": Material(0.45, 0.10),
    "tarpaulin": Material(0.50, 0.12),
    # Indoors: nothing there was matched against a LiDAR.
    "wall_paint": Material(0.70, 0.04),
    "ceiling_paint": Material(0.78, 0.04),
    "parquet": Material(0.45, 0.20),
    "carpet": Material(0.35, 0.25),
    "tiles": Material(0.60, 0.10),
    "lacquer": Material(0.60, 0.06),
    "veneer": Material(0.45, 0.18),
    "fabric": Material(0.42, 0.20),
    "leather": Material(0.25, 0.12),
    "linen": Material(0.60, 0.12),
    "ceramic": Material(0.70, 0.05, 0.05),
    "screen": Material(0.05, 0.10, 0.40),
    "mirror_glass": Material(0.06, 0.10, 0.90),
    "whiteboard": Material(0.75, 0.05, 0.10),
    "chalkboard": Material(0.15, 0.15),
    "print": Material(0.45, 0.30),
    "book": Material(0.40, 0.30),
    "cardboard": Material(0.45, 0.10),
    "plastic": Material(0.45, 0.10),
    "lamp_light": Material(0.80, 0.02),
}
NAMES: tuple[str, ...] = tuple(TABLE)
"""Material names in the order of their ids."""

REFLECTIVITY = np.array([m.reflectivity for m in TABLE.values()], np.float32)
TEXTURE = np.array([m.texture for m in TABLE.values()], np.float32)
MIRROR = np.array([m.mirror for m in TABLE.values()], np.float32)
_IDS = {name: i for i, name in enumerate(NAMES)}


def material(name: str) -> int:
    """The id of a material by its name."""
    return _IDS[name]
