# SPDX-License-Identifier: BSD-3-Clause
"""Agglomerative clustering by maximum incremental path integral (AC-PIC)."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from .._support._parameters import check_integer, check_real
from .._support._warnings import FallbackWarning
from ..consensus._discretise import warn_of_collapse
from ..consensus._labels import number_by_size
from ..consensus._membership import MembershipMixin
from ._neighbour_vote import NeighbourVote
from ._path_integral_cut import attach_small, cut, last_cut, node_sizes
from ._path_integral_graph import cluster_shares, equal_rows, joined_by, kernel_width, transition_probabilities
from ._path_integral_tree import agglomerate
from ._row_neighbours import make_row_search
from ._rows import read_rows, working_dtype


class PathIntegralClustering(MembershipMixin, BaseEstimator):
    """Agglomerative clustering by path integrals in a neighbour graph (AC-PIC), for clusters of any shape.

    1. The K nearest neighbours of every row; ``W_ij = exp(-d_ij^2 / sigma^2)`` for neighbours, ``W_ii = 1``; sigma^2
       is `scale` times the mean of all n K squared distances, doubled until every row has a neighbour with
       ``W_ij >= 1e-5``. ``P = D^-1 W`` with the row sums D.
    2. Initial clusters: rows joined with their nearest neighbours, about n / 4 clusters.
    3. The two clusters with the largest affinity are merged, again and again:
       ``A(a, b) = |a|^-2 1^T P_ab P_ba 1 + |b|^-2 1^T P_ba P_ab 1``.
    4. The tree of merges is cut where `n_clusters` clusters are left that are more than a few outliers. Outliers join
       the cluster with which they share most edges.

    The path integral of a cluster, ``S_a = |a|^-2 1^T (I - z P_aa)^-1 1``, sums the weights of all paths within it, and
    the affinity of the paper is by how much the union raises that of either part. To the leading order of z that is
    z^2 A above, which needs no inverse; the paper's z = 0.01 makes the other orders some percent, and A does not
    depend on it. Affinities of clusters without a common edge are 0, so that time and memory grow with the number of
    edges, n K, times a logarithm.

    Nothing is random: the same rows always get the same labels. All rows are kept for :meth:`predict`. A new row gets
    the cluster of the largest total weight among its K nearest rows; one that equals a row of ``fit`` gets its label.

    Sources: Zhang, Zhao, Wang, "Agglomerative clustering via maximum incremental path integral", Pattern Recognition
    46(11), 2013; step 2, the doubling of sigma^2, `n_neighbors` and `scale` follow the code of DEPICT (Ghasedi Dizaji
    and others, arXiv 1704.06327), whose network starts from this clustering. Differences: the closed form; step 4,
    unless ``min_cluster_size=1``; equal rows are always in one cluster; an answer for graphs that fall into parts.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters. If it is above the number of initial clusters, merging starts from single rows, with a
        :class:`FallbackWarning`.
    n_neighbors : int, default=20
        K; at most n - 1 are used. Where no path leads from one cluster to another and back, edges in one direction
        and at last the neighbours of the centres decide, with a :class:`FallbackWarning`.
    scale : float, default=1.0
        a of the paper: sigma^2 in units of the mean squared distance to a neighbour.
    min_cluster_size : int or float, default=0.1
        Smaller clusters do not count where the tree is cut, but join one that does. An int is a number of rows, a
        float a share of the mean size n / `n_clusters`. It is halved as long as there are no `n_clusters` clusters of
        that size. 1 is the published method, which from some ten thousand rows on tends to make clusters of two or
        three outliers.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int32
        Labels numbered by cluster size, largest first; equal to ``predict(X)``.
    n_clusters_ : int
        Number of clusters; below `n_clusters` only if there are fewer distinct rows, with a
        :class:`ClusterCollapseWarning`.
    initial_labels_ : ndarray of shape (n_samples,), int32
        Initial clusters, numbered by their first rows.
    children_ : ndarray of shape (m - 1, 2), int64
        The whole tree over m initial clusters, down to a single one: the clusters that each merge joins. Below m it is
        an initial cluster, otherwise what merge ``children_[i, j] - m`` has made.
    affinities_ : ndarray of shape (m - 1,), float64
        A of the two, without the factor z^2; 0 where something else had to decide.
    n_merges_ : int
        Merges before the cut.
    kernel_width_ : float
        sigma^2.
    vote_ : NeighbourVote
        What labels new rows.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    USENC : For millions of rows, and with certainty by votes.
    sklearn.cluster.AgglomerativeClustering : Linkage by distances.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from skdeepclust import PathIntegralClustering
    >>> X, y = make_circles(500, factor=0.4, noise=0.03, random_state=0)
    >>> model = PathIntegralClustering(n_clusters=2).fit(X)
    >>> print(len(set(zip(model.labels_, y))))
    2
    >>> print(model.predict(0.98 * X[:3]) == model.labels_[:3])
    [ True  True  True]
    """

    def __init__(self, n_clusters=8, *, n_neighbors=20, scale=1.0, min_cluster_size=0.1):
        self.n_clusters = n_clusters
        self.n_neighbors = n_neighbors
        self.scale = scale
        self.min_cluster_size = min_cluster_size

    def fit(self, X, y=None):
        """Cluster the rows of `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data of any real type; a copy is kept.
        y : None
            Ignored.

        Returns
        -------
        self : PathIntegralClustering

        Raises
        ------
        ValueError
            If a parameter is out of range, or squares of distances overflow.
        """
        X = validate_data(self, X, dtype="numeric", ensure_min_samples=2)
        n = len(X)
        check_integer("n_clusters", self.n_clusters, low=1, high=n, hint="It cannot exceed the number of rows.")
        check_integer("n_neighbors", self.n_neighbors, low=1)
        check_real("scale", self.scale, low=0, closed_low=False)
        min_size = least_size(self.min_cluster_size, n, self.n_clusters)

        # 1. The graph
        search = make_row_search(read_rows(X, slice(None), working_dtype(X)))
        index, distance = search.neighbours(min(self.n_neighbors, n - 1))
        self.kernel_width_ = kernel_width(distance, self.scale)
        transition = transition_probabilities(distance, self.kernel_width_)
        # 2. Initial clusters; 3. merges
        initial, k = initial_clusters(search.rows, index, distance, self.n_clusters)
        tree, *stages = agglomerate(search.rows, index, transition, initial)
        # 4. The cut
        n_merges, min_size = last_cut(tree.children, np.bincount(initial), k, min_size)
        warn_of_missing_paths(tree.children, np.bincount(initial), n_merges, min_size, *stages)
        label = cut(tree.children, initial, n_merges)
        if label.max() >= k:
            label = attach_small(search.rows, cluster_shares(index, transition, label), label, min_size)

        self.labels_, self.n_clusters_ = number_by_size(label, k), k
        self.initial_labels_ = initial.astype(np.int32)
        self.children_, self.affinities_, self.n_merges_ = tree.children, tree.affinities, n_merges
        self.vote_ = NeighbourVote(search, self.labels_, self.n_clusters_, index.shape[1], self.kernel_width_)
        return self

    def predict_proba(self, X):
        """Share of each cluster in the weights ``exp(-d^2 / sigma^2)`` of a row's K nearest rows of ``fit``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_in_)
            Rows like those of ``fit``.

        Returns
        -------
        membership : ndarray of shape (n_samples, n_clusters_), float64
            Rows sum to 1; the largest entry of a row is at its label. A row of ``fit`` is among its own neighbours;
            where most of them are in another cluster than it, the two shares are exchanged.
        """
        return super().predict_proba(X)

    def _labels_of(self, X):
        check_is_fitted(self)
        return self.vote_.scores(validate_data(self, X, reset=False, dtype="numeric"))[1]

    def _membership_of(self, X):
        check_is_fitted(self)
        return self.vote_.membership(validate_data(self, X, reset=False, dtype="numeric"))


def least_size(min_cluster_size, n_samples, n_clusters):
    """Least number of rows of a cluster, at least 1, from the parameter of that name.

    Raises
    ------
    TypeError, ValueError
        If it is neither an integer from 1 nor a float in (0, 1].
    """
    if isinstance(min_cluster_size, float | np.floating):
        hint = "Pass an integer for a number of rows."
        share = check_real("min_cluster_size", min_cluster_size, low=0, high=1, closed_low=False, hint=hint)
        return max(1, int(share * n_samples / n_clusters))
    hint = "Pass a float for a share of the mean cluster size."
    return check_integer("min_cluster_size", min_cluster_size, low=1, hint=hint)


def initial_clusters(rows, index, distance, n_clusters):
    """Components of the graph of nearest neighbours, or single rows where those are too few; equal rows are one.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Data.
    index, distance : ndarrays of shape (n, K)
        Neighbours and their squared distances.
    n_clusters : int
        Number of clusters asked for.

    Returns
    -------
    labels : ndarray of shape (n,), int64
        Numbered by first occurrence.
    n_clusters : int
        Number of clusters that can be had.
    """
    n = len(rows)
    twins = equal_rows(rows, index, distance)
    labels = joined_by([(np.arange(n), index[:, 0].astype(np.int64)), *twins], n)
    found = int(labels.max()) + 1
    if found >= n_clusters:
        return labels, n_clusters
    labels = joined_by(twins, n)
    distinct = int(labels.max()) + 1
    if distinct < n_clusters:
        warn_of_collapse(n_clusters, distinct)
        return labels, distinct
    warnings.warn(
        f"n_clusters={n_clusters} clusters were asked for, but joining nearest neighbours leaves only {found}; merging "
        "started from single rows instead. Lower n_clusters to avoid this.",
        FallbackWarning,
        stacklevel=3,
    )
    return labels, n_clusters


def warn_of_missing_paths(children, leaf_size, n_merges, min_size, n_by_paths, n_by_edges):
    """Say so, if something else than path integrals has merged two clusters of at least `min_size` objects.

    Parameters
    ----------
    children : ndarray of shape (m, 2)
        The tree.
    leaf_size : ndarray of shape (m + 1,)
        Objects of its leaves.
    n_merges : int
        Merges that count.
    min_size : int
        Least size of a cluster.
    n_by_paths, n_by_edges : int
        See :func:`~._path_integral_tree.agglomerate`.

    Warns
    -----
    FallbackWarning
    """
    size = np.concatenate([leaf_size, np.empty(len(children), dtype=np.int64)])
    node_sizes(children, len(leaf_size), size)
    both = (size[children[:n_merges]] >= min_size).all(axis=1)
    by_edges, by_centres = int(both[n_by_paths:n_by_edges].sum()), int(both[n_by_edges:].sum())
    if by_edges + by_centres:
        warnings.warn(
            "No path in the neighbour graph leads from one of the last clusters to another and back: "
            f"{by_edges} were merged along edges in one direction, {by_centres} because their centres are near. "
            "Raise n_neighbors or n_clusters to avoid this.",
            FallbackWarning,
            stacklevel=3,
        )
