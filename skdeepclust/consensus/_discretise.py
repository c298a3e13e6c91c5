# SPDX-License-Identifier: BSD-3-Clause
"""From an embedding to labels: k-means centres, nearest centre, membership.

Labels in ``fit`` and ``predict`` come from the same per-row kernel, so the label of a row depends on that row
alone and is reproduced exactly. Centres come from a random sample of at most MAX_KMEANS_ROWS rows, equal rows
counted once with their multiplicity, and for more rows from a few exact passes of Lloyd's algorithm over all of
them. The order of the rows does not matter: distinct rows are sorted by a hash, sums are sums of integers.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from .._support._warnings import ClusterCollapseWarning
from ._exact_sums import fixed_point_scale
from ._jit import for_each, kernel, one_thread, row_blocks
from ._parts import n_rows, sample_rows, split, take, total

MAX_KMEANS_ROWS = 20_000
LLOYD_PASSES = 2
BLOCK_ROWS = 16384
SWEEP_ROWS = 2048  # a block of the embedding stays in the second cache level


@kernel
def nearest_centres(points, transposed, start, stop, label, distance):
    """Index of and squared distance to the nearest centre, rows start .. stop - 1; ties go to the first.

    `transposed` (c, k) holds the centres as columns: all k distances grow together, in vector registers.
    """
    n_clusters = transposed.shape[1]
    measured = np.empty(n_clusters)
    for i in range(start, stop):
        measured[:] = 0.0
        for c in range(transposed.shape[0]):
            value = np.float64(points[i, c])
            for j in range(n_clusters):
                difference = value - transposed[c, j]
                measured[j] += difference * difference
        best = 0
        for j in range(1, n_clusters):
            if measured[j] < measured[best]:
                best = j
        label[i] = best
        distance[i] = measured[best]


@kernel
def add_to_centres(points, weights, label, distance, scale, sums):
    """Add the rows to the int64 `sums` (k, c + 2): coordinates, weight and squared distance, times weight and scale."""
    n_columns = points.shape[1]
    for i in range(points.shape[0]):
        row, weight = sums[label[i]], weights[i] * scale
        for c in range(n_columns):
            row[c] += np.int64(np.rint(points[i, c] * weight))
        row[n_columns] += np.int64(np.rint(weight))
        row[n_columns + 1] += np.int64(np.rint(distance[i] * weight))


@kernel
def hash_points(points, out):
    """A 64-bit hash of every row of float64 bits, given as uint64; the finaliser of MurmurHash3 after every value."""
    for i in range(points.shape[0]):
        h = np.uint64(0x9E3779B97F4A7C15)
        for c in range(points.shape[1]):
            h ^= points[i, c] + np.uint64(0x9E3779B97F4A7C15)
            h ^= h >> np.uint64(33)
            h *= np.uint64(0xFF51AFD7ED558CCD)
            h ^= h >> np.uint64(33)
            h *= np.uint64(0xC4CEB9FE1A85EC53)
            h ^= h >> np.uint64(33)
        out[i] = h


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
    columns = np.ascontiguousarray(centres.T, dtype=np.float64)
    for_each(
        lambda rows: nearest_centres(embedding, columns, *rows, label, distance),
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


def distinct_points(
    points: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distinct rows and their total weights, in an order that does not depend on the order of the rows.

    Rows of weight 0 are left out. The order is that of a hash; if two different rows share one, it is lexicographic.
    """
    weights = np.ones(len(points)) if weights is None else weights
    points = points[weights > 0] + 0.0  # turns -0.0 into 0.0, which are equal but hash differently
    weights = weights[weights > 0]
    hashes = np.empty(len(points), dtype=np.uint64)
    hash_points(points.view(np.uint64), hashes)
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    if not np.array_equal(points[first][inverse], points):
        _, first, inverse = np.unique(points, axis=0, return_index=True, return_inverse=True)
    mass = np.bincount(inverse.reshape(-1), weights=weights, minlength=len(first))
    return points[first], mass.astype(np.float64)


def sample_centres(
    points: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    n_clusters: int,
    *,
    n_init: int,
    max_iter: int,
    seed: int,
) -> tuple[NDArray[np.float64], int]:
    """k-means centres of embedded rows: weighted k-means of the distinct ones.

    Parameters
    ----------
    points : ndarray of shape (m, c), float64
        Embedded rows.
    weights : ndarray of shape (m,) or None
        Their weights.
    n_clusters, n_init, max_iter, seed : int
        As in scikit-learn's KMeans.

    Returns
    -------
    centres : ndarray of shape (at most n_clusters, c)
    n_iter : int
        Iterations of the best run.
    """
    distinct, mass = distinct_points(points, weights)
    return kmeans_centres(distinct, min(n_clusters, len(distinct)), mass, n_init, max_iter, seed)


def sweep(
    state: Any, weights: NDArray[np.float64] | None, *, embed: Any, centres: NDArray[np.float64], scale: float
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """One pass over the rows of a part: nearest centre of each, and what the centres would move to.

    Parameters
    ----------
    state : object
        The part; ``embed(state, start, stop)`` is the embedding (stop - start, c) of some of its rows.
    weights : ndarray of shape (n,) or None
        Weights of the rows.
    embed : callable
        Its attribute ``length(state)`` is the number of rows of the part.
    centres : ndarray of shape (k, c)
        Centres.
    scale : float
        Units per 1 of the sums.

    Returns
    -------
    label : ndarray of shape (n,), int32
        Index of the nearest centre.
    sums : ndarray of shape (k, c + 2), int64
        Per centre the sums of the coordinates, of the weights and of the squared distances of its rows.
    """
    n = embed.length(state)
    label = np.empty(n, dtype=np.int32)
    blocks = row_blocks(n, SWEEP_ROWS)
    columns = np.ascontiguousarray(centres.T)
    # A few accumulators, each with every so-manieth block: integers add up the same way however they are dealt out.
    groups = [blocks[g::8] for g in range(min(8, len(blocks)))]
    sums = np.zeros((len(groups), len(centres), centres.shape[1] + 2), dtype=np.int64)

    def work(g):
        distance = np.empty(SWEEP_ROWS)
        for start, stop in groups[g]:
            points = embed(state, start, stop)
            nearest_centres(points, columns, 0, stop - start, label[start:stop], distance)
            mass = np.ones(stop - start) if weights is None else weights[start:stop]
            add_to_centres(points, mass, label[start:stop], distance, scale, sums[g])

    for_each(work, range(len(groups)))
    return label, sums.sum(axis=0)


def sweep_sums(state, weights, **fixed):
    """The second result of :func:`sweep`."""
    return sweep(state, weights, **fixed)[1]


def embed_at(state, rows, *, embed):
    """Embedding of single rows of a part."""
    return embed.rows(state, rows)


def find_centres(
    parts: Any,
    states: list,
    embed: Any,
    n_clusters: int,
    *,
    weights: NDArray[np.float64] | None = None,
    n_init: int = 3,
    max_iter: int = 100,
    seed: int = 0,
) -> tuple[NDArray[np.float64], int]:
    """Centres of k-means on the rows of an embedding; the whole embedding is never held.

    They come from a random sample of at most MAX_KMEANS_ROWS rows, followed by LLOYD_PASSES passes over all rows
    where the sample does not hold all of them. Parameters are those of :func:`discretise`.

    Returns
    -------
    centres : ndarray of shape (at most n_clusters, c)
    n_iter : int
        Iterations of the best run on the sample.
    """
    n = n_rows(parts)
    rows = sample_rows(n, MAX_KMEANS_ROWS, seed)
    points = take(parts, embed_at, rows, states, embed=embed)
    mass = None if weights is None else weights[rows]
    centres, n_iter = sample_centres(points, mass, n_clusters, n_init=n_init, max_iter=max_iter, seed=seed)
    for _ in range(LLOYD_PASSES if len(rows) < n else 0):
        scale = sweep_scale(parts, weights)
        sums = total(parts, sweep_sums, states, split(parts, weights), embed=embed, centres=centres, scale=scale)
        filled = sums[:, -2] > 0
        centres = centres.copy()
        centres[filled] = sums[filled, :-2] / sums[filled, -2:-1]
    return centres, n_iter


def sweep_scale(parts: Any, weights: NDArray[np.float64] | None) -> float:
    """Units per 1 of the sums of :func:`sweep`: squared distances between unit vectors are at most 4."""
    return fixed_point_scale(4.0 * (n_rows(parts) if weights is None else float(weights.sum())))


def discretise(
    parts: Any,
    states: list,
    embed: Any,
    n_clusters: int,
    *,
    weights: NDArray[np.float64] | None = None,
    n_init: int = 3,
    max_iter: int = 100,
    seed: int = 0,
) -> tuple[CentreRule, NDArray[np.int32]]:
    """Cluster the rows of an embedding by k-means and number the clusters by size.

    Parameters
    ----------
    parts : LocalParts or DaskParts
        Where the rows are.
    states : list
        What each part holds of its rows.
    embed : callable
        ``embed(state, start, stop)`` and ``embed.rows(state, rows)`` are embeddings (rows, c) with entries in
        [-1, 1], ``embed.length(state)`` a number of rows.
    n_clusters : int
        Number of clusters wanted.
    weights : ndarray of shape (n,), optional
        Weight (multiplicity) of each row.
    n_init, max_iter, seed : int
        Restarts, iterations and seed of k-means on the sample.

    Returns
    -------
    rule : CentreRule
    labels : ndarray of shape (n,), int32

    Warns
    -----
    ClusterCollapseWarning
        If fewer than `n_clusters` clusters are non-empty.
    """
    centres, n_iter = find_centres(
        parts, states, embed, n_clusters, weights=weights, n_init=n_init, max_iter=max_iter, seed=seed
    )
    scale, cut = sweep_scale(parts, weights), split(parts, weights)
    while True:
        results = parts.collect(parts.map(sweep, states, cut, embed=embed, centres=centres, scale=scale))
        sums = sum(s for _, s in results)
        filled = sums[:, -2] > 0
        if filled.all():
            break
        centres = centres[filled]  # a row of weight 0 may be nearest to a cluster that nothing else is in
    warn_of_collapse(n_clusters, len(centres))
    spread = float(sums[:, -1].sum() / sums[:, -2].sum())
    rule = CentreRule(np.ascontiguousarray(centres), rank_by_size(sums[:, -2], centres), spread, n_iter)
    return rule, rule.rank.astype(np.int32)[np.concatenate([label for label, _ in results])]


def rank_by_size(size: NDArray, centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of each cluster when the largest comes first; equal sizes in the order of their centres' coordinates."""
    rank = np.empty(len(size), dtype=np.int64)
    coordinates = np.round(centres, 6).T[::-1]  # rounded, so that the last bits do not rename clusters
    rank[np.lexsort([*coordinates, -size])] = np.arange(len(size))
    return rank


def warn_of_collapse(wanted: int, found: int) -> None:
    """Say that there are fewer clusters than asked for, if so."""
    if found < wanted:
        warnings.warn(
            f"n_clusters={wanted} clusters were asked for, but the data separate into {found} only; {found} were kept. "
            "Lower n_clusters, or pass more varied data, to avoid this.",
            ClusterCollapseWarning,
            stacklevel=5,
        )
