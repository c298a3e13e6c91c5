# SPDX-License-Identifier: BSD-3-Clause
"""U-SPEC: ultra-scalable spectral clustering."""

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from .._support._parameters import check_choice, check_integer, draw_seed
from ..consensus._discretise import discretise
from ..consensus._jit import row_blocks
from ..consensus._membership import MembershipMixin
from ..consensus._spectrum import affinity_spectrum, affinity_sums, embed_rows
from ._landmarks import (
    BLOCK_ROWS,
    choose_representatives,
    cosine_affinity,
    gaussian_affinity,
    nearest_representatives,
    read_rows,
    working_dtype,
)

METRICS = ("euclidean", "cosine")


def affinity_matrix(index: NDArray[np.int32], values: NDArray[np.float32], n_columns: int) -> scipy.sparse.csr_array:
    """CSR array (n, n_columns) with the K entries ``values[i]`` at the columns ``index[i]`` of each row."""
    n, k = index.shape
    pointers = np.arange(0, n * k + 1, k, dtype=np.int64)
    return scipy.sparse.csr_array((values.reshape(-1), index.reshape(-1), pointers), shape=(n, n_columns))


class USPEC(MembershipMixin, BaseEstimator):
    """Spectral clustering through representatives, linear in the number of objects.

    1. p representatives: k-means centres of a random sample of 10 p rows.
    2. The K nearest representatives of every object, exactly.
    3. Affinity ``exp(-d^2 / (2 sigma^2))``, sigma the mean of all n K distances.
    4. Transfer cut of the n x p affinity (:func:`transfer_cut`), k-means on the embedded rows.

    Source: Huang, Wang, Wu, Lai, Kwoh, "Ultra-scalable spectral clustering and ensemble clustering", IEEE TKDE
    32(6), 2020, algorithm 1. Differences: nearest representatives are exact instead of approximate, and
    representatives that no object selects are removed.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters.
    n_representatives : int, default=1000
        p; the number of rows if there are fewer.
    n_neighbors : int, default=5
        K, nearest representatives per object; at most p are used.
    metric : {"euclidean", "cosine"}, default="euclidean"
        With "cosine" rows are scaled to unit length first and the affinity is the cosine.
    n_init : int, default=3
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
        sigma.
    column_vectors_ : ndarray of shape (p, n_clusters), float64
        Generalised eigenvectors V of the representatives.
    spectrum_ : ndarray, float64
        Leading eigenvalues of the reduced graph, descending.
    n_iter_ : int
        Iterations of the final k-means.
    centre_rule_ : CentreRule
        Centres in the embedding and the label of each.
    n_features_in_ : int
        Number of features.

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
        n_init=3,
        max_iter=100,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.n_representatives = n_representatives
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y=None):
        """Cluster the rows of `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data of any real type; a memory map is read block by block.
        y : None
            Ignored.

        Returns
        -------
        self : USPEC
        """
        X = validate_data(self, X, dtype="numeric", ensure_min_samples=2)
        n_clusters = check_integer(
            "n_clusters", self.n_clusters, low=1, high=len(X), hint="It cannot exceed the number of rows."
        )
        n_representatives = check_integer("n_representatives", self.n_representatives, low=1)
        n_neighbors = check_integer("n_neighbors", self.n_neighbors, low=1)
        n_init = check_integer("n_init", self.n_init, low=1)
        max_iter = check_integer("max_iter", self.max_iter, low=1)
        unit = check_choice("metric", self.metric, METRICS) == "cosine"
        seed = draw_seed(self.random_state)

        # 1. Representatives
        self.representatives_ = choose_representatives(X, n_representatives, seed, working_dtype(X), unit)
        # 2. K nearest representatives
        k = min(n_neighbors, len(self.representatives_))
        index, distance = self._neighbours(X, k)
        # 3. Affinity
        self.bandwidth_ = float(np.sqrt(distance).mean(dtype=np.float64))
        B = affinity_matrix(index, self._affinity(distance), len(self.representatives_))
        B = self._drop_idle_representatives(B)
        # 4. Transfer cut
        self.column_vectors_, self.spectrum_ = affinity_spectrum(B, n_clusters)
        self.centre_rule_, self.labels_ = discretise(
            lambda rows: embed_rows(B[rows[0] : rows[-1] + 1] if _is_range(rows) else B[rows], self.column_vectors_),
            len(X),
            n_clusters,
            n_init=n_init,
            max_iter=max_iter,
            seed=seed,
        )
        self.n_clusters_ = len(self.centre_rule_.centres)
        self.n_iter_ = self.centre_rule_.n_iter
        return self

    def _neighbours(self, X, k):
        """Indices (n, k) and squared distances of the nearest representatives, block by block."""
        index = np.empty((len(X), k), dtype=np.int32)
        distance = np.empty((len(X), k), dtype=np.float32)
        for start, stop in row_blocks(len(X), BLOCK_ROWS):
            block = read_rows(X, slice(start, stop), self.representatives_.dtype, self.metric == "cosine")
            index[start:stop], distance[start:stop] = nearest_representatives(block, self.representatives_, k)
        return index, distance

    def _affinity(self, distance):
        """Affinity of squared distances, float32, each entry on its own."""
        out = np.empty(distance.shape, dtype=np.float32)
        if self.metric == "cosine":
            cosine_affinity(distance, out)
        else:
            gaussian_affinity(distance, self.bandwidth_, out)
        return out

    def _drop_idle_representatives(self, B):
        """Forget representatives that are nobody's neighbour: their column sums of 0 cannot be divided by."""
        used = affinity_sums(B)[1] > 0.0
        if used.all():
            return B
        self.representatives_ = np.ascontiguousarray(self.representatives_[used])
        place = (np.cumsum(used) - 1).astype(np.int32)
        return scipy.sparse.csr_array((B.data, place[B.indices], B.indptr), shape=(B.shape[0], int(used.sum())))

    def _embed(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype="numeric")
        index, distance = self._neighbours(X, min(self.n_neighbors, len(self.representatives_)))
        return embed_rows(
            affinity_matrix(index, self._affinity(distance), len(self.representatives_)), self.column_vectors_
        )


def _is_range(rows):
    return rows[-1] - rows[0] == len(rows) - 1
