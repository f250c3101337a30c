"""K-means in the plane that begins where the last scan's ended."""

from __future__ import annotations

import numpy as np
from numba import njit


class KMeans:
    """Clusters of points in the plane, with the last centres as the first guess.

    Args:
        count: K; fewer if there are fewer distinct points.
        iterations: at most.
        warm: whether to begin with the centres of the call before; else from scratch each time.
    """

    def __init__(self, count: int, iterations: int, warm: bool = True) -> None:
        self.count, self.iterations, self.warm = count, iterations, warm
        self.centers = np.zeros((0, 2))

    def reset(self) -> None:
        """Forget the centres."""
        self.centers = np.zeros((0, 2))

    def assign(self, xy: np.ndarray) -> np.ndarray:
        """(N,) int32 cluster of each point of `xy` (N, 2) float32; some numbers may stay unused.

        The same calls give the same clusters: the only chance is the seeding of the first call,
        whose generator is its own.
        """
        if not len(xy):
            return np.zeros(0, np.int32)
        centers = self.centers
        if not self.warm or not len(centers):
            centers = _spread(xy, self.count)
        centers = centers.copy()
        labels = np.full(len(xy), -1, np.int32)
        for _ in range(self.iterations):
            if not _step(xy.astype(np.float32, copy=False), centers, labels):
                break
        self.centers = centers
        return labels


def _spread(xy: np.ndarray, count: int) -> np.ndarray:
    """First centres far from each other (k-means++: Arthur and Vassilvitskii, SODA 2007)."""
    rng = np.random.default_rng(0)
    points = xy[rng.choice(len(xy), min(len(xy), 4096), replace=False)].astype(np.float64)
    centers = [points[0]]
    away = ((points - points[0]) ** 2).sum(1)
    while len(centers) < count and away.max() > 0:
        centers.append(points[rng.choice(len(points), p=away / away.sum())])
        away = np.minimum(away, ((points - centers[-1]) ** 2).sum(1))
    return np.array(centers)


@njit(nogil=True, cache=True, error_model="numpy")
def _step(xy, centers, labels):  # type: ignore[no-untyped-def]
    """Give each point its nearest centre and move the centres; False if no point changed.

    A centre that has lost all its points goes to the point that is farthest from its own.
    """
    count = len(centers)
    sums, sizes = np.zeros((count, 2)), np.zeros(count, np.int64)
    changed = False
    farthest, at = -1.0, 0
    for i in range(len(xy)):
        x, y = np.float64(xy[i, 0]), np.float64(xy[i, 1])
        best, nearest = 0, np.inf
        for k in range(count):
            away = (x - centers[k, 0]) ** 2 + (y - centers[k, 1]) ** 2
            if away < nearest:
                best, nearest = k, away
        changed |= labels[i] != best
        labels[i] = best
        sums[best, 0] += x
        sums[best, 1] += y
        sizes[best] += 1
        if nearest > farthest:
            farthest, at = nearest, i
    for k in range(count):
        if sizes[k]:
            centers[k] = sums[k] / sizes[k]
        elif farthest > 0.0:
            centers[k, 0], centers[k, 1] = xy[at, 0], xy[at, 1]
            changed, farthest = True, 0.0  # one a step: two at one place would never part
    return changed
