# SPDX-License-Identifier: BSD-3-Clause
"""How soft assignments to new centres should be, and how large the clusters then are."""

import numpy as np
import torch
from torch import Tensor

from .._support._sources import row_blocks
from .anchor_losses import log_student_t, squared_distances

_N_ROWS = 10_000
_CERTAINTY = 0.5  # mean of the largest assignment of a row
_LARGEST_POWER = 64.0
_SMALLEST_SCALE = 0.01


def settle_kernel(h: np.ndarray, centers: np.ndarray) -> tuple[float, float]:
    """Scale s and power p of the assignment to new centres, so that it is neither flat nor saturated.

    s is the median squared distance of a row to its nearest centre. p is the smallest power >= 1 at which the
    largest assignment of a row is 0.5 in the mean: 1 for few clusters, more for many, whose sum would otherwise
    outweigh any single one.

    Parameters
    ----------
    h : ndarray of shape (n, d)
        Embeddings of unit length; at most 10,000 of them, evenly spread, are looked at.
    centers : ndarray of shape (K, d)

    Returns
    -------
    scale : float
        At least 0.01.
    power : float
        Between 1 and 64.
    """
    rows = h[np.unique(np.linspace(0, len(h) - 1, _N_ROWS).astype(int))]
    distances = squared_distances(torch.from_numpy(rows).double(), torch.from_numpy(centers).double())
    scale = max(distances.min(dim=1).values.median().item(), _SMALLEST_SCALE)
    kernel = -torch.log1p(distances / scale)

    def certainty(power: float) -> float:
        return (power * kernel).softmax(dim=1).amax(dim=1).mean().item()

    low, high = 1.0, _LARGEST_POWER
    if certainty(low) >= _CERTAINTY:
        return scale, low
    for _ in range(20):  # the certainty rises with the power
        middle = (low * high) ** 0.5
        low, high = (low, middle) if certainty(middle) >= _CERTAINTY else (middle, high)
    return scale, high


def cluster_frequency(h: np.ndarray, centers: np.ndarray, scale: float, power: float) -> Tensor:
    """Size f_k = sum_i c_ik of every cluster over the rows of `h` (n, d): float32 (K,) on the CPU."""
    frequency = torch.zeros(len(centers), dtype=torch.float64)
    mu = torch.from_numpy(centers)
    for block in row_blocks(h):
        frequency += log_student_t(torch.from_numpy(h[block]), mu, scale, power).exp().double().sum(dim=0)
    return frequency.float()
