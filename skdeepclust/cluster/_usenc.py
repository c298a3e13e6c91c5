# SPDX-License-Identifier: BSD-3-Clause
"""U-SENC: ultra-scalable ensemble clustering."""

from functools import partial

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._support._parameters import check_integer, draw_seed
from .._support._weights import check_sample_weight, effective_rows
from ..consensus import EntropyWeightedConsensus
from ..consensus._membership import ConsensusMixin
from ..consensus._n_clusters import check_n_clusters
from ..consensus._parts import is_dask_array, map_rows
from ._base_clusterings import BASE_MAX_ITER, BASE_N_INIT, BaseClusterings, for_workers
from ._rows import validate_table
from ._shared_members import smallest_label_type
from ._uspec import USPEC


class USENC(ConsensusMixin, BaseEstimator):
    """Consensus of many U-SPEC clusterings with random numbers of clusters.

    :class:`~skdeepclust.BaseClusterings` followed by :class:`~skdeepclust.EntropyWeightedConsensus`, as one
    estimator. With ``theta=None``, the default, all base clusters have the same weight, as in the paper.

    Source: Huang, Wang, Wu, Lai, Kwoh, "Ultra-scalable spectral clustering and ensemble clustering", IEEE TKDE
    32(6), 2020, algorithm 2.

    Parameters
    ----------
    n_clusters : int or "auto", default=8
        Number of clusters; "auto" takes it from the spectrum, see :func:`~skdeepclust.eigengap_n_clusters`.
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
    bandwidth : {"global", "local"}, default="global"
        One bandwidth for all objects or one for each, see :class:`~skdeepclust.USPEC`.
    members_per_graph : int or "auto", default="auto"
        How many members share representatives, see :class:`~skdeepclust.BaseClusterings`; 1 as published.
    theta : float or None, default=None
        Weights by entropy, see :class:`~skdeepclust.EntropyWeightedConsensus`. None is equal weights.
    n_init : int, default=10
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
    probabilities_ : ndarray or dask.array.Array of shape (n_samples,), float64
        Largest membership of each row: ``predict_proba(X).max(axis=1)``, without clustering it again.
    n_clusters_ : int
        Number of clusters found; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    n_iter_ : int
        Iterations of the final k-means.
    base_labels_ : ndarray or dask.array.Array of shape (n_samples, n_estimators)
        Label matrix of the base clusterings, in the smallest signed integer type that holds it; a dask array if
        ``fit`` got one.
    spectrum_ : ndarray, float64
        Leading eigenvalues of the consensus graph, descending.
    base_clusterings_ : BaseClusterings
        The fitted members.
    consensus_ : EntropyWeightedConsensus
        The fitted consensus.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    USPEC : One such clustering, in a fraction of the time.
    DeepClusterEnsemble : The same behind a network, for images.
    stability_curve : Compares numbers of clusters on the fitted ensemble.

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
        bandwidth="global",
        members_per_graph="auto",
        theta=None,
        n_init=10,
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
        self.bandwidth = bandwidth
        self.members_per_graph = members_per_graph
        self.theta = theta
        self.n_init = n_init
        self.max_iter = max_iter
        self.n_jobs = n_jobs
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
        self : USENC
        """
        X = validate_table(self, X, reset=True)
        check_n_clusters(self.n_clusters, len(X))
        weights = check_sample_weight(sample_weight, len(X))
        seed = draw_seed(self.random_state)
        base, consensus = self._build(seed, X)
        largest = base.check_parameters(effective_rows(weights, len(X)))[1][1]
        self.base_clusterings_ = base._fit(X, weights, smallest_label_type(largest))
        self.base_labels_ = base.base_labels_
        self.consensus_ = consensus.fit(self.base_labels_, sample_weight=weights)
        self.labels_ = consensus.labels_
        self.spectrum_ = consensus.spectrum_
        self.n_clusters_ = consensus.n_clusters_
        self.n_iter_ = consensus.n_iter_
        return self

    def _build(self, seed, X):
        """Base clusterings and consensus, all parameters checked."""
        member = USPEC(
            n_representatives=self.n_representatives,
            n_neighbors=self.n_neighbors,
            metric=self.metric,
            bandwidth=self.bandwidth,
            n_init=BASE_N_INIT,
            max_iter=BASE_MAX_ITER,
        )
        member.set_params(n_clusters=1).check_parameters(len(X))
        base = BaseClusterings(
            self.n_estimators,
            base_clusterer=member,
            base_n_clusters=self.base_n_clusters,
            members_per_graph=self.members_per_graph,
            n_jobs=self.n_jobs,
            random_state=seed,
        ).set_output(transform="default")
        consensus = EntropyWeightedConsensus(
            self.n_clusters,
            method="transfer_cut",
            theta=self.theta,
            weighting="paper",
            n_init=self.n_init,
            max_iter=self.max_iter,
            random_state=seed,
        )
        consensus.check_parameters(len(X), check_integer("n_estimators", self.n_estimators, low=1))
        return base, consensus

    def _base_labels(self, X):
        check_is_fitted(self)
        return self.base_clusterings_.transform(validate_table(self, X, reset=False))

    def _from_base_labels(self, X, method):
        check_is_fitted(self)
        dtype, n_columns = (np.int32, None) if method == "predict" else (np.float64, self.n_clusters_)
        X = validate_table(self, X, reset=False)
        base, consensus = self.base_clusterings_, self.consensus_
        if is_dask_array(X):
            base, consensus = for_workers(base), for_workers(consensus)
        return map_rows(X, partial(consensus_of_rows, base=base, consensus=consensus, method=method), dtype, n_columns)


def consensus_of_rows(X, *, base, consensus, method):
    """``consensus.method(base.transform(X))`` of a block of rows."""
    return getattr(consensus, method)(base._transform(X))
