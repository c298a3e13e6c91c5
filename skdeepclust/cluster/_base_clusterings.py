# SPDX-License-Identifier: BSD-3-Clause
"""An ensemble of diverse base clusterings, one block of features (one layer) at a time."""

import copy
import warnings
from contextlib import nullcontext

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._support._parameters import check_integer, check_integer_range, draw_seed
from .._support._saving import SaveMixin
from .._support._warnings import ClusterCollapseWarning
from .._support._weights import check_sample_weight, effective_rows
from ..consensus._jit import one_thread
from ..consensus._parts import LocalParts, is_dask_array, map_rows, parts_of
from ._ensemble_plan import default_cluster_range, draw_members, draw_plan, members_per_group
from ._rows import validate_table, working_dtype
from ._rowwise_kmeans import RowwiseKMeans
from ._shared_members import fit_members, predict_members
from ._uspec import USPEC

BASE_N_INIT = 1
BASE_MAX_ITER = 5
MAX_ROWS_ALONE = 20_000  # up to here every U-SPEC member has a graph of its own,
AUTO_MEMBERS = 10  # above, so many share one


def draw_tasks(members: list, plan: list, members_per_graph: int) -> list[list[int]]:
    """Which members are fitted together: U-SPEC members of a block in runs of `members_per_graph`, others alone."""
    tasks: list[list[int]] = []
    open_task: dict = {}
    for m, (member, (group, *_)) in enumerate(zip(members, plan, strict=True)):
        task = open_task.get(group) if isinstance(member, USPEC) else None
        if task is None or len(task) >= members_per_graph:
            task = []
            tasks.append(task)
            if isinstance(member, USPEC):
                open_task[group] = task
        task.append(m)
    return tasks


def _fit_task(parts, members, dtype, label_dtype, weights):
    """Fit the members of a task and label the training rows; fewer clusters than drawn are as good as any."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusterCollapseWarning)
        if isinstance(members[0], USPEC):
            return members, fit_members(parts, members, dtype, label_dtype, weights)
        (member,), (X,) = members, parts.data
        with one_thread():  # its sums may depend on the number of threads
            if weights is None:
                member.fit(X)
            else:
                member.fit(X, sample_weight=weights)
            return members, [[np.asarray(member.predict(X)).astype(label_dtype)]]


def _fit_block(X, block, *task):
    """The same of a block of features of an array."""
    return _fit_task(LocalParts(X[:, block[0] : block[1]]), *task)


def _predict_task(X, members, dtype):
    """Labels (members, n) of new rows."""
    out = np.empty((len(members), len(X)), dtype=dtype)
    if isinstance(members[0], USPEC):
        predict_members(X, members, out)
    else:
        with one_thread():
            out[0] = np.asarray(members[0].predict(X))
    return out


def _run(n_jobs, tasks):
    """Run joblib tasks, without BLAS threads below joblib's own workers."""
    with one_thread() if effective_n_jobs(n_jobs) > 1 else nullcontext():
        return Parallel(n_jobs=n_jobs)(tasks)


class BaseClusterings(SaveMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
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
        iterations of its final k-means, for speed and diversity, and k-means with half as many clusters. That suits
        layers of a network; on tables and pixels ``USPEC(n_init=1, max_iter=5)`` alone, as in :class:`USENC`, does
        better.
    base_n_clusters : tuple of (int, int) or None, default=None
        Closed range from which each member's number of clusters is drawn uniformly. None is (20, 60), lowered
        for fewer than 400 rows.
    group_sizes : sequence of int or None, default=None
        Widths of consecutive blocks of features (layers, views), which must add up to the number of features.
        None is one block.
    score_groups : sequence of int, default=()
        Which of these blocks, counted from 0, hold scores of clusters, as a cluster head gives them. They are not
        clustered: the column of the largest score is the cluster. As those columns are few and say much, one in ten
        members, at least one, holds this one clustering, and the others are spread over the other blocks.
    members_per_graph : int or "auto", default="auto"
        How many U-SPEC members of a block share representatives, their neighbours and eigenvectors, and differ in
        their number of clusters and its k-means only. 1 gives each its own, as published: the most diverse ensemble,
        in several times the time. "auto" is 1 up to 20,000 rows and 10 above.
    n_jobs : int or None, default=None
        Number of joblib workers over graphs and other members; -1 takes all cores. Does not change the result. The
        backend is joblib's choice (``joblib.parallel_config``).
    random_state : int, RandomState or None, default=None
        Seed of the numbers of clusters and of the members; an int makes results repeatable.

    Attributes
    ----------
    base_labels_ : ndarray of shape (n_samples, n_estimators), int32
        Label matrix of the training rows, equal to ``transform(X)``.
    estimators_ : list of n_estimators estimators
        The fitted members, block by block; a U-SPEC member has no ``labels_``, which are a column of `base_labels_`.
    tasks_ : list of lists of int
        Members that were fitted together.
    groups_ : ndarray of shape (n_estimators,), int64
        Block of each member.
    n_clusters_per_estimator_ : ndarray of shape (n_estimators,), int64
        Number of clusters that each member was asked for.
    feature_blocks_ : list of (int, int)
        First feature and last feature + 1 of each member.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    EntropyWeightedConsensus : What combines them.
    USENC : Both in one estimator.

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
        score_groups=(),
        members_per_graph="auto",
        n_jobs=None,
        random_state=None,
    ):
        self.n_estimators = n_estimators
        self.base_clusterer = base_clusterer
        self.base_n_clusters = base_n_clusters
        self.group_sizes = group_sizes
        self.score_groups = score_groups
        self.members_per_graph = members_per_graph
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        """Fit the members.

        Parameters
        ----------
        X : array-like or dask.array.Array of shape (n_samples, n_features)
            Features; blocks side by side. A memory map is not copied. A dask array needs U-SPEC members only.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, at least 0; handed to the members.

        Returns
        -------
        self : BaseClusterings
        """
        return self._fit(X, sample_weight, np.int32)

    def _fit(self, X, sample_weight, label_dtype):
        """Fit with labels of another type than int32: large ensembles take one byte per label."""
        X = validate_table(self, X, reset=True)
        sizes = self._check_group_sizes(X.shape[1])
        weights = check_sample_weight(sample_weight, len(X))
        rows = effective_rows(weights, len(X))
        n_estimators, cluster_range, prototypes = self.check_parameters(rows, len(sizes))

        # Everything random is drawn here, before the fan-out: n_jobs cannot change the result.
        scores = self._check_score_groups(len(sizes), n_estimators)
        counts = members_per_group(n_estimators, len(sizes), scores)
        plan = draw_plan(counts, sizes, cluster_range, draw_seed(self.random_state))
        members = draw_members(plan, prototypes, scores)
        self.feature_blocks_ = [(start, stop) for _, start, stop, _, _ in plan]
        self.groups_ = np.array([group for group, *_ in plan])
        self.n_clusters_per_estimator_ = np.array([member.n_clusters for member in members])
        self.tasks_ = draw_tasks(members, plan, self._sharing(rows))
        if is_dask_array(X):
            self._fit_dask(X, members, label_dtype, weights)
        else:
            self._fit_array(X, members, label_dtype, weights)
        return self

    def _fit_array(self, X, members, label_dtype, weights):
        """Fit on an array: tasks in joblib workers, the kernels' threads where there is but one."""
        fixed = (working_dtype(X), label_dtype, weights)
        calls = [
            delayed(_fit_block)(X, self.feature_blocks_[task[0]], [members[m] for m in task], *fixed)
            for task in self.tasks_
        ]
        labels = np.empty((len(members), len(X)), dtype=label_dtype)  # contiguous columns: the consensus reads those
        self.estimators_ = list(members)
        fitted = _run(self.n_jobs, calls) if effective_n_jobs(self.n_jobs) > 1 else (c[0](*c[1], **c[2]) for c in calls)
        for task, (done, columns) in zip(self.tasks_, fitted, strict=True):
            for m, member, column in zip(task, done, columns, strict=True):
                self.estimators_[m], labels[m] = member, column[0]
        self.base_labels_ = labels.T

    def _fit_dask(self, X, members, label_dtype, weights):
        """Fit on a dask array, one graph after the other; the labels stay where the chunks are."""
        if not all(isinstance(member, USPEC) for member in members):
            raise ValueError(
                "A dask array needs base clusterers that work chunk by chunk, which USPEC does; set "
                f"base_clusterer=USPEC(n_init={BASE_N_INIT}, max_iter={BASE_MAX_ITER}) and score_groups=(), or pass "
                "an array."
            )
        columns = [None] * len(members)
        blocks = {block: parts_of(X[:, slice(*block)]) for block in set(self.feature_blocks_)}
        for task in self.tasks_:
            parts, own = blocks[self.feature_blocks_[task[0]]], [members[m] for m in task]
            _, fitted = _fit_task(parts, own, working_dtype(X), label_dtype, weights)
            for m, column in zip(task, fitted, strict=True):
                columns[m] = column
        self.estimators_ = members
        self.base_labels_ = stack_columns(parts, columns, label_dtype)

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
        self._check_score_groups(n_blocks, n_estimators)
        if self.members_per_graph != "auto":
            check_integer("members_per_graph", self.members_per_graph, low=1, hint="Or 'auto'.")
        if self.n_jobs is not None and check_integer("n_jobs", self.n_jobs) == 0:
            raise ValueError("n_jobs must be None or an integer other than 0; got 0.")
        return n_estimators, self._check_cluster_range(n_samples), self._check_base_clusterer()

    def _sharing(self, n_samples):
        if self.members_per_graph != "auto":
            return self.members_per_graph
        return 1 if n_samples <= MAX_ROWS_ALONE else AUTO_MEMBERS

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

    def _check_score_groups(self, n_groups, n_estimators):
        try:
            groups = tuple(self.score_groups)
        except TypeError:
            raise TypeError(f"score_groups must be a sequence of block numbers; got {self.score_groups!r}.") from None
        groups = tuple(check_integer("score_groups", group, low=0, high=n_groups - 1) for group in groups)
        if len(set(groups)) < len(groups) or (groups and len(groups) >= n_groups):
            raise ValueError(
                f"score_groups must name different blocks and leave at least one of the {n_groups} to be clustered; "
                f"got {self.score_groups!r}."
            )
        if min(members_per_group(n_estimators, n_groups, groups)) < 1:
            raise ValueError(
                f"n_estimators={n_estimators} leaves too few base clusterings beside those of {len(groups)} "
                "score_groups; raise n_estimators."
            )
        return groups

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
        X = validate_table(self, X, reset=False)
        if is_dask_array(X):
            return map_rows(X, for_workers(self)._transform, np.int32, len(self.estimators_))
        return self._transform(X)

    def _transform(self, X):
        calls = []
        for task in self.tasks_:
            start, stop = self.feature_blocks_[task[0]]
            calls.append(delayed(_predict_task)(X[:, start:stop], [self.estimators_[m] for m in task], np.int32))
        labels = np.empty((len(self.estimators_), len(X)), dtype=np.int32)
        for task, columns in zip(self.tasks_, _run(self.n_jobs, calls), strict=True):
            labels[task] = columns
        return labels.T

    @property
    def _n_features_out(self):
        return len(self.estimators_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # int32 whatever the input
        return tags


def stack_columns(parts, columns, dtype):
    """Label matrix (n, M) as a dask array, from the labels of every member in every chunk."""
    import dask
    import dask.array as da

    stack = dask.delayed(stack_labels, pure=False)
    blocks = dask.persist(*[stack(*labels) for labels in zip(*columns, strict=True)])
    shapes = [(length, len(columns)) for length in parts.lengths]
    arrays = [da.from_delayed(block, shape, dtype=dtype) for block, shape in zip(blocks, shapes, strict=True)]
    return da.concatenate(arrays, axis=0)


def stack_labels(*labels):
    """Labels of all members side by side, in contiguous columns, which the consensus reads."""
    return np.stack(labels).T


def for_workers(estimator):
    """A copy to be sent to workers: without what has one entry per training row, and without workers of its own."""
    light = copy.copy(estimator)
    for name in ("labels_", "base_labels_"):
        vars(light).pop(name, None)
    if hasattr(light, "n_jobs"):
        light.n_jobs = None
    return light
