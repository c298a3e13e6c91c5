# SPDX-License-Identifier: BSD-3-Clause
"""An ensemble of diverse base clusterings, one block of features (one layer) at a time."""

import math
import warnings
from contextlib import nullcontext

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .._support._parameters import check_integer, check_integer_range, draw_seed
from .._support._warnings import ClusterCollapseWarning
from ..consensus._jit import one_thread
from ._rowwise_kmeans import RowwiseKMeans
from ._uspec import USPEC

DEFAULT_RANGE = (20, 60)
BASE_N_INIT = 1
BASE_MAX_ITER = 5


def default_cluster_range(n_samples: int) -> tuple[int, int]:
    """The range [20, 60] of the U-SENC paper, lowered for small data: at most sqrt(n) to n / 5 clusters.

    Examples
    --------
    >>> default_cluster_range(10_000), default_cluster_range(150), default_cluster_range(10)
    ((20, 60), (12, 30), (3, 3))
    """
    low = min(DEFAULT_RANGE[0], max(2, math.isqrt(n_samples)))
    return low, min(DEFAULT_RANGE[1], max(low, n_samples // 5))


def draw_plan(
    n_estimators: int, group_sizes: list[int], cluster_range: tuple[int, int], seed: int
) -> list[tuple[int, int, int, int, int]]:
    """Plan of the ensemble: ``(group, first feature, last feature + 1, n_clusters, seed)`` per member.

    Members are spread evenly over the groups, the first groups taking the remainder, group by group. The number
    of clusters is uniform on the *closed* range; equation 14 of the U-SENC paper, taken literally, would
    practically never draw its upper end.
    """
    rng = check_random_state(seed)
    share, remainder = divmod(n_estimators, len(group_sizes))
    stops = np.cumsum(group_sizes)
    plan = []
    for group, (size, stop) in enumerate(zip(group_sizes, stops, strict=True)):
        for _ in range(share + (group < remainder)):
            k = int(rng.randint(cluster_range[0], cluster_range[1] + 1))
            plan.append((group, int(stop - size), int(stop), k, int(rng.randint(np.iinfo(np.int32).max))))
    return plan


def draw_members(plan: list[tuple[int, int, int, int, int]], prototypes: list) -> list:
    """Clones of the prototypes for each member of the plan, taken in turn within a block.

    Where there are several, the second and later ones make half as many clusters: U-SPEC, which sees the
    neighbourhood of objects, makes the fine clusterings, and k-means, which sees how far apart the pieces lie, the
    coarse ones that say where a piece belongs.
    """
    members = []
    turn, previous = 0, None
    for group, _, _, k, seed in plan:
        turn = turn + 1 if group == previous else 0
        previous = group
        which = turn % len(prototypes)
        n_clusters = k if which == 0 else max(min(k, 2), k // 2)
        members.append(clone(prototypes[which]).set_params(n_clusters=n_clusters, random_state=seed))
    return members


def _fit_member(clusterer, X):
    """Fit one member and label the training rows; fewer clusters than it drew are as good as any."""
    with _threads_of(clusterer), warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusterCollapseWarning)
        clusterer.fit(X)
        if isinstance(clusterer, USPEC):  # whose labels_ are exactly what predict gives
            return clusterer, clusterer.labels_
        return clusterer, np.asarray(clusterer.predict(X))


def _predict_member(clusterer, X):
    with _threads_of(clusterer):
        return np.asarray(clusterer.predict(X))


def _threads_of(clusterer):
    """One thread for clusterers whose sums may depend on the number of threads; USPEC sees to that itself."""
    return nullcontext() if isinstance(clusterer, USPEC) else one_thread()


def _run(n_jobs, tasks):
    """Run joblib tasks, without BLAS threads below joblib's own workers."""
    with one_thread() if effective_n_jobs(n_jobs) > 1 else nullcontext():
        return Parallel(n_jobs=n_jobs)(tasks)


class BaseClusterings(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Transformer from features to a label matrix: many diverse clusterings of the same rows.

    Every member clusters one block of features into a random number of clusters with its own seed. The label
    matrix is the input of :class:`~skdeepclust.EntropyWeightedConsensus`.

    Parameters
    ----------
    n_estimators : int, default=20
        Number of base clusterings M, spread evenly over the feature blocks; the first blocks get the remainder.
    base_clusterer : estimator or None, default=None
        Any clusterer with the parameters ``n_clusters`` and ``random_state`` and a method ``predict``; it is
        cloned. None takes two in turn within each block: :class:`~skdeepclust.USPEC` with one restart and 5
        iterations of its final k-means, for speed and diversity, and k-means with half as many clusters.
    base_n_clusters : tuple of (int, int) or None, default=None
        Closed range from which each member's number of clusters is drawn uniformly. None is (20, 60), lowered
        for fewer than 400 rows.
    group_sizes : sequence of int or None, default=None
        Widths of consecutive blocks of features (layers, views), which must add up to the number of features.
        None is one block.
    n_jobs : int or None, default=None
        Number of joblib workers over the members; -1 takes all cores. Does not change the result. The backend
        is joblib's choice (``joblib.parallel_config``).
    random_state : int, RandomState or None, default=None
        Seed of the numbers of clusters and of the members; an int makes results repeatable.

    Attributes
    ----------
    base_labels_ : ndarray of shape (n_samples, n_estimators), int32
        Label matrix of the training rows, equal to ``transform(X)``.
    estimators_ : list of n_estimators estimators
        The fitted members, block by block.
    groups_ : ndarray of shape (n_estimators,), int64
        Block of each member.
    n_clusters_per_estimator_ : ndarray of shape (n_estimators,), int64
        Number of clusters that each member was asked for.
    feature_blocks_ : list of (int, int)
        First feature and last feature + 1 of each member.
    n_features_in_ : int
        Number of features.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from skdeepclust import BaseClusterings
    >>> X, _ = make_blobs(100, n_features=5, random_state=0)
    >>> base = BaseClusterings(n_estimators=4, group_sizes=[2, 3], random_state=0)
    >>> print(base.fit_transform(X).shape, base.groups_)
    (100, 4) [0 0 1 1]
    """

    def __init__(
        self,
        n_estimators=20,
        *,
        base_clusterer=None,
        base_n_clusters=None,
        group_sizes=None,
        n_jobs=None,
        random_state=None,
    ):
        self.n_estimators = n_estimators
        self.base_clusterer = base_clusterer
        self.base_n_clusters = base_n_clusters
        self.group_sizes = group_sizes
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y=None):
        """Fit the members.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features; blocks side by side. A memory map is not copied.
        y : None
            Ignored.

        Returns
        -------
        self : BaseClusterings
        """
        X = validate_data(self, X, dtype="numeric", ensure_min_samples=2)
        sizes = self._check_group_sizes(X.shape[1])
        n_estimators, cluster_range, prototypes = self.check_parameters(len(X), len(sizes))

        # Everything random is drawn here, before the fan-out: n_jobs cannot change the result.
        plan = draw_plan(n_estimators, sizes, cluster_range, draw_seed(self.random_state))
        members = draw_members(plan, prototypes)
        self.feature_blocks_ = [(start, stop) for _, start, stop, _, _ in plan]
        blocks = zip(members, self.feature_blocks_, strict=True)
        fitted = _run(self.n_jobs, [delayed(_fit_member)(member, X[:, i:j]) for member, (i, j) in blocks])
        self.estimators_ = [member for member, _ in fitted]
        self.base_labels_ = _columns([labels for _, labels in fitted])
        self.groups_ = np.array([group for group, *_ in plan])
        self.n_clusters_per_estimator_ = np.array([member.n_clusters for member in self.estimators_])
        return self

    def check_parameters(self, n_samples, n_blocks=1):
        """Check all parameters but `group_sizes` and `random_state`, before the features themselves are there.

        Parameters
        ----------
        n_samples : int
            Rows that `fit` will get.
        n_blocks : int, default=1
            Number of feature blocks.

        Returns
        -------
        n_estimators : int
        cluster_range : tuple of (int, int)
        base_clusterers : list of estimators
            The members of a block take them in turn.
        """
        n_estimators = check_integer("n_estimators", self.n_estimators, low=1)
        if n_estimators < n_blocks:
            raise ValueError(
                f"n_estimators must be at least the number of feature blocks, {n_blocks}, so that each has a "
                f"base clustering; got {n_estimators}."
            )
        if self.n_jobs is not None and check_integer("n_jobs", self.n_jobs) == 0:
            raise ValueError("n_jobs must be None or an integer other than 0; got 0.")
        return n_estimators, self._check_cluster_range(n_samples), self._check_base_clusterer()

    def _check_group_sizes(self, n_features):
        if self.group_sizes is None:
            return [n_features]
        sizes = [check_integer("group_sizes", size, low=1) for size in self.group_sizes]
        if sum(sizes) != n_features:
            raise ValueError(
                f"group_sizes must add up to the number of features, {n_features}; got {sizes}, which add up to "
                f"{sum(sizes)}."
            )
        return sizes

    def _check_cluster_range(self, n_samples):
        if self.base_n_clusters is None:
            return default_cluster_range(n_samples)
        return check_integer_range(
            "base_n_clusters",
            self.base_n_clusters,
            low=1,
            high=n_samples,
            hint=f"There are {n_samples} rows; None takes a range that fits.",
        )

    def _check_base_clusterer(self):
        if self.base_clusterer is None:
            return [USPEC(n_init=BASE_N_INIT, max_iter=BASE_MAX_ITER), RowwiseKMeans(n_init=1)]
        is_estimator = not isinstance(self.base_clusterer, type) and hasattr(self.base_clusterer, "get_params")
        parameters = self.base_clusterer.get_params(deep=False) if is_estimator else {}
        if not {"n_clusters", "random_state"} <= set(parameters) or not hasattr(self.base_clusterer, "predict"):
            raise TypeError(
                "base_clusterer must be a clusterer with the parameters n_clusters and random_state and a method "
                f"predict, such as KMeans() or USPEC(); got {self.base_clusterer!r}."
            )
        return [self.base_clusterer]

    def fit_transform(self, X, y=None):
        """Fit the members and return the label matrix; the same as ``fit(X).transform(X)``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : None
            Ignored.

        Returns
        -------
        base_labels : ndarray of shape (n_samples, n_estimators), int32
        """
        return self.fit(X).base_labels_

    def transform(self, X):
        """Label of each row in each base clustering.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        base_labels : ndarray of shape (n_samples, n_estimators), int32
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype="numeric")
        blocks = zip(self.estimators_, self.feature_blocks_, strict=True)
        return _columns(_run(self.n_jobs, [delayed(_predict_member)(member, X[:, i:j]) for member, (i, j) in blocks]))

    @property
    def _n_features_out(self):
        return len(self.estimators_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # int32 whatever the input
        return tags


def _columns(labels):
    """Label matrix with contiguous columns, which is how the consensus reads it."""
    return np.ascontiguousarray(np.stack(labels), dtype=np.int32).T
