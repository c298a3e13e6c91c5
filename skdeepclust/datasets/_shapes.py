# SPDX-License-Identifier: BSD-3-Clause
"""Four random shapes of the plane. Each function draws n points, shape (n, 2), float64; e is standard normal."""

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]


def gaussian(rng: np.random.Generator, n: int, *, centre: Point, spread: Point) -> NDArray[np.float64]:
    """``x = centre + spread * e``, coordinate by coordinate."""
    return centre + np.asarray(spread) * rng.standard_normal((n, 2))


def ring(rng: np.random.Generator, n: int, *, centre: Point, radius: float, noise: float) -> NDArray[np.float64]:
    """``x = centre + (radius + noise e) (cos t, sin t)``, t uniform over the full turn: noise across the ring."""
    turn = rng.uniform(0.0, 2.0 * np.pi, n)
    reach = radius + noise * rng.standard_normal(n)
    return centre + np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=1)


def arc(
    rng: np.random.Generator, n: int, *, centre: Point, radius: float, angles: tuple[float, float], noise: float
) -> NDArray[np.float64]:
    """``x = centre + radius (cos t, sin t) + noise e``, t uniform between two angles: noise in both coordinates."""
    turn = rng.uniform(*angles, n)
    return centre + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1) + noise * rng.standard_normal((n, 2))


def segment(rng: np.random.Generator, n: int, *, ends: tuple[Point, Point], noise: float) -> NDArray[np.float64]:
    """``x = (1 - t) p + t q + noise e``, t uniform in [0, 1], p and q the ends."""
    first, last = np.asarray(ends)
    share = rng.uniform(0.0, 1.0, (n, 1))
    return first + share * (last - first) + noise * rng.standard_normal((n, 2))
