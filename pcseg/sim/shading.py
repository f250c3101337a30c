"""Shading: the light that spots on surfaces send to the camera, with shadows and reflections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pcseg.sim.light import Light, Source
from pcseg.sim.materials import TABLE, material
from pcseg.sim.moment import Present
from pcseg.sim.stage import Stage

_TRANSLUCENT = np.array([m.translucent for m in TABLE.values()], np.float32)
_GLOW = np.array([m.glow for m in TABLE.values()], np.float32)
_LIFT_M = 0.015
"""Shadow rays begin this far above a surface, so that it does not shade itself."""
SHADOW_REACH_M = 150.0
"""Movers farther than this from the camera throw no shadows on what it sees."""


@dataclass(frozen=True)
class Spots:
    """N places on surfaces that a camera sees.

    Attributes:
        points: (N, 3) float32 world coordinates.
        normal: (N, 3) float32 unit normals, towards the camera.
        incoming: (N, 3) float32 unit directions of the camera's rays.
        distance: (N,) float32 metres from the camera.
        albedo: (N, 3) float32 linear RGB.
        gloss: (N,) float32 share mirrored at normal incidence.
        material: (N,) uint8.
    """

    points: np.ndarray
    normal: np.ndarray
    incoming: np.ndarray
    distance: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    material: np.ndarray


def shade(
    stage: Stage[Any], spots: Spots, light: Light, movers: Sequence[Present], time: float
) -> np.ndarray:
    """(N, 3) float32 linear light: diffuse, mirrored and own light, seen through the air.

    Args:
        stage: throws shadows.
        spots: what is seen.
        light: that falls on it.
        movers: that throw shadows, too.
        time: seconds, for the clouds behind windows.
    """
    falling = light.ambient(spots.normal[:, 2])
    shine = np.zeros_like(falling)
    for source in light.sources:
        direct, reflected = _from_source(stage, spots, source, movers)
        falling += direct
        shine += reflected
    color = spots.albedo * falling
    _mirror(color, shine, spots, light)
    glow = _GLOW[spots.material]
    if glow.any():
        color += glow[:, None] * spots.albedo
    if light.through_windows:
        panes = np.flatnonzero(spots.material == material("glass"))
        dark = panes[spots.albedo[panes].max(1) < 0.1]  # the pane, not its frame
        color[dark] += light.sky(spots.incoming[dark], time)
    return light.hazed(color, spots.distance)


def _from_source(
    stage: Stage[Any], spots: Spots, source: Source, movers: Sequence[Present]
) -> tuple[np.ndarray, np.ndarray]:
    """Irradiance (N, 3) of a source, and its mirror image on glossy surfaces (N, 3)."""
    directions, reach, power = source.seen_from(spots.points)
    cosine = np.einsum("ij,ij->i", spots.normal, directions)
    cosine = np.maximum(cosine, -_TRANSLUCENT[spots.material] * cosine)
    lit = np.flatnonzero(cosine > 0)
    start = spots.points[lit] + np.float32(_LIFT_M) * spots.normal[lit]
    # Light that comes through a leaf comes from behind it.
    behind = np.einsum("ij,ij->i", spots.normal[lit], directions[lit]) < 0
    start[behind] -= np.float32(2 * _LIFT_M) * spots.normal[lit[behind]]
    toward = np.ascontiguousarray(directions[lit])
    free = stage.static.cast(start, toward, reach[lit]).face < 0
    lit, start, toward = lit[free], start[free], toward[free]
    free = ~_behind_movers(movers, start, toward, reach[lit], source)
    lit = lit[free]
    strength = np.zeros(len(cosine), np.float32)
    strength[lit] = cosine[lit]
    direct = (strength[:, None] * power).astype(np.float32)
    shine = np.zeros_like(direct)
    glossy = lit[spots.gloss[lit] > 0]
    if len(glossy):
        half = directions[glossy] - spots.incoming[glossy]
        half /= np.linalg.norm(half, axis=1, keepdims=True)
        sharp = np.maximum(np.einsum("ij,ij->i", half, spots.normal[glossy]), 0) ** 260
        level = power if np.ndim(power) == 1 else power[glossy]
        shine[glossy] = (9.0 * sharp)[:, None] * level
    return direct, shine


def _mirror(color: np.ndarray, shine: np.ndarray, spots: Spots, light: Light) -> None:
    """Add what glossy surfaces mirror (Schlick 1994, for the share at slanting angles)."""
    rows = np.flatnonzero(spots.gloss > 0)
    if not len(rows):
        return
    incoming, normal = spots.incoming[rows], spots.normal[rows]
    along = np.einsum("ij,ij->i", incoming, normal)
    bounced = incoming - 2 * along[:, None] * normal
    least = spots.gloss[rows]
    share = (least + (1 - least) * np.clip(1 + along, 0, 1) ** 5)[:, None]
    image = light.surroundings(bounced)
    color[rows] += share * (image + shine[rows] - color[rows])


def _behind_movers(
    movers: Sequence[Present],
    start: np.ndarray,
    toward: np.ndarray,
    reach: np.ndarray,
    source: Source,
) -> np.ndarray:
    """(N,) bool: spots whose way to the source a mover blocks."""
    hidden = np.zeros(len(start), bool)
    if not len(start) or not movers:
        return hidden
    order, axis, place = _across(start, source)
    start, toward, reach = start[order], toward[order], reach[order]
    for mover in movers:
        middle, radius = mover.center @ axis, mover.radius_m
        low, high = np.searchsorted(place, [middle - radius, middle + radius])
        rows = low + _passing(start[low:high], toward[low:high], mover.center, radius)
        if len(rows):
            hits = mover.cast(start[rows], toward[rows], reach[rows])
            hidden[order[rows[hits.face >= 0]]] = True
    return hidden


def _across(start: np.ndarray, source: Source) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An order of the spots in which those that a mover may shade lie in one slice.

    Returns:
        The order (N,), an axis (3,) across the rays of the sun, and the sorted places (N,) along
        it. Under a lamp no axis is across all rays: it is 0, and so every slice holds all.
    """
    if source.toward is None:
        return np.arange(len(start)), np.zeros(3), np.zeros(len(start))
    toward = source.toward
    axis = np.cross(toward, [toward[2], 0.3, toward[0]])
    axis /= np.linalg.norm(axis)
    place = np.einsum("ij,j->i", start, axis.astype(np.float32))
    order = np.argsort(place, kind="stable")
    return order, axis, place[order]


def _passing(
    start: np.ndarray, toward: np.ndarray, center: np.ndarray, radius: float
) -> np.ndarray:
    """Rows of the rays (N, 3) that pass through a sphere."""
    away = center.astype(np.float32) - start
    along = np.einsum("ij,ij->i", away, toward)
    beside = np.einsum("ij,ij->i", away, away) - along * along
    return np.flatnonzero((beside < radius * radius) & (along > -radius))
