# SPDX-License-Identifier: BSD-3-Clause
"""The tree of merges from initial clusters to one: path integrals first, and what to do when they are all 0.

An affinity is 0 where no path leads from one cluster to the other and back. Then the same sums are taken with every
edge counted in both directions, and once no edge is left either, in the neighbour graph of the clusters' centres.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._path_integral_graph import ClusterShares, cluster_shares, kernel_width, round_trips, transition_probabilities
from ._path_integral_merge import merge_clusters
from ._row_neighbours import make_row_search


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


def merge_centres(tree: MergeTree, rows: NDArray, n_neighbors: int) -> MergeTree:
    """Merge clusters by the same steps, their centres in place of rows, edges in both directions.

    The nearest centres always have an edge, so that one call leaves at most half of the clusters.
    """
    c = tree.n_clusters
    centres = np.stack([np.bincount(tree.labels, weights=column) for column in rows.T], axis=1)
    centres /= np.bincount(tree.labels)[:, None]
    index, distance = make_row_search(centres).neighbours(min(n_neighbors, c - 1))
    transition = transition_probabilities(distance, kernel_width(distance, 1.0))
    of_centres = MergeTree(np.arange(c), tree.names, tree.children, tree.affinities)
    found = merge_adjacent(of_centres, cluster_shares(index, transition, of_centres.labels).symmetric())
    return MergeTree(found.labels[tree.labels], found.names, found.children, found.affinities)


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
    # 2. The same with every edge in both directions.
    if tree.n_clusters > 1:
        tree = merge_adjacent(tree, cluster_shares(index, transition, tree.labels).symmetric())
        n_by_edges = len(tree.children)
    # 3. The same once more with centres in place of rows, until all are one.
    while tree.n_clusters > 1:
        tree = merge_centres(tree, rows, index.shape[1])
    tree.affinities[n_by_paths:] = 0.0  # of another kind than the paper's
    return tree, n_by_paths, n_by_edges
