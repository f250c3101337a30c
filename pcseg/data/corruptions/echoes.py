"""Echoes of a beam among snowflakes: who shades whom, and which is the strongest (compiled)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_PER_METRE = 10
_PULSE_M = 299_792_458.0 * 1e-8
"""Length that light travels in the pulse's 10 ns: an echo is as long."""

_STEP_M = (120.0 + _PULSE_M) / (math.ceil(1200.0 + _PULSE_M * _PER_METRE) - 1)
"""Distance between samples; not quite 0.1 m, as in the scripts."""

_BLIND_M, _SEEN_M = 0.9, 1.0
_MOST = 512
"""Flakes in one beam that are looked at; there are some twenty."""


@njit(cache=True, nogil=True)
def strongest_echoes(
    angle: np.ndarray,
    distance: np.ndarray,
    plane: np.ndarray,
    far: np.ndarray,
    far_starts: np.ndarray,
    widest: np.ndarray,
    near: np.ndarray,
    near_starts: np.ndarray,
    half: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the strongest echo of each beam.

    A flake shades the part of the beam's angle that no nearer flake has; its echo is that part's
    share, over its distance squared, in the shape of a squared sine. The target gets what is left.
    Echoes add up; the maximum is looked for on samples about 0.1 m apart.

    Args:
        angle: (N,) float64 azimuth of each beam, 0 to 2 pi.
        distance: (N,) float64 of its target, metres.
        plane: (N,) int64 of flakes that it goes through.
        far: (F, 3) float64, see `pcseg.data.corruptions.flakes.Planes`.
        far_starts: (P + 1,) int64.
        widest: (P,) float64.
        near: (M, 3) float64.
        near_starts: (P + 1,) int64.
        half: half the divergence of a beam, radians.

    Returns:
        place: (N,) float64 metres; NaN for a beam without flakes.
        power: (N,) float64.
    """
    place = np.full(len(angle), np.nan)
    power = np.zeros(len(angle))
    wave = np.zeros(int((distance.max() + _PULSE_M) * _PER_METRE) + 4)
    found = np.empty((_MOST, 3))  # distance, and from where to where in the beam
    claimed = np.empty((_MOST + 1, 2))
    for i in range(len(angle)):
        count = _gather(
            i, angle, distance, plane, far, far_starts, widest, near, near_starts, half, found
        )
        if count == 0:
            continue
        _sort(found, count)
        pieces, shaded, echoes = 0, 0.0, 0
        for j in range(count):
            new = _uncovered(claimed, pieces, found[j, 1], found[j, 2])
            if new <= 0.0:
                continue
            pieces = _cover(claimed, pieces, found[j, 1], found[j, 2])
            shaded += new
            found[echoes, 0], found[echoes, 1] = found[j, 0], new / (2.0 * half)
            echoes += 1
        found[echoes, 0] = distance[i]
        found[echoes, 1] = max(0.0, 1.0 - shaded / (2.0 * half))
        place[i], power[i] = _peak(found, echoes + 1, wave)
    return place, power


@njit(cache=True, nogil=True)
def _gather(
    i: int,
    angle: np.ndarray,
    distance: np.ndarray,
    plane: np.ndarray,
    far: np.ndarray,
    far_starts: np.ndarray,
    widest: np.ndarray,
    near: np.ndarray,
    near_starts: np.ndarray,
    half: float,
    found: np.ndarray,
) -> int:
    """Flakes nearer than the target that reach into beam `i`; their number."""
    count = 0
    p = plane[i]
    for row in range(near_starts[p], near_starts[p + 1]):
        count = _take(near[row], angle[i], distance[i], half, found, count)
    begin, end, reach = far_starts[p], far_starts[p + 1], half + widest[p]
    around = far[begin:end]
    first = np.searchsorted(around[:, 0], angle[i] - reach)
    for row in range(first, len(around)):
        if around[row, 0] > angle[i] + reach:
            break
        count = _take(around[row], angle[i], distance[i], half, found, count)
    return count


@njit(cache=True, nogil=True)
def _take(
    flake: np.ndarray, angle: float, distance: float, half: float, found: np.ndarray, count: int
) -> int:
    """Note a flake down if it reaches into the beam before the target."""
    middle = _difference(flake[0], angle)
    left, right = max(middle - flake[2], -half), min(middle + flake[2], half)
    if flake[1] < distance and left < right and count < _MOST - 1:
        found[count, 0], found[count, 1], found[count, 2] = flake[1], left, right
        return count + 1
    return count


@njit(cache=True, nogil=True)
def _difference(a: float, b: float) -> float:
    """``a - b`` on the circle, -pi to pi."""
    return (a - b + math.pi) % (2.0 * math.pi) - math.pi


@njit(cache=True, nogil=True)
def _sort(found: np.ndarray, count: int) -> None:
    """By distance, by insertion: there are some twenty."""
    for a in range(1, count):
        d, left, right = found[a, 0], found[a, 1], found[a, 2]
        b = a - 1
        while b >= 0 and found[b, 0] > d:
            found[b + 1, 0], found[b + 1, 1], found[b + 1, 2] = (
                found[b, 0], found[b, 1], found[b, 2],
            )  # fmt: skip
            b -= 1
        found[b + 1, 0], found[b + 1, 1], found[b + 1, 2] = d, left, right


@njit(cache=True, nogil=True)
def _uncovered(claimed: np.ndarray, pieces: int, left: float, right: float) -> float:
    """Length of an interval that disjoint `claimed` ones leave free."""
    free = right - left
    for k in range(pieces):
        free -= max(0.0, min(right, claimed[k, 1]) - max(left, claimed[k, 0]))
    return free


@njit(cache=True, nogil=True)
def _cover(claimed: np.ndarray, pieces: int, left: float, right: float) -> int:
    """Add an interval to the disjoint ones, joining those that it touches; their number."""
    kept = 0
    for k in range(pieces):
        if claimed[k, 1] < left or claimed[k, 0] > right:
            claimed[kept, 0], claimed[kept, 1] = claimed[k, 0], claimed[k, 1]
            kept += 1
        else:
            left, right = min(left, claimed[k, 0]), max(right, claimed[k, 1])
    claimed[kept, 0], claimed[kept, 1] = left, right
    return kept + 1


@njit(cache=True, nogil=True)
def _peak(found: np.ndarray, echoes: int, wave: np.ndarray) -> tuple[float, float]:
    """Place and power of the first maximum of the sum of echoes [distance, share]."""
    last = 0
    for e in range(echoes):
        at, share = found[e, 0], found[e, 1]
        seen = min(max((at - _BLIND_M) / (_SEEN_M - _BLIND_M), 0.0), 1.0)
        begin, end = math.ceil(at * _PER_METRE), int((at + _PULSE_M) * _PER_METRE) + 1
        last = max(last, end)
        for k in range(begin, end):
            sample = math.floor(k * _STEP_M * 100.0 + 0.5) / 100.0
            wave[k] += share * seen / at**2 * math.sin(math.pi * (sample - at) / _PULSE_M) ** 2
    best, height = 0, 0.0
    for k in range(last):
        if wave[k] > height:
            best, height = k, wave[k]
        wave[k] = 0.0
    return best / _PER_METRE - _PULSE_M / 2.0, height
