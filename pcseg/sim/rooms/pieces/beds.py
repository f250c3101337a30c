"""Beds: a frame, a mattress, bedding and pillows; the head is at +y, against the wall."""

from __future__ import annotations

import numpy as np

from pcseg.sim.mesh import Mesh
from pcseg.sim.rooms.pieces.piece import Piece, piece, soft_box, thing
from pcseg.sim.shapes.primitives import box


def bed(rng: np.random.Generator) -> Piece:
    """A bed for one or two."""
    width = float(rng.choice([0.9, 1.0, 1.4, 1.6, 1.8]))
    length, base, thick = rng.uniform(2.0, 2.1), rng.uniform(0.22, 0.34), rng.uniform(0.18, 0.26)
    of = str(rng.choice(["wood", "veneer", "fabric"]))
    y = length / 2
    parts: list[Mesh] = [box((width + 0.06, length, 0.1), (0, 0, base - 0.05), of)]
    corners = [(sx * (width / 2 - 0.05), sy * (y - 0.1)) for sx in (-1, 1) for sy in (-1, 1)]
    parts += [box((0.07, 0.07, base - 0.1), (a, b, (base - 0.1) / 2), "wood") for a, b in corners]
    head = rng.uniform(0.85, 1.15)
    parts.append(
        soft_box((width + 0.06, 0.06, head - 0.1), (0, y - 0.03, 0.1 + (head - 0.1) / 2), of, 0.02)
    )
    top = base + thick
    parts.append(
        soft_box((width, length - 0.1, thick), (0, -0.04, base + thick / 2), "linen", 0.05)
    )
    # The cover hangs over three sides and leaves the head free.
    reach = length * rng.uniform(0.58, 0.67)
    cover = (width + 0.08, reach, 0.07 + 0.6 * thick)
    parts.append(
        soft_box(cover, (0, -y + reach / 2 - 0.02, top + 0.04 - cover[2] / 2), "fabric", 0.035)
    )
    pillows = []
    count = 2 if width > 1.2 else 1
    for number in range(count):
        x = (number - (count - 1) / 2) * width / count
        soft = soft_box((min(0.68, 0.85 * width / count), 0.42, 0.15), (0, 0, 0), "linen", 0.07)
        pillows.append(
            thing("pillow", [soft]).moved((x, y - 0.36, top + 0.078), rng.uniform(-0.1, 0.1))
        )
    return piece([thing("bed", parts), *pillows])
