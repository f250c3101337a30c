"""Pictures of scans for reports: truth, prediction and errors side by side, as small files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcseg.data import LabelSet, Prediction, Scan

_WIDTH = 1400


def picture(scan: Scan, prediction: Prediction, classes: LabelSet, title: str) -> bytes:
    """Draw a scan as a WebP of 1400 pixels in width; nothing of `pcseg[viz]` is needed."""
    from PIL import Image

    from pcseg.viz.from_scans import scene_from_scans
    from pcseg.viz.png import draw

    drawn = draw(scene_from_scans([scan], [prediction], classes, title))
    height = round(drawn.height * _WIDTH / drawn.width)
    out = io.BytesIO()
    drawn.convert("RGB").resize((_WIDTH, height), Image.Resampling.LANCZOS).save(
        out, "WEBP", quality=82
    )
    return out.getvalue()
