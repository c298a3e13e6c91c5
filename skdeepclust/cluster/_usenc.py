# SPDX-License-Identifier: BSD-3-Clause
"""U-SENC: ultra-scalable ensemble clustering."""

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from .._support._parameters import check_integer, draw_seed
from ..consensus import EntropyWeightedConsensus
from ..consensus._membership import ConsensusMixin
from ._base_clusterings import BASE_MAX_ITER, BASE_N_INIT, BaseClusterings
from ._uspec import USPEC


class USENC(ConsensusMixin, BaseEstimator):
    """Consensus of many U-SPEC clusterings with random numbers of clusters.

    :class:`~skdeepclust.BaseClusterings` followed by :class:`~skdeepclust.EntropyWeightedConsensus`, as one
    estimator. With ``theta=None``, the default, all base clusters have the same weight, as in the paper.

    Source: Huang, Wang, Wu, Lai, Kwoh, "Ultra-scalable spectral clustering and ensemble clustering", IEEE TKDE
    32(6), 2020, algorithm 2.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters.
    n_estimators : int, default=20
        Number of base clusterings.
    base_n_clusters : tuple of (int, int) or None, default=None
        Closed range of the members' numbers of clusters. None is (20, 60), lowered for fewer than 400 rows.
    n_representatives : int, default=1000
        Representatives of each member.
    n_neighbors : int, default=5
        Nearest representatives per object.
    metric : {"euclidean", "cosine"}, default="euclidean"
        Metric of the members, see :class:`~skdeepclust.USPEC`.
    theta : float or None, default=None
        Weights by entropy, see :class:`~skdeepclust.EntropyWeightedConsensus`. None is equal weights.
    n_init : int, default=3
        Restarts of the final k-means.
    max_iter : int, default=100
        Iterations of the final k-means.
    n_jobs : int or None, default=None
        Number of joblib workers over the members; does not change the result.
    random_state : int, RandomState or None, default=None
        Seed; an int makes results repeatable.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int32
        Labels numbered by cluster size, largest first; equal to ``predict(X)``.
    n_clusters_ : int
        Number of clusters found; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    n_iter_ : int
        Iterations of the final k-means.
    base_labels_ : ndarray of shape (n_samples, n_estimators), int32
        Label matrix of the base clusterings.
    base_clusterings_ : BaseClusterings
        The fitted members.
    consensus_ : EntropyWeightedConsensus
        The fitted consensus.
    n_features_in_ : int
        Number of features.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.metrics import normalized_mutual_info_score
    >>> from skdeepclust import USENC
    >>> X, y = load_digits(return_X_y=True)
    >>> model = USENC(n_clusters=10, n_estimators=8, n_representatives=200, random_state=0)
    >>> bool(normalized_mutual_info_score(y, model.fit_predict(X)) > 0.8)
    True
    """

    def __init__(
        self,
        n_clusters=8,
        *,
        n_estimators=20,
        base_n_clusters=None,
        n_representatives=1000,
        n_neighbors=5,
        metric="euclidean",
        theta=None,
        n_init=3,
        max_iter=100,
        n_jobs=None,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.n_estimators = n_estimators
        self.base_n_clusters = base_n_clusters
        self.n_representatives = n_representatives
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.theta = theta
        self.n_init = n_init
        self.max_iter = max_iter
        self.n_jobs = n_jobs
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
        self : USENC
        """
        X = validate_data(self, X, dtype="numeric", ensure_min_samples=2)
        n_clusters = check_integer(
            "n_clusters", self.n_clusters, low=1, high=len(X), hint="It cannot exceed the number of rows."
        )
        seed = draw_seed(self.random_state)
        member = USPEC(
            n_representatives=self.n_representatives,
            n_neighbors=self.n_neighbors,
            metric=self.metric,
            n_init=BASE_N_INIT,
            max_iter=BASE_MAX_ITER,
        )
        self.base_clusterings_ = BaseClusterings(
            self.n_estimators,
            base_clusterer=member,
            base_n_clusters=self.base_n_clusters,
            n_jobs=self.n_jobs,
            random_state=seed,
        ).fit(X)
        self.base_labels_ = self.base_clusterings_.base_labels_
        self.consensus_ = EntropyWeightedConsensus(
            n_clusters,
            method="transfer_cut",
            theta=self.theta,
            weighting="paper",
            n_init=self.n_init,
            max_iter=self.max_iter,
            random_state=seed,
        ).fit(self.base_labels_)
        self.labels_ = self.consensus_.labels_
        self.n_clusters_ = self.consensus_.n_clusters_
        self.n_iter_ = self.consensus_.n_iter_
        return self

    def _base_labels(self, X):
        check_is_fitted(self)
        return self.base_clusterings_.transform(validate_data(self, X, reset=False, dtype="numeric"))
