# SPDX-License-Identifier: BSD-3-Clause
"""Cutting the tree of merges into clusters of a size, and giving what is left over to them.

A few rows far from all others are nobody's near neighbours: no path leads back to them, and a rule that merges by
paths joins the largest clusters before it touches them. So clusters below a size are not counted where the tree is
cut, and join the cluster with which they share most edges.
"""

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ..consensus._jit import kernel
from ._path_integral_graph import ClusterShares


@kernel
def node_sizes(children, n_leaves, size):
    """Objects of all nodes of a tree: `size` (n_leaves + m,) holds those of its leaves, the others are written."""
    for i in range(children.shape[0]):
        size[n_leaves + i] = size[children[i, 0]] + size[children[i, 1]]


@kernel
def cut_nodes(children, n_leaves, n_merges, top):
    """`top` (n_leaves + n_merges,): the node without a parent that each node is in after `n_merges` merges."""
    for i in range(n_leaves + n_merges):
        top[i] = i
    for i in range(n_merges - 1, -1, -1):
        top[children[i, 0]] = top[n_leaves + i]
        top[children[i, 1]] = top[n_leaves + i]


def last_cut(
    children: NDArray[np.int64], leaf_size: NDArray[np.int64], n_clusters: int, min_size: int
) -> tuple[int, int]:
    """The largest number of merges after which there are `n_clusters` clusters of at least `min_size` objects.

    Parameters
    ----------
    children : ndarray of shape (m, 2)
        The whole tree.
    leaf_size : ndarray of shape (m + 1,)
        Objects of its leaves.
    n_clusters : int
        From 1 to m + 1.
    min_size : int
        Halved until there are so many.

    Returns
    -------
    n_merges : int
        With ``min_size=1`` that is m + 1 - n_clusters.
    min_size : int
        The size that was used.
    """
    n_leaves = len(leaf_size)
    size = np.concatenate([leaf_size, np.empty(len(children), dtype=np.int64)])
    node_sizes(children, n_leaves, size)
    while True:
        large = (size >= min_size).astype(np.int64)
        change = large[n_leaves:] - large[children[:, 0]] - large[children[:, 1]]
        count = large[:n_leaves].sum() + np.concatenate([[0], np.cumsum(change)])
        found = np.flatnonzero(count == n_clusters)
        if len(found):
            return int(found[-1]), min_size
        min_size //= 2


def cut(children: NDArray[np.int64], leaves: NDArray[np.int64], n_merges: int) -> NDArray[np.int64]:
    """Clusters (n,), 0 .. c - 1, of objects in `leaves` (n,) after the first `n_merges` merges."""
    n_leaves = len(children) + 1
    top = np.empty(n_leaves + n_merges, dtype=np.int64)
    cut_nodes(children, n_leaves, n_merges, top)
    return np.unique(top[leaves], return_inverse=True)[1].reshape(-1)


def attach_small(rows: NDArray, shares: ClusterShares, label: NDArray[np.int64], min_size: int) -> NDArray[np.int64]:
    """Give the clusters below a size to those of that size with which they share most edges, round by round.

    The score of a small cluster t and a large one c is ``sum_{i in t, j in c} (P_ij + P_ji)``, c with what has joined
    it before. If no small cluster has any edge to a large one, they join the one with the nearest centre.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Data.
    shares : ClusterShares
        Of the clusters.
    label : ndarray of shape (n,)
        Clusters, 0 .. c - 1.
    min_size : int
        Least size of a cluster.

    Returns
    -------
    label : ndarray of shape (n,)
        0 .. number of large clusters - 1, in the same order.
    """
    size = np.bincount(label)
    large = np.flatnonzero(size >= min_size)
    owner = np.full(len(size), -1, dtype=np.int64)
    owner[large] = np.arange(len(large))
    flow = scipy.sparse.coo_array(
        (shares.inward + shares.outward, (label[shares.objects], shares.cluster)), shape=(len(size), len(size))
    ).tocsr()
    while (owner < 0).any():
        lost, held = np.flatnonzero(owner < 0), np.flatnonzero(owner >= 0)
        member = scipy.sparse.csr_array((np.ones(len(held)), (held, owner[held])), shape=(len(size), len(large)))
        score = (flow[lost] @ member).tocsr()
        found = score.max(axis=1).toarray().reshape(-1) > 0.0
        if not found.any():
            centres = np.stack([np.bincount(label, weights=column) for column in rows.T], axis=1) / size[:, None]
            for t in lost:
                owner[t] = np.argmin(((centres[large] - centres[t]) ** 2).sum(axis=1))
            break
        owner[lost[found]] = np.asarray(score.argmax(axis=1)).reshape(-1)[found]
    return owner[label]
