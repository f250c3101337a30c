"""Seats: chairs, office chairs, armchairs, sofas, stools, benches and ottomans; fronts face -y."""

from __future__ import annotations

import numpy as np

from pcseg.sim.mesh import Mesh
from pcseg.sim.rooms.pieces.piece import Piece, lathe, piece, soft_box, thing
from pcseg.sim.shapes.primitives import box, tube, tubes, wheel


def chair(rng: np.random.Generator) -> Piece:
    """A chair on four legs, wooden or of steel tube with a shell."""
    width, depth = rng.uniform(0.40, 0.48), rng.uniform(0.40, 0.48)
    seat, top = rng.uniform(0.43, 0.47), rng.uniform(0.78, 0.98)
    wooden = rng.random() < 0.6
    frame = "wood" if wooden else "chrome"
    x, y = width / 2 - 0.025, depth / 2 - 0.025
    legs = [((sx * x, -y, 0), (sx * x, -y, seat), 0.017, 0.019) for sx in (-1, 1)]
    legs += [((sx * x, y, 0), (sx * x, y + 0.05, top), 0.017, 0.017) for sx in (-1, 1)]
    parts = [tubes(legs, frame, 6)]
    if rng.random() < 0.5:
        parts.append(soft_box((width, depth, 0.06), (0, 0, seat), "fabric", 0.025))
    else:
        parts.append(box((width, depth, 0.03), (0, 0, seat), "wood" if wooden else "plastic"))
    if wooden and rng.random() < 0.5:
        slats = int(rng.integers(2, 5))
        heights = np.linspace(seat + 0.15, top - 0.05, slats)
        lean = 0.05 * heights / top
        parts += [
            box((width - 0.05, 0.015, 0.05), (0, y + a, z), "wood")
            for z, a in zip(heights, lean, strict=True)
        ]
    else:
        tall = 0.55 * (top - seat)
        shell = "fabric" if rng.random() < 0.5 else frame if wooden else "plastic"
        parts.append(soft_box((width - 0.03, 0.04, tall), (0, y + 0.035, top - tall / 2), shell))
    return piece([thing("chair", parts)])


def office_chair(rng: np.random.Generator) -> Piece:
    """A swivel chair on five castors, with or without arms."""
    seat, width = rng.uniform(0.44, 0.52), rng.uniform(0.46, 0.52)
    back = rng.uniform(0.45, 0.70)
    of = str(rng.choice(["fabric", "leather"]))
    turn = rng.uniform(0, 2 * np.pi)
    parts: list[Mesh] = []
    for angle in turn + np.arange(5) * 2 * np.pi / 5:
        x, y = 0.29 * np.cos(angle), 0.29 * np.sin(angle)
        parts.append(tube((0, 0, 0.11), (x, y, 0.075), 0.026, "plastic_dark", 0.018, 6))
        parts.append(wheel((x, y, 0.033), 0.033, 0.04, "plastic_dark", 10))
    parts.append(tube((0, 0, 0.08), (0, 0, seat), 0.028, "chrome", sides=8))
    parts.append(soft_box((width, width, 0.09), (0, 0, seat), of, 0.04))
    lean = 0.06
    parts.append(tube((0, 0.12, seat - 0.05), (0, 0.27, seat + 0.2), 0.02, "plastic_dark", sides=6))
    parts.append(
        soft_box(
            (width - 0.04, 0.07, back), (0, width / 2 + lean - 0.02, seat + 0.12 + back / 2), of
        )
    )
    if rng.random() < 0.7:
        for side in (-1, 1):
            x = side * (width / 2 + 0.03)
            parts.append(tube((x, 0.05, seat - 0.03), (x, 0.05, seat + 0.2), 0.016, "plastic_dark"))
            parts.append(box((0.06, 0.22, 0.03), (x, 0, seat + 0.21), "plastic_dark"))
    return piece([thing("office chair", parts)])


def sofa(rng: np.random.Generator, places: int | None = None) -> Piece:
    """A sofa for two to four with cushions, or an armchair for one."""
    places = int(rng.integers(2, 4)) if places is None else places
    of = "leather" if rng.random() < 0.3 else "fabric"
    seat_width, arm = rng.uniform(0.58, 0.72), rng.uniform(0.12, 0.22)
    width, depth = places * seat_width + 2 * arm, rng.uniform(0.82, 0.98)
    seat, arm_top, top = rng.uniform(0.40, 0.45), rng.uniform(0.55, 0.65), rng.uniform(0.75, 0.92)
    back = 0.2
    parts = [
        soft_box(
            (width - 0.02, depth - 0.02, seat - 0.2), (0, 0, 0.08 + (seat - 0.2) / 2), of, 0.03
        )
    ]
    y = depth / 2
    parts.append(
        soft_box((width - 2 * arm, back, top - 0.1), (0, y - back / 2, 0.1 + (top - 0.1) / 2), of)
    )
    for side in (-1, 1):
        x = side * (width - arm) / 2
        parts.append(
            soft_box((arm, depth, arm_top - 0.05), (x, 0, 0.05 + (arm_top - 0.05) / 2), of)
        )
    for number in range(places):
        x = (number - (places - 1) / 2) * seat_width
        size = (seat_width - 0.01, depth - back - 0.01, 0.16)
        parts.append(soft_box(size, (x, -back / 2, seat - 0.06), of, 0.05))
        parts.append(
            soft_box((seat_width - 0.03, 0.14, 0.42), (x, y - back - 0.05, seat + 0.2), of)
        )
    feet = [(sx * (width / 2 - 0.08), sy * (depth / 2 - 0.08)) for sx in (-1, 1) for sy in (-1, 1)]
    parts += [tube((x, y, 0), (x, y, 0.1), 0.025, "wood", sides=6) for x, y in feet]
    objects = [thing("couch" if places > 1 else "armchair", parts)]
    if places > 1:
        for side in (-1, 1):
            if rng.random() < 0.6:
                x = side * (places * seat_width / 2 - 0.22)
                cushion = soft_box((0.42, 0.13, 0.40), (0, 0, 0.2), "linen", 0.06)
                objects.append(
                    thing("pillow", [cushion]).moved(
                        (x, y - back - 0.25, seat + 0.035), side * rng.uniform(0.1, 0.5)
                    )
                )
    return piece(objects)


def armchair(rng: np.random.Generator) -> Piece:
    """A sofa for one."""
    return sofa(rng, 1)


def ottoman(rng: np.random.Generator) -> Piece:
    """A padded box to put the feet on."""
    width, height = rng.uniform(0.45, 0.7), rng.uniform(0.36, 0.44)
    return piece(
        [thing("ottoman", [soft_box((width, width, height), (0, 0, height / 2), "fabric", 0.05)])]
    )


def stool(rng: np.random.Generator) -> Piece:
    """A round stool on three or four legs; high ones have a foot ring."""
    high = rng.random() < 0.4
    seat = rng.uniform(0.62, 0.75) if high else rng.uniform(0.42, 0.48)
    count = int(rng.integers(3, 5))
    of = "wood" if rng.random() < 0.6 else "chrome"
    legs = []
    for angle in np.arange(count) * 2 * np.pi / count + 0.3:
        direction = np.array([np.cos(angle), np.sin(angle), 0.0])
        legs.append((direction * 0.19, direction * 0.12 + [0, 0, seat], 0.016, 0.018))
    parts = [tubes(legs, of, 6)]
    parts.append(lathe([(0.165, seat), (0.175, seat + 0.015), (0.16, seat + 0.04)], "wood"))
    return piece([thing("stool", parts)])


def bench(rng: np.random.Generator) -> Piece:
    """A wooden bench without a back."""
    length, depth, height = rng.uniform(1.0, 1.6), 0.36, 0.45
    parts = [box((length, depth, 0.05), (0, 0, height - 0.025), "wood")]
    parts += [
        box((0.05, depth - 0.04, height - 0.05), (x, 0, (height - 0.05) / 2), "wood")
        for x in (-length / 2 + 0.12, length / 2 - 0.12)
    ]
    return piece([thing("bench", parts)])
