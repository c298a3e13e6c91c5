# SPDX-License-Identifier: BSD-3-Clause
"""U-SPEC: ultra-scalable spectral clustering."""

from functools import partial

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._support._parameters import check_choice, check_integer, draw_seed
from .._support._weights import check_sample_weight
from ..consensus._discretise import CentreRule, find_centres, rank_by_size, warn_of_collapse
from ..consensus._membership import MembershipMixin
from ..consensus._n_clusters import check_n_clusters, chosen_n_clusters, leading_vectors
from ..consensus._parts import map_rows, parts_of
from ..consensus._spectrum import reduced_spectrum
from ._affinity import TableEmbedding, make_scorer
from ._representative_graph import build_graph, label_rows, mean_squared_distance, sample_embedding
from ._rows import validate_table, working_dtype

METRICS = ("euclidean", "cosine")
BANDWIDTHS = ("global", "local")


class USPEC(MembershipMixin, BaseEstimator):
    """Spectral clustering through representatives, linear in the number of objects.

    1. p representatives: k-means centres of a random sample of 10 p rows.
    2. The K nearest representatives of every object, exactly.
    3. Affinity ``exp(-d^2 / (2 sigma^2))``, sigma the mean of all n K distances.
    4. Transfer cut of the n x p affinity (:func:`transfer_cut`), k-means on the embedded rows.

    Besides the data it holds 6 K bytes per object (K up to 2^16 representatives), and the labels. A
    :class:`numpy.memmap` or a dask array may be larger than memory: all statistics are sums of integers over rows,
    so that blocks, chunks, threads and workers do not change the labels.

    Source: Huang, Wang, Wu, Lai, Kwoh, "Ultra-scalable spectral clustering and ensemble clustering", IEEE TKDE
    32(6), 2020, algorithm 1. Differences: nearest representatives are exact instead of approximate,
    representatives that no object selects are removed, and above 20,000 rows the final k-means is run on that many
    of them and finished by two exact passes of Lloyd's algorithm over all.

    Parameters
    ----------
    n_clusters : int or "auto", default=8
        Number of clusters; "auto" takes it from the spectrum, see :func:`~skdeepclust.eigengap_n_clusters`.
    n_representatives : int, default=1000
        p; the number of rows if there are fewer. The graph takes 8 p^2 bytes per thread.
    n_neighbors : int, default=5
        K, nearest representatives per object; at most p are used.
    metric : {"euclidean", "cosine"}, default="euclidean"
        With "cosine" rows are scaled to unit length first and the affinity is the cosine.
    bandwidth : {"global", "local"}, default="global"
        One sigma for all objects, or for each the mean of its own K distances, which suits regions of very different
        density. Of no effect with "cosine".
    n_init : int, default=10
        Restarts of the final k-means.
    max_iter : int, default=100
        Iterations of the final k-means.
    random_state : int, RandomState or None, default=None
        Seed; an int makes results repeatable.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int32
        Labels numbered by cluster size, largest first; equal to ``predict(X)``.
    n_clusters_ : int
        Number of clusters found; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    representatives_ : ndarray of shape (p, n_features)
        Representatives in use.
    bandwidth_ : float
        Mean of all n K distances, which is sigma with ``bandwidth="global"``.
    column_vectors_ : ndarray of shape (p, n_clusters), float64
        Generalised eigenvectors V of the representatives.
    spectrum_ : ndarray, float64
        Leading eigenvalues of the reduced graph, descending.
    n_iter_ : int
        Iterations of the final k-means on its sample.
    centre_rule_ : CentreRule
        Centres in the embedding and the label of each.
    graph_ : RepresentativeGraph
        What gives a row its affinities.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    USENC : A consensus of many such clusterings, steadier and mostly better.
    TransferCut : The cut of a bipartite affinity of your own.
    sklearn.cluster.SpectralClustering : The graph of all rows, for some thousands of them.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from skdeepclust import USPEC
    >>> X, y = make_circles(500, factor=0.4, random_state=0)
    >>> labels = USPEC(n_clusters=2, n_representatives=100, random_state=0).fit_predict(X)
    >>> print(len(set(zip(labels, y))))
    2
    """

    def __init__(
        self,
        n_clusters=8,
        *,
        n_representatives=1000,
        n_neighbors=5,
        metric="euclidean",
        bandwidth="global",
        n_init=10,
        max_iter=100,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.n_representatives = n_representatives
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.bandwidth = bandwidth
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        """Cluster the rows of `X`.

        Parameters
        ----------
        X : array-like or dask.array.Array of shape (n_samples, n_features)
            Data of any real type; a memory map is read block by block, a dask array chunk by chunk on whatever
            dask scheduler is active.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, at least 0; a whole number counts a row that many times.

        Returns
        -------
        self : USPEC
        """
        X = validate_table(self, X, reset=True)
        self.check_parameters(len(X))
        weights = check_sample_weight(sample_weight, len(X))
        seed = draw_seed(self.random_state)
        parts = parts_of(X)

        # 1. to 3. Representatives, nearest representatives, affinity; 4. the reduced graph and its eigenvectors
        self.graph_, tables, E, self.bandwidth_ = self._build_graph(parts, working_dtype(X), seed, weights)
        self.representatives_ = self.graph_.representatives
        vectors, self.spectrum_ = reduced_spectrum(E, E.sum(axis=1), leading_vectors(self.n_clusters))
        k = chosen_n_clusters(self.n_clusters, self.spectrum_, len(X))
        self.column_vectors_ = np.ascontiguousarray(vectors[:, :k])
        # k-means of the embedded rows
        embed = TableEmbedding(self.column_vectors_)
        centres, self.n_iter_ = find_centres(
            parts, tables, embed, k, weights=weights, n_init=self.n_init, max_iter=self.max_iter, seed=seed
        )
        points, mass = sample_embedding(parts, tables, self.column_vectors_, weights, seed)
        self._finish(parts, tables, centres, weights, mean_squared_distance(points, centres, mass))
        warn_of_collapse(k, self.n_clusters_)
        return self

    def check_parameters(self, n_samples):
        """Check all parameters but `random_state`, before the data themselves are there.

        Parameters
        ----------
        n_samples : int
            Rows that `fit` will get.
        """
        check_n_clusters(self.n_clusters, n_samples)
        check_integer("n_representatives", self.n_representatives, low=1)
        check_integer("n_neighbors", self.n_neighbors, low=1)
        check_integer("n_init", self.n_init, low=1)
        check_integer("max_iter", self.max_iter, low=1)
        check_choice("metric", self.metric, METRICS)
        check_choice("bandwidth", self.bandwidth, BANDWIDTHS)

    def _build_graph(self, parts, dtype, seed, weights):
        return build_graph(
            parts,
            n_representatives=self.n_representatives,
            n_neighbors=self.n_neighbors,
            metric=self.metric,
            bandwidth=self.bandwidth,
            dtype=dtype,
            seed=seed,
            weights=weights,
        )

    def _finish(self, parts, tables, centres, weights, spread):
        """Labels of all rows from the centres, and the rule for new ones."""
        centres, labels, size = label_rows(parts, tables, self.column_vectors_, centres, weights)
        self.centre_rule_ = CentreRule(np.ascontiguousarray(centres), rank_by_size(size, centres), spread, self.n_iter_)
        self.n_clusters_ = len(centres)
        self.labels_ = self.centre_rule_.rank.astype(np.int32)[np.concatenate(parts.collect(labels))]

    def _scorer(self):
        return make_scorer(self.column_vectors_, self.centre_rule_.centres)

    def _labels_of(self, X):
        check_is_fitted(self)
        X = validate_table(self, X, reset=False)
        rule = partial(label_new, graph=self.graph_, scorer=self._scorer(), rank=self.centre_rule_.rank)
        return map_rows(X, rule, np.int32)

    def _membership_of(self, X):
        check_is_fitted(self)
        X = validate_table(self, X, reset=False)
        rule = partial(
            membership_new,
            graph=self.graph_,
            scorer=self._scorer(),
            rank=self.centre_rule_.rank,
            spread=self.centre_rule_.spread,
        )
        return map_rows(X, rule, np.float64, self.n_clusters_)


def label_new(X, *, graph, scorer, rank):
    """Labels (n,) of new rows."""
    return rank.astype(np.int32)[scorer.label(graph.table(X))]


def membership_new(X, *, graph, scorer, rank, spread):
    """Membership (n, k) of new rows."""
    return scorer.membership(graph.table(X), rank, spread)
