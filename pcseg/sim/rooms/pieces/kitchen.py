"""Kitchens: a run of cabinets along a wall with counter, sink, stove and hood; fronts face -y."""

# ruff: noqa: RUF005 - "array + [x, y, z]" shifts a point here, it does not concatenate.
from __future__ import annotations

import numpy as np

from pcseg.sim.mesh import Mesh
from pcseg.sim.rooms.pieces.piece import Piece, Top, piece, thing
from pcseg.sim.rooms.pieces.storage import fronted
from pcseg.sim.shapes.primitives import box, quads, tube

_DEPTH_M, _HEIGHT_M = 0.6, 0.9
_STOVE_M, _SINK_M = 0.6, (0.5, 0.38)


def kitchen_run(rng: np.random.Generator, length: float) -> Piece:
    """Base cabinets, a counter with a sink let in, a stove under its hood, wall cabinets.

    Args:
        rng: source of proportions.
        length: of the run along the wall (metres), at least 2.
    """
    of = str(rng.choice(["lacquer", "veneer", "wood"]))
    left, right = -length / 2, length / 2
    stove_x = rng.uniform(left + 0.9, left + 0.9 + 0.4 * (length - 2.0))
    washer = length > 2.7
    end = right - _STOVE_M if washer else right
    cabinets: list[Mesh] = []
    spans = [(left, stove_x - _STOVE_M / 2), (stove_x + _STOVE_M / 2, end)]
    for low, high in spans:
        size = (high - low, _DEPTH_M - 0.03, _HEIGHT_M - 0.04)
        body = fronted(rng, size, max(1, round((high - low) / 0.5)), 1, of, hollow=0.15)
        cabinets += [part.moved(((low + high) / 2, 0.015, 0)) for part in body]
    objects: list[Mesh] = [thing("stove", _stove(stove_x))]
    if washer:
        x = right - _STOVE_M / 2
        front = fronted(rng, (_STOVE_M - 0.01, _DEPTH_M - 0.03, _HEIGHT_M - 0.05), 1, 1, "steel")
        objects.append(thing("dishwasher", front).moved((x, 0.015, 0)))
    low, high = spans[1]
    sink_x = (low + high) / 2
    objects.append(thing("kitchen counter", _counter(left, right, stove_x, sink_x)))
    objects.append(thing("sink", _sink(sink_x)))
    objects.append(thing("range hood", _hood(stove_x)))
    for low, high in ((left, stove_x - 0.35), (stove_x + 0.35, right)):
        if high - low > 0.4:
            body = fronted(rng, (high - low, 0.34, 0.68), max(1, round((high - low) / 0.5)), 1, of)
            cabinets += [part.moved(((low + high) / 2, 0.13, 1.45)) for part in body]
    objects.append(thing("kitchen cabinet", cabinets))
    middle = (left + stove_x - _STOVE_M / 2) / 2
    tops = [Top((middle, 0, _HEIGHT_M), (stove_x - _STOVE_M / 2 - left, 0.5), "kitchen")]
    room = sink_x - _SINK_M[0] / 2 - (stove_x + _STOVE_M / 2)
    if room > 0.25:
        tops.append(Top((stove_x + _STOVE_M / 2 + room / 2, 0, _HEIGHT_M), (room, 0.5), "kitchen"))
    return piece(objects, tops)


def _counter(left: float, right: float, stove_x: float, sink_x: float) -> list[Mesh]:
    """Slabs on both sides of the stove, with an opening for the sink."""
    half, z, y = _STOVE_M / 2, _HEIGHT_M - 0.02, _DEPTH_M / 2
    a, b = _SINK_M[0] / 2, _SINK_M[1] / 2
    spans = [
        (left, stove_x - half, -y, y),
        (stove_x + half, sink_x - a, -y, y),
        (sink_x + a, right, -y, y),
        (sink_x - a, sink_x + a, -y, -b),
        (sink_x - a, sink_x + a, b, y),
    ]
    slabs = [
        box((x1 - x0, y1 - y0, 0.04), ((x0 + x1) / 2, (y0 + y1) / 2, z), "tiles")
        for x0, x1, y0, y1 in spans
        if x1 - x0 > 0.01
    ]
    splash = box(
        (right - left, 0.015, 0.1), (0.5 * (left + right), y - 0.0075, _HEIGHT_M + 0.05), "tiles"
    )
    return [*slabs, splash]


def _sink(x: float) -> list[Mesh]:
    """A steel trough with its tap."""
    a, b, top, low = _SINK_M[0] / 2, _SINK_M[1] / 2, _HEIGHT_M + 0.004, _HEIGHT_M - 0.17
    corner = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) + [x, 0]
    following = np.roll(corner, -1, axis=0)
    sides = [
        [[*p, low], [*q, low], [*q, top], [*p, top]] for p, q in zip(corner, following, strict=True)
    ]
    floor = [[[*p, low] for p in corner]]
    tap = [
        tube((x, b + 0.05, top), (x, b + 0.05, top + 0.26), 0.014, "chrome", sides=8),
        tube((x, b + 0.05, top + 0.26), (x, b - 0.12, top + 0.22), 0.011, "chrome", sides=8),
    ]
    return [quads(np.array(sides), "steel"), quads(np.array(floor), "steel"), *tap]


def _stove(x: float) -> list[Mesh]:
    """An oven with a hob on top."""
    front = -_DEPTH_M / 2
    parts = [
        box(
            (_STOVE_M - 0.01, _DEPTH_M - 0.02, _HEIGHT_M - 0.01),
            (x, 0.01, (_HEIGHT_M - 0.01) / 2),
            "lacquer",
        ),
        box((_STOVE_M - 0.01, _DEPTH_M, 0.012), (x, 0, _HEIGHT_M - 0.004), "screen"),
        box((_STOVE_M - 0.12, 0.012, 0.4), (x, front + 0.008, 0.42), "screen"),
        box((_STOVE_M - 0.16, 0.03, 0.02), (x, front - 0.01, 0.68), "chrome"),
    ]
    for dx, dy, radius in (
        (-0.14, -0.12, 0.09),
        (0.14, -0.12, 0.07),
        (-0.14, 0.13, 0.07),
        (0.14, 0.13, 0.09),
    ):
        z = _HEIGHT_M + 0.002
        parts.append(
            tube((x + dx, dy, z), (x + dx, dy, z + 0.008), radius, "plastic_dark", sides=16)
        )
    parts += [
        tube((x + dx, front, 0.8), (x + dx, front - 0.025, 0.8), 0.02, "plastic_dark", sides=10)
        for dx in (-0.2, -0.07, 0.07, 0.2)
    ]
    return parts


def _hood(x: float) -> list[Mesh]:
    return [
        box((0.6, 0.5, 0.08), (x, _DEPTH_M / 2 - 0.25, 1.6), "steel"),
        box((0.26, 0.26, 0.7), (x, _DEPTH_M / 2 - 0.13, 1.99), "steel"),
    ]
