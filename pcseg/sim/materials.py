"""Materials: how a surface answers a 905 nm pulse, and how it looks to a camera."""

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
        colors: sRGB colours as #rrggbb, by spaces; every object of the material has one of them.
        pattern: name in `pcseg.sim.textures.PATTERNS`.
        gloss: share of the light that is mirrored at normal incidence; 0 for dull surfaces.
        translucent: share of the light from behind that comes through.
        rim: width (metres) and sRGB colour of the frame along free edges, or None.
        glow: light that comes from the surface itself, in units of a sunlit white wall.
    """

    reflectivity: float
    texture: float = 0.15
    mirror: float = 0.0
    colors: str = "#8c8c8a"
    pattern: str = "plain"
    gloss: float = 0.0
    translucent: float = 0.0
    rim: tuple[float, str] | None = None
    glow: float = 0.0


# Reflectivities are chosen so that the medians of intensity per class lie near those of genuine
# HDL-64E street scans (road 0.25, sidewalk 0.31, facade 0.42, foliage 0.34, car 0.09).
TABLE: dict[str, Material] = {
    "asphalt": Material(0.39, 0.12, colors="#55565a", pattern="asphalt"),
    "paint_white": Material(0.72, 0.18, colors="#d8d8d2", pattern="paint"),
    "cobble": Material(0.50, 0.20, colors="#77726c", pattern="cobble"),
    "paving": Material(0.50, 0.12, colors="#a39d93", pattern="paving"),
    "curbstone": Material(0.46, 0.10, colors="#b1aea7", pattern="curbstone"),
    "grass": Material(0.56, 0.25, colors="#56702f", pattern="grass", translucent=0.4),
    "leaf": Material(0.50, 0.30, colors="#4a6a2a", pattern="leaf", translucent=0.55),
    "needle": Material(0.40, 0.30, colors="#2f4d2c", pattern="leaf", translucent=0.3),
    "bark": Material(0.40, 0.25, colors="#5d4b3a", pattern="bark"),
    "plaster": Material(
        0.64,
        0.10,
        colors="#d9cfb8 #e6e1d6 #d8b98a #c9a27c #b9c0b4 #d7c3b3 #c8cdd2 #cf9f86 #e3d7a8",
        pattern="plaster",
    ),
    "brick": Material(
        0.50, 0.20, colors="#8c4a38 #9c5a40 #7a4136 #a8795a #6f4a40", pattern="brick"
    ),
    "concrete": Material(0.52, 0.12, colors="#a09e99 #8f8e8a #b3aea4", pattern="concrete"),
    "rooftile": Material(
        0.36, 0.20, colors="#8f4433 #7a3a2e #4d4a4c #5b4038 #a05a3c", pattern="rooftile"
    ),
    "wood": Material(0.42, 0.20, colors="#8a6742 #6f5136 #9b8465 #5a4a3c", pattern="wood"),
    "glass": Material(0.10, 0.30, 0.75, colors="#20262b", gloss=0.10, rim=(0.07, "#e4e2da")),
    "car_paint": Material(0.26, 0.10, 0.06, colors="#9a9a98", pattern="paintwork", gloss=0.055),
    "car_glass": Material(0.06, 0.30, 0.80, colors="#14181b", gloss=0.08, rim=(0.025, "#0c0c0c")),
    "rubber": Material(0.07, 0.20, colors="#1d1d1e"),
    "plastic_dark": Material(0.10, 0.20, colors="#26272a", gloss=0.03),
    "chrome": Material(0.40, 0.40, 0.35, colors="#c9ccd0", gloss=0.35),
    "retro": Material(2.50, 0.20, colors="#dedbcb"),
    "steel": Material(
        0.24, 0.25, 0.04, colors="#7d8286 #6b7072 #8f9496", pattern="metal", gloss=0.06
    ),
    "sign_face": Material(0.85, 0.35, colors="#f0f0ee"),
    "sign_back": Material(0.30, 0.10, colors="#8b8e90", pattern="metal"),
    "cloth": Material(
        0.40,
        0.25,
        colors="#2b3447 #7d2f2f #3c4a3a #8a8478 #1f1f22 #b8a98c #35587d #c8c6c0 #6b3f63 #a86a2c",
        pattern="cloth",
    ),
    "skin": Material(0.45, 0.10, colors="#c99b7d #e0b596 #8d5f45 #a97556"),
    "tarpaulin": Material(
        0.50,
        0.12,
        colors="#2f5d8a #d7d5ce #8f2f2a #3d6b4a #c9a23a #e6e4df",
        gloss=0.03,
    ),
    # Indoors: nothing there was matched against a LiDAR.
    "wall_paint": Material(0.70, 0.04, colors="#ece8df #e4dfd0 #d9e0e2 #e8dcc8 #dfe3d6"),
    "ceiling_paint": Material(0.78, 0.04, colors="#f2f1ec"),
    "parquet": Material(
        0.45, 0.20, colors="#a97c4f #8a6238 #c29b6b", pattern="parquet", gloss=0.03
    ),
    "carpet": Material(0.35, 0.25, colors="#5d6672 #7a6a5a #6b4a4a #4a5a4c", pattern="carpet"),
    "tiles": Material(0.60, 0.10, colors="#d9d7d0 #bfc9cc #b8ab98", pattern="tiles", gloss=0.04),
    "lacquer": Material(
        0.60,
        0.06,
        colors="#e9e7e1 #d8d2c4 #b23a33 #3f5b74 #4d4a46 #7d9a86",
        gloss=0.04,
    ),
    "veneer": Material(
        0.45, 0.18, colors="#b98e5c #8f673f #d0b184 #6a4a31", pattern="veneer", gloss=0.02
    ),
    "fabric": Material(
        0.42, 0.20, colors="#7c8794 #8c3f3a #4f6b58 #b7a386 #3f4654 #a87b3e", pattern="cloth"
    ),
    "leather": Material(0.25, 0.12, colors="#4a3022 #2a2728 #7a4a2c #c9bda8", gloss=0.04),
    "linen": Material(0.60, 0.12, colors="#eeeae0 #cdd7e0 #d9c9b0 #a9b7a4", pattern="folds"),
    "ceramic": Material(0.70, 0.05, 0.05, colors="#f3f3ef", gloss=0.05),
    "screen": Material(0.05, 0.10, 0.40, colors="#101214", gloss=0.06, rim=(0.02, "#1c1c1c")),
    "mirror_glass": Material(0.06, 0.10, 0.90, colors="#30363a", gloss=0.6, rim=(0.03, "#9a9a96")),
    "whiteboard": Material(0.75, 0.05, 0.10, colors="#f4f5f4", gloss=0.04, rim=(0.03, "#a9adb0")),
    "chalkboard": Material(0.15, 0.15, colors="#2c4a3c", pattern="carpet", rim=(0.04, "#8a6742")),
    "print": Material(
        0.45,
        0.30,
        colors="#8f7f6a #5a7a92 #9a5a48 #6f8a5c #c9b890",
        pattern="print",
        rim=(0.03, "#2e2620"),
    ),
    "book": Material(0.40, 0.30, colors="#8a6a58", pattern="books"),
    "cardboard": Material(0.45, 0.10, colors="#b08d62"),
    "plastic": Material(0.45, 0.10, colors="#c9c8c4 #3f4a55 #2f6a8f #a83a34", gloss=0.03),
    "lamp_light": Material(0.80, 0.02, colors="#fff6e2", glow=2.5),
    "works_orange": Material(0.60, 0.10, colors="#e2541a", gloss=0.02),
    "works_yellow": Material(0.45, 0.10, colors="#e0a020", gloss=0.04),
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
