"""The ground as triangles: a fine grid along the street, kerbs where its levels meet."""

from __future__ import annotations

import numpy as np

from pcseg.sim.classes import (
    CURB,
    DRIVEWAY,
    LANE_MARKING,
    PARKING,
    ROAD,
    ROAD_MARKING,
    SIDEWALK,
    TERRAIN,
)
from pcseg.sim.materials import material
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.plan import GROUND_HALF_WIDTH_M, Plan
from pcseg.sim.shapes.plants import grass
from pcseg.sim.shapes.primitives import quads

_ROUGHNESS_M = {
    ROAD: 0.008,
    LANE_MARKING: 0.008,
    ROAD_MARKING: 0.008,
    PARKING: 0.012,
    DRIVEWAY: 0.012,
    SIDEWALK: 0.01,
    TERRAIN: 0.045,
}
_MATERIALS = {
    ROAD: "asphalt",
    LANE_MARKING: "paint_white",
    ROAD_MARKING: "paint_white",
    PARKING: "cobble",
    DRIVEWAY: "cobble",
    SIDEWALK: "paving",
    TERRAIN: "grass",
}


def build_ground(plan: Plan, rng: np.random.Generator) -> Mesh:
    """The labelled ground of the whole plan, with kerbs and tufts of grass."""
    s, d = _s_edges(plan), _d_edges(plan)
    middle_s, middle_d = (s[1:] + s[:-1]) / 2, (d[1:] + d[:-1]) / 2
    kind = plan.kind(middle_s[:, None], middle_d[None])
    raised = plan.raised(middle_s[:, None], middle_d[None], kind)
    corners = plan.path.at(s[:, None], d[None])
    corners[..., 2] += plan.relief_at(s[:, None], d[None])
    cells = _cells(corners, kind, raised, rng)
    return join([cells, _kerbs(corners, raised), _tufts(plan, rng)])


def _s_edges(plan: Plan) -> np.ndarray:
    length = plan.path.length_m
    edges = [np.arange(0, length, 1.5)]
    edges += [np.arange(c.s - c.half - 14, c.s + c.half + 14, 0.5) for c in plan.crossings]
    joined = np.unique(np.round(np.concatenate(edges), 3))
    joined = joined[(joined >= 0) & (joined <= length)]
    return joined[np.concatenate([[True], np.diff(joined) > 0.2])]


def _d_edges(plan: Plan) -> np.ndarray:
    edges = [np.array([-0.07, 0.07]), np.arange(-plan.road_half + 0.25, plan.road_half, 0.5)]
    edges[1] = edges[1][np.abs(edges[1]) > 0.2]
    for side in (1, -1):
        lines = [plan.road_half, plan.curb_line(side), plan.walk_start(side), plan.back(side)]
        near = np.arange(plan.road_half + 0.5, plan.back(side), 0.75)
        far = np.arange(plan.back(side) + 1.0, plan.back(side) + 19.5, 1.5)
        rest = np.arange(far[-1] + 3.0, GROUND_HALF_WIDTH_M, 3.5)
        edges.append(side * np.concatenate([lines, near, far, rest]))
    joined = np.unique(np.round(np.concatenate(edges), 3))
    # Edges closer than 4 cm would make needles; the bands' own lines are far enough apart.
    return joined[np.concatenate([[True], np.diff(joined) > 0.04])]


def _cells(
    corners: np.ndarray, kind: np.ndarray, raised: np.ndarray, rng: np.random.Generator
) -> Mesh:
    four = np.stack([corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], 2)
    rough = np.vectorize(lambda k: _ROUGHNESS_M.get(k, 0.02), otypes=[float])(kind)
    noise = rng.normal(0, 1, corners.shape[:2])
    bumps = np.stack([noise[:-1, :-1], noise[1:, :-1], noise[1:, 1:], noise[:-1, 1:]], 2)
    four[..., 2] += raised[..., None] + rough[..., None] * bumps
    mesh = quads(four.reshape(-1, 4, 3), "asphalt")
    flat = np.repeat(kind.reshape(-1), 2)
    table = np.zeros(max(_MATERIALS) + 1, np.uint8)
    for label, of in _MATERIALS.items():
        table[label] = material(of)
    mesh.label[:] = flat
    mesh.material[:] = table[flat]
    patches = rng.uniform(0.88, 1.12, kind.shape)  # repairs, wear, damp
    mesh.tint[:] = np.repeat(patches.reshape(-1), 2)
    return mesh


def _kerbs(corners: np.ndarray, raised: np.ndarray) -> Mesh:
    """Upright faces between neighbouring cells of different level."""
    parts = []
    step = raised[1:] - raised[:-1]  # across s: edges that run along d
    i, j = np.nonzero(np.abs(step) > 0.01)
    parts.append(_risers(corners[i + 1, j], corners[i + 1, j + 1], raised[i, j], raised[i + 1, j]))
    step = raised[:, 1:] - raised[:, :-1]
    i, j = np.nonzero(np.abs(step) > 0.01)
    parts.append(_risers(corners[i, j + 1], corners[i + 1, j + 1], raised[i, j], raised[i, j + 1]))
    return quads(np.concatenate(parts), "curbstone").labelled(CURB)


def _risers(a: np.ndarray, b: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    low, high = np.minimum(first, second) - 0.02, np.maximum(first, second)
    up = np.array([0, 0, 1.0])
    return np.stack(
        [
            a + low[:, None] * up,
            b + low[:, None] * up,
            b + high[:, None] * up,
            a + high[:, None] * up,
        ],
        1,
    )


def _tufts(plan: Plan, rng: np.random.Generator) -> Mesh:
    """Blades of grass on the open land near the street, where the sensor can tell them."""
    count = int(plan.path.length_m * 60)
    s = rng.uniform(0, plan.path.length_m, count)
    side = rng.choice([-1, 1], count)
    inner = np.where(side > 0, plan.curb_line(1), plan.curb_line(-1))
    d = side * (inner + rng.random(count) ** 1.5 * 22)
    kind = plan.kind(s, d)
    chosen = kind == TERRAIN
    s, d, kind = s[chosen], d[chosen], kind[chosen]
    ground = plan.path.at(s, d)
    ground[:, 2] += plan.raised(s, d, kind) + plan.relief_at(s, d)
    return grass(rng, ground)
