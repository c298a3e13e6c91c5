# SPDX-License-Identifier: BSD-3-Clause
"""From an embedding to labels: k-means centres, nearest centre, membership.

Labels in ``fit`` and ``predict`` come from the same per-row kernel, so the label of a row depends on that row
alone and is reproduced exactly.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from .._support._warnings import ClusterCollapseWarning
from ._jit import for_each, kernel, one_thread, row_blocks
from ._labels import order_by_size

MAX_KMEANS_ROWS = 200_000
BLOCK_ROWS = 16384


@kernel
def nearest_centres(points, centres, start, stop, label, distance):
    """Index of and squared distance to the nearest centre, rows start .. stop - 1; ties go to the first."""
    for i in range(start, stop):
        best, best_distance = 0, np.inf
        for j in range(centres.shape[0]):
            total = 0.0
            for c in range(centres.shape[1]):
                difference = points[i, c] - centres[j, c]
                total += difference * difference
            if total < best_distance:
                best, best_distance = j, total
        label[i] = best
        distance[i] = best_distance


@kernel
def soft_membership(points, centres, rank, spread, start, stop, out):
    """``out[i, rank[j]] = exp(-|f_i - c_j|^2 / spread) / sum``; the nearest centre's share is strictly largest."""
    n_clusters = centres.shape[0]
    for i in range(start, stop):
        best, best_distance = 0, np.inf
        for j in range(n_clusters):
            total = 0.0
            for c in range(centres.shape[1]):
                difference = points[i, c] - centres[j, c]
                total += difference * difference
            out[i, rank[j]] = total
            if total < best_distance:
                best, best_distance = j, total
        total = 0.0
        for j in range(n_clusters):
            out[i, j] = math.exp(-(out[i, j] - best_distance) / spread)
            total += out[i, j]
        for j in range(n_clusters):
            out[i, j] /= total
        favour(out, i, rank[best])


@kernel
def favour(shares, i, winner):
    """Make ``shares[i, winner]`` the largest of its row, by one rounding step, where rounding has made a tie."""
    for j in range(shares.shape[1]):
        if j != winner and shares[i, j] >= shares[i, winner]:
            shares[i, winner] = np.nextafter(shares[i, j], 2.0)


@dataclass(frozen=True)
class CentreRule:
    """Nearest-centre rule with labels numbered by cluster size.

    Attributes
    ----------
    centres : ndarray of shape (k, c)
        Centres of the non-empty clusters, in the order in which k-means returned them (ties between centres
        are decided by this order).
    rank : ndarray of shape (k,), int64
        Label of each centre.
    spread : float
        Mean squared distance of an object to its centre; the scale of :meth:`membership`.
    n_iter : int
        Iterations of the best run of k-means.
    """

    centres: NDArray[np.float64]
    rank: NDArray[np.int64]
    spread: float
    n_iter: int

    def labels(self, embedding: NDArray[np.float64]) -> NDArray[np.int32]:
        """Label of each row, shape (n,), int32."""
        return self.rank[nearest(embedding, self.centres)[0]].astype(np.int32)

    def membership(self, embedding: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shares (n, k): softmax of -squared distance / spread; argmax equals :meth:`labels`."""
        out = np.empty((len(embedding), len(self.centres)))
        spread = max(self.spread, 1e-12)

        def block(rows):
            soft_membership(embedding, self.centres, self.rank, spread, *rows, out)

        for_each(block, row_blocks(len(out), BLOCK_ROWS))
        return out


def nearest(embedding: NDArray[np.float64], centres: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Nearest centre (int64) and squared distance (float64) of each row."""
    label = np.empty(len(embedding), dtype=np.int64)
    distance = np.empty(len(embedding))
    for_each(
        lambda rows: nearest_centres(embedding, centres, *rows, label, distance),
        row_blocks(len(embedding), BLOCK_ROWS),
    )
    return label, distance


def kmeans_centres(
    points: NDArray, n_clusters: int, weights: NDArray | None, n_init: int, max_iter: int, seed: int, init="k-means++"
) -> tuple[NDArray, int]:
    """Centres and iterations of scikit-learn's k-means, on one thread so that their number cannot matter."""
    model = KMeans(n_clusters, init=init, n_init=n_init, max_iter=max_iter, random_state=seed)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points than clusters: seen by callers
        model.fit(points, sample_weight=weights)
    return model.cluster_centers_, model.n_iter_


def discretise(
    embed: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    n_rows: int,
    n_clusters: int,
    *,
    weights: NDArray | None = None,
    n_init: int = 3,
    max_iter: int = 100,
    seed: int = 0,
) -> tuple[CentreRule, NDArray[np.int32]]:
    """Cluster the rows of an embedding by k-means and number the clusters by size.

    Parameters
    ----------
    embed : callable
        ``embed(rows)`` returns the embedding of those rows, (len(rows), c). The whole embedding is never held
        when there are more than 200,000 rows; centres then come from a random sample of that size.
    n_rows : int
        Number of rows.
    n_clusters : int
        Number of clusters wanted.
    weights : ndarray of shape (n_rows,), optional
        Multiplicity of each row.
    n_init, max_iter, seed : int
        Restarts, iterations and seed of k-means.

    Returns
    -------
    rule : CentreRule
    labels : ndarray of shape (n_rows,), int32

    Warns
    -----
    ClusterCollapseWarning
        If fewer than `n_clusters` clusters are non-empty.
    """
    everything = n_rows <= MAX_KMEANS_ROWS
    rows = np.arange(n_rows)
    if not everything:
        rows = np.sort(check_random_state(seed).choice(n_rows, MAX_KMEANS_ROWS, replace=False))
    points = embed(rows)
    sample_weights = None if weights is None else weights[rows].astype(np.float64)
    centres, n_iter = kmeans_centres(points, min(n_clusters, len(rows)), sample_weights, n_init, max_iter, seed)

    raw = np.empty(n_rows, dtype=np.int64)
    distance = np.empty(n_rows)
    if everything:
        raw[:], distance[:] = nearest(points, centres)
    else:
        for start, stop in row_blocks(n_rows, MAX_KMEANS_ROWS):
            raw[start:stop], distance[start:stop] = nearest(embed(np.arange(start, stop)), centres)

    order = order_by_size(raw, len(centres), weights)
    if len(order) < n_clusters:
        warnings.warn(
            f"n_clusters={n_clusters} clusters were asked for, but the data separate into {len(order)} only; "
            f"{len(order)} were kept. Lower n_clusters, or pass more varied data, to avoid this.",
            ClusterCollapseWarning,
            stacklevel=4,
        )
    number = np.full(len(centres), -1, dtype=np.int64)
    number[order] = np.arange(len(order))
    kept = np.flatnonzero(number >= 0)
    rule = CentreRule(centres[kept], number[kept], float(np.average(distance, weights=weights)), n_iter)
    return rule, number[raw].astype(np.int32)
