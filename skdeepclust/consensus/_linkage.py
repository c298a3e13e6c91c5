# SPDX-License-Identifier: BSD-3-Clause
"""Average linkage on the weighted co-association matrix (LWEA), on distinct label tuples with multiplicities.

Source: D. Huang, C.-D. Wang, J.-H. Lai, "Locally Weighted Ensemble Clustering", IEEE Transactions on
Cybernetics 48(5), 2018, equation 24 and algorithm 1.

Objects with the same tuple of labels share every weight that either of them shares with anyone, so they are
mutual nearest neighbours and average linkage (a reducible linkage) may merge them first. Keeping them together
from the start is therefore exact, except that a cut which would separate identical objects is never made. With
missing labels, where the mean runs over the clusterings that label both objects, it is a definition.
"""

import numpy as np
from numpy.typing import NDArray

from ._graph import count_pair, sum_table_rows, weigh_pair
from ._jit import for_each, kernel, row_blocks

MAX_DISTINCT = 20_000
BLOCK_ROWS = 512


@kernel
def coassociation_rows(codes, missing, offsets, weights, start, stop, out):
    """Distance 1 - (weights of shared clusters) / (clusterings that label both), rows start .. stop - 1."""
    n_clusterings, n = codes.shape
    for i in range(start, stop):
        for j in range(n):
            shared, both = 0.0, 0
            for m in range(n_clusterings):
                if codes[m, i] != missing[m] and codes[m, j] != missing[m]:
                    both += 1
                    if codes[m, i] == codes[m, j]:
                        shared += weights[offsets[m] + np.int64(codes[m, i])]
            out[i, j] = 1.0 - (shared / both if both > 0 else 0.0)


@kernel
def average_linkage(distance, size):
    """Merges of average linkage by nearest-neighbour chains; `distance` (u, u) and `size` (u,) are overwritten.

    Returns ``(left, right, height)``, u - 1 merges in the order in which chains found them; a cluster is named
    by the smaller of its members' smallest indices, which both `left` (kept) and `right` (absorbed) follow.
    """
    u = size.shape[0]
    left, right, height = np.empty(u - 1, np.int64), np.empty(u - 1, np.int64), np.empty(u - 1)
    chain, length = np.empty(u, np.int64), 0
    alive = np.ones(u, dtype=np.bool_)
    for step in range(u - 1):
        if length == 0:
            for i in range(u):
                if alive[i]:
                    chain[0], length = i, 1
                    break
        while True:
            tip = chain[length - 1]
            # The previous link wins ties, otherwise a chain could run in circles.
            near, best = -1, np.inf
            if length > 1:
                near, best = chain[length - 2], distance[tip, chain[length - 2]]
            for j in range(u):
                if alive[j] and j != tip and distance[tip, j] < best:
                    near, best = j, distance[tip, j]
            if length > 1 and near == chain[length - 2]:
                break
            chain[length] = near
            length += 1
        length -= 2
        keep, gone = min(tip, near), max(tip, near)
        left[step], right[step], height[step] = keep, gone, best
        for j in range(u):
            if alive[j] and j != keep and j != gone:
                mean = (size[keep] * distance[keep, j] + size[gone] * distance[gone, j]) / (size[keep] + size[gone])
                distance[keep, j] = mean
                distance[j, keep] = mean
        size[keep] += size[gone]
        alive[gone] = False
    return left, right, height


@kernel
def cut_merges(left, right, order, n_merges, label):
    """Apply the first `n_merges` merges of `order` by union-find; `label` (u,) receives the root of each leaf."""
    for i in range(label.shape[0]):
        label[i] = i
    for s in range(n_merges):
        a, b = left[order[s]], right[order[s]]
        while label[a] != a:
            a = label[a]
        while label[b] != b:
            b = label[b]
        label[max(a, b)] = min(a, b)
    for i in range(label.shape[0]):
        root = i
        while label[root] != root:
            root = label[root]
        label[i] = root


def weighted_distance(codes: NDArray, sizes: NDArray, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """``1 - A`` for the weighted co-association ``A = (1/M) H diag(w) H^T``, shape (n, n); diagonal 0.

    Where labels are missing, M is the number of clusterings that label both objects.
    """
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    out = np.empty((codes.shape[1], codes.shape[1]))
    for_each(lambda r: coassociation_rows(codes, sizes, offsets, weights, *r, out), row_blocks(len(out), BLOCK_ROWS))
    np.fill_diagonal(out, 0.0)
    return out


def cut_average_linkage(
    codes: NDArray, sizes: NDArray, weights: NDArray[np.float64], counts: NDArray, n_clusters: int
) -> NDArray[np.int64]:
    """Cluster distinct label tuples by average linkage and cut the tree into `n_clusters`.

    Parameters
    ----------
    codes : ndarray of shape (M, u)
        Distinct tuples.
    sizes : ndarray of shape (M,)
        Clusters per clustering.
    weights : ndarray of shape (q,)
        Weight of each cluster.
    counts : ndarray of shape (u,)
        Objects per tuple.
    n_clusters : int
        Number of clusters, at most u.

    Returns
    -------
    labels : ndarray of shape (u,), int64
        0 .. n_clusters - 1.

    Raises
    ------
    ValueError
        If there are more than 20,000 distinct tuples: the matrix would be too large.
    """
    u = codes.shape[1]
    if u > MAX_DISTINCT:
        raise ValueError(
            f"method='average' needs a {u} x {u} matrix for {u} distinct label tuples; the limit is {MAX_DISTINCT}. "
            "Use method='transfer_cut', or fewer base clusterings."
        )
    left, right, height = average_linkage(weighted_distance(codes, sizes, weights), counts.astype(np.float64))
    root = np.empty(u, dtype=np.int64)
    cut_merges(left, right, np.argsort(height, kind="stable"), u - n_clusters, root)
    return np.unique(root, return_inverse=True)[1].reshape(-1)


def cluster_composition(
    codes: NDArray, sizes: NDArray, counts: NDArray[np.int64] | None, labels: NDArray, n_clusters: int
) -> NDArray[np.int64]:
    """Objects of each base cluster in each consensus cluster, (q, n_clusters).

    Column i of `codes` stands for ``counts[i]`` objects (default 1) with the consensus label ``labels[i]``.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)])
    out = np.empty((starts[-1], n_clusters), dtype=np.int64)

    def clustering(m):  # the code sizes[m] is a missing label: its row is left out
        if counts is None:
            table = count_pair(codes[m], labels, sizes[m] + 1, n_clusters)
        else:
            table = weigh_pair(codes[m], labels, counts, sizes[m] + 1, n_clusters)
        out[starts[m] : starts[m + 1]] = table[:-1]

    for_each(clustering, range(len(sizes)))
    return out


def mean_association_table(
    codes: NDArray, sizes: NDArray, weights: NDArray[np.float64], counts: NDArray, labels: NDArray, n_clusters: int
) -> NDArray[np.float64]:
    """Table (q, n_clusters) whose rows, summed over an object's clusters, give its mean co-association.

    ``T[j, c] = w_j * (objects of cluster c in base cluster j) / (M * objects in c)``; the sum over the M
    clusters of an object is the mean over c of the weighted co-association with it.
    """
    table = cluster_composition(codes, sizes, counts, labels, n_clusters)
    total = np.bincount(labels, weights=counts, minlength=n_clusters)
    return table * weights[:, None] / (len(sizes) * total)


def sum_rows(codes: NDArray, offsets: NDArray[np.int64], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over the clusterings of the rows of a padded table, shape (n, c)."""
    out = np.empty((codes.shape[1], table.shape[1]))
    for_each(lambda r: sum_table_rows(codes, offsets, table, *r, out), row_blocks(len(out), BLOCK_ROWS * 32))
    return out
