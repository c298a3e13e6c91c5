# SPDX-License-Identifier: BSD-3-Clause
"""The directed neighbour graph of agglomerative clustering by path integrals, and what clusters know of it.

Symbols: n objects, K neighbours of each, D their squared distances (n, K), P the transition matrix (n, n), of which
the entries at the neighbours are kept (n, K).
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from ..consensus._jit import kernel

MIN_SIMILARITY = 1e-5  # of each object and its nearest neighbour


def kernel_width(distance: NDArray[np.float64], scale: float) -> float:
    """``sigma^2 = scale * mean(D)``, doubled until ``exp(-D_i1 / sigma^2) >= 1e-5`` for the nearest of every object.

    Parameters
    ----------
    distance : ndarray of shape (n, K)
        D, ascending in each row.
    scale : float
        a of the paper.

    Returns
    -------
    width : float
        1 where all distances are 0.

    Raises
    ------
    ValueError
        If squared distances do not fit into float64.
    """
    width = scale * float(distance.mean())
    if not np.isfinite(width):
        raise ValueError(
            "X has values so large that the squares of distances overflow; scale it, for instance with "
            "sklearn.preprocessing.StandardScaler."
        )
    if width == 0.0:
        return 1.0
    while float(distance[:, 0].max()) > -np.log(MIN_SIMILARITY) * width:
        width *= 2.0
    return width


def transition_probabilities(distance: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """``P_ij = W_ij / sum_j W_ij`` at the neighbours, with ``W_ij = exp(-D_ij / sigma^2)`` and ``W_ii = 1``.

    Parameters
    ----------
    distance : ndarray of shape (n, K)
        D.
    width : float
        sigma^2.

    Returns
    -------
    transition : ndarray of shape (n, K)
        P at the neighbours; a row sums to 1 with the entry of the object itself, which no affinity of two clusters
        depends on.
    """
    similarity = np.exp(-distance / width)
    return similarity / (1.0 + similarity.sum(axis=1, keepdims=True))


def joined_by(edges: list[tuple[NDArray, NDArray]], n: int) -> NDArray[np.int64]:
    """Component (n,) of each object in the graph of the edges (from, to), numbered by first occurrence."""
    source, target = (np.concatenate(ends) for ends in zip(*edges, strict=True))
    graph = scipy.sparse.coo_array((np.ones(len(source), dtype=bool), (source, target)), shape=(n, n))
    found = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def equal_rows(rows: NDArray, index: NDArray[np.int32], distance: NDArray[np.float64]) -> list[tuple[NDArray, NDArray]]:
    """Edges that join rows at distance 0; without them equal rows could get different labels.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Data.
    index, distance : ndarrays of shape (n, K)
        Neighbours and their squared distances.

    Returns
    -------
    edges : list of pairs of ndarrays
    """
    i, s = np.nonzero(distance == 0.0)
    twins = np.flatnonzero(distance[:, 0] == 0.0)  # all that can have an equal row
    _, first, inverse = np.unique(rows[twins], axis=0, return_index=True, return_inverse=True)
    return [(i, index[i, s].astype(np.int64)), (twins, twins[first][inverse.reshape(-1)])]


@kernel
def fill_shares(index, transition, to_start, to_row, to_value, label, start, cluster, inward, outward):
    """See :class:`ClusterShares`; `to_start`, `to_row`, `to_value` are the columns of P."""
    n, k = index.shape
    where = np.full(label.max() + 1, -1, dtype=np.int64)
    used = 0
    for j in range(n):
        start[j] = used
        for s in range(k + to_start[j + 1] - to_start[j]):
            t = to_start[j] + s - k
            a = label[index[j, s]] if s < k else label[to_row[t]]
            if a == label[j]:
                continue
            if where[a] < 0:
                where[a] = used
                cluster[used], inward[used], outward[used] = a, 0.0, 0.0
                used += 1
            if s < k:
                outward[where[a]] += transition[j, s]
            else:
                inward[where[a]] += to_value[t]
        for s in range(start[j], used):
            where[cluster[s]] = -1
    start[n] = used


@dataclass(frozen=True)
class ClusterShares:
    """For every object j and every other cluster a with an edge from or to it, what goes from a to j and back.

    Attributes
    ----------
    start : ndarray of shape (n + 1,), int64
        Entries start[j] .. start[j + 1] - 1 belong to object j.
    cluster : ndarray of shape (E,), int32
        a.
    inward : ndarray of shape (E,), float64
        ``in_a(j) = sum_{i in a} P_ij``.
    outward : ndarray of shape (E,), float64
        ``out_a(j) = sum_{i in a} P_ji``.
    """

    start: NDArray[np.int64]
    cluster: NDArray[np.int32]
    inward: NDArray[np.float64]
    outward: NDArray[np.float64]

    @property
    def objects(self) -> NDArray[np.int32]:
        """Object of each entry, shape (E,)."""
        return np.repeat(np.arange(len(self.start) - 1, dtype=np.int32), np.diff(self.start))

    def symmetric(self) -> "ClusterShares":
        """The same where every edge counts in both directions."""
        both = self.inward + self.outward
        return ClusterShares(self.start, self.cluster, both, both.copy())


def cluster_shares(
    index: NDArray[np.int32], transition: NDArray[np.float64], label: NDArray[np.int64]
) -> ClusterShares:
    """:class:`ClusterShares` of clusters, `label` (n,) with values 0 .. c - 1, in the graph `index`, `transition`."""
    n, k = index.shape
    by_column = scipy.sparse.csr_array((transition.ravel(), index.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    by_column = by_column.tocsc()
    start = np.empty(n + 1, dtype=np.int64)
    cluster = np.empty(2 * n * k, dtype=np.int32)
    inward, outward = np.empty(2 * n * k), np.empty(2 * n * k)
    columns = (by_column.indptr.astype(np.int64), by_column.indices, by_column.data)
    fill_shares(index, transition, *columns, label, start, cluster, inward, outward)
    return ClusterShares(start, *(part[: start[n]].copy() for part in (cluster, inward, outward)))


def round_trips(shares: ClusterShares, label: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Adjacent pairs of clusters and ``1^T P_ab P_ba 1 = sum_{j in b} in_a(j) out_a(j)`` in both directions.

    Parameters
    ----------
    shares : ClusterShares
        Of the clusters.
    label : ndarray of shape (n,)
        Clusters of the objects.

    Returns
    -------
    ends : ndarray of shape (2 m,), int32
        ``ends[2 p] < ends[2 p + 1]`` are the clusters of pair p; pairs are sorted.
    trips : ndarray of shape (2 m,), float64
        The sum for a = ``ends[t]`` and b = ``ends[t ^ 1]``.
    """
    n_clusters = int(label.max()) + 1
    a, b = shares.cluster.astype(np.int64), label[shares.objects]
    pairs, place = np.unique(np.minimum(a, b) * n_clusters + np.maximum(a, b), return_inverse=True)
    ends = np.stack([pairs // n_clusters, pairs % n_clusters], axis=1).astype(np.int32).reshape(-1)
    trips = np.bincount(2 * place + (a > b), weights=shares.inward * shares.outward, minlength=len(ends))
    return ends, trips.astype(np.float64)
