# SPDX-License-Identifier: BSD-3-Clause
"""The tree of merges from initial clusters to one: path integrals first, and what to do when they are all 0.

An affinity is 0 where no path leads from one cluster to the other and back. Then the same sums are taken with every
edge counted in both directions, and once no edge is left either, the clusters with the nearest centres are joined.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..consensus._jit import kernel
from ._path_integral_graph import ClusterShares, cluster_shares, round_trips
from ._path_integral_merge import merge_clusters


@kernel
def spanning_tree(centres, left, right, length):
    """Prim's algorithm on squared distances of `centres` (c, d): c - 1 edges, in the order in which they are found."""
    n, n_features = centres.shape
    nearest, distance = np.zeros(n, dtype=np.int64), np.full(n, np.inf)
    done = np.zeros(n, dtype=np.bool_)
    newest = 0
    for step in range(n - 1):
        done[newest] = True
        best = -1
        for j in range(n):
            if done[j]:
                continue
            total = 0.0
            for c in range(n_features):
                total += (centres[j, c] - centres[newest, c]) ** 2
            if total < distance[j]:
                nearest[j], distance[j] = newest, total
            if best < 0 or distance[j] < distance[best]:
                best = j
        left[step], right[step], length[step] = nearest[best], best, distance[best]
        newest = best


@dataclass(frozen=True)
class MergeTree:
    """Clusters after some merges, and the merges.

    Attributes
    ----------
    labels : ndarray of shape (n,), int64
        Cluster of each object, 0 .. c - 1.
    names : ndarray of shape (c,), int64
        Node of the tree that each cluster is: an initial cluster, or their number and that of the merge added.
    children : ndarray of shape (m, 2), int64
        Nodes that each merge joined.
    affinities : ndarray of shape (m,), float64
        Their affinities.
    """

    labels: NDArray[np.int64]
    names: NDArray[np.int64]
    children: NDArray[np.int64]
    affinities: NDArray[np.float64]

    @property
    def n_clusters(self) -> int:
        """Number of clusters left."""
        return len(self.names)

    def after(self, root: NDArray[np.int64], names: NDArray[np.int64], children, affinities) -> "MergeTree":
        """The tree after more merges: `root` and `names` (c,) say what has become of its clusters."""
        kept, position = np.unique(root, return_inverse=True)
        return MergeTree(
            position.reshape(-1)[self.labels],
            names[kept],
            np.concatenate([self.children, children]),
            np.concatenate([self.affinities, affinities]),
        )


def unmerged(labels: NDArray[np.int64]) -> MergeTree:
    """The tree before the first merge."""
    names = np.arange(int(labels.max()) + 1)
    return MergeTree(labels, names, np.empty((0, 2), dtype=np.int64), np.empty(0))


def merge_adjacent(tree: MergeTree, shares: ClusterShares) -> MergeTree:
    """Merge the pair with the largest affinity until no affinity is positive."""
    n_merges = tree.n_clusters - 1
    ends, trips = round_trips(shares, tree.labels)
    size = np.bincount(tree.labels).astype(np.float64)
    root, names = np.arange(tree.n_clusters), tree.names.copy()
    children, affinities = np.empty((n_merges, 2), dtype=np.int64), np.empty(n_merges)
    first_name = tree.n_clusters + 2 * len(tree.children)  # initial clusters and merges so far
    own = (shares.start, shares.cluster, shares.inward, shares.outward, shares.objects)
    done = merge_clusters(ends, trips, size, tree.labels, *own, root, names, first_name, children, affinities)
    return tree.after(root, names, children[:done], affinities[:done])


def merge_near(tree: MergeTree, rows: NDArray) -> MergeTree:
    """Join the clusters whose centres are nearest (single linkage of the centres) until one is left."""
    c = tree.n_clusters
    size = np.bincount(tree.labels)
    centres = np.stack([np.bincount(tree.labels, weights=column) for column in rows.T], axis=1) / size[:, None]
    left, right, length = np.empty(c - 1, dtype=np.int64), np.empty(c - 1, dtype=np.int64), np.empty(c - 1)
    spanning_tree(centres, left, right, length)
    root, names = np.arange(c), tree.names.copy()
    children = np.empty((c - 1, 2), dtype=np.int64)
    first_name = c + 2 * len(tree.children)
    for step, edge in enumerate(np.argsort(length, kind="stable")):
        a, b = root[left[edge]], root[right[edge]]
        children[step] = sorted((names[a], names[b]))
        root[root == b] = a
        names[a] = first_name + step
    return tree.after(root, names, children, np.zeros(len(children)))


def agglomerate(
    rows: NDArray, index: NDArray[np.int32], transition: NDArray[np.float64], initial: NDArray[np.int64]
) -> tuple[MergeTree, int, int]:
    """Merge initial clusters until one is left.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Data.
    index : ndarray of shape (n, K), int32
        Neighbours.
    transition : ndarray of shape (n, K)
        P at the neighbours.
    initial : ndarray of shape (n,), int64
        Initial clusters, 0 .. c - 1.

    Returns
    -------
    tree : MergeTree
    n_by_paths : int
        Merges before all affinities were 0.
    n_by_edges : int
        Merges before no edge was left.
    """
    # 1. The affinity of the paper.
    tree = unmerged(initial)
    tree = merge_adjacent(tree, cluster_shares(index, transition, tree.labels))
    n_by_paths = n_by_edges = len(tree.children)
    # 2. The same with every edge in both directions; it is none of the paper's, and stands as 0 in the tree.
    if tree.n_clusters > 1:
        tree = merge_adjacent(tree, cluster_shares(index, transition, tree.labels).symmetric())
        tree.affinities[n_by_paths:] = 0.0
        n_by_edges = len(tree.children)
    # 3. Nearest centres.
    if tree.n_clusters > 1:
        tree = merge_near(tree, rows)
    return tree, n_by_paths, n_by_edges
