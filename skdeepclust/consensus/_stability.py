# SPDX-License-Identifier: BSD-3-Clause
"""How stable the consensus is at every number of clusters, from one ensemble.

Source: A. Ben-Hur, A. Elisseeff, I. Guyon, "A stability based method for discovering structure in clustered data",
Pacific Symposium on Biocomputing 2002; U. von Luxburg, "Clustering stability: an overview", Foundations and Trends
in Machine Learning 2(3), 2010. They cluster samples of the objects; here the objects stay and the base clusterings
are drawn, which costs no new clustering.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import adjusted_rand_score
from sklearn.utils import check_array, check_random_state

from .._support._parameters import check_integer, check_real, draw_seed
from .._support._warnings import ClusterCollapseWarning
from ..metrics import ensemble_agreement
from ._discretise import kmeans_centres, nearest
from ._eigengap import N_EIGENVALUES, eigengaps
from ._entropy import entropy_table, index_from_entropy
from ._graph import cluster_overlap, distinct_objects, object_embedding, reduced_graph
from ._labels import code_labels, has_label
from ._parts import is_dask_array, sample_rows
from ._spectrum import reduced_spectrum

TOLERANCE = 0.05  # of stability; benchmarks/quality/number_of_clusters.py compares
MAX_ITER = 100
AGREEMENT_SAMPLES = 5_000  # the expected mutual information takes time in proportion to the objects


@dataclass(frozen=True, eq=False)
class StabilityCurve:
    """What :func:`stability_curve` found; K numbers of clusters, R resamples.

    Attributes
    ----------
    n_clusters : ndarray of shape (K,), int64
        The numbers of clusters, ascending.
    scores : ndarray of shape (R, K), float64
        Adjusted Rand index of the two halves of every resample.
    agreement : ndarray of shape (K,), float64
        :func:`~skdeepclust.metrics.ensemble_agreement` of the consensus of the whole ensemble, on at most 5,000
        objects.
    spectrum : ndarray, float64
        Leading eigenvalues mu of the graph of the whole ensemble, descending.
    n_samples : int
        Objects looked at.
    """

    n_clusters: NDArray[np.int64]
    scores: NDArray[np.float64]
    agreement: NDArray[np.float64]
    spectrum: NDArray[np.float64]
    n_samples: int

    @property
    def stability(self) -> NDArray[np.float64]:
        """Mean of `scores` over the resamples, shape (K,)."""
        return self.scores.mean(axis=0)

    @property
    def stability_std(self) -> NDArray[np.float64]:
        """Standard deviation of `scores` over the resamples, shape (K,)."""
        return self.scores.std(axis=0)

    @property
    def standard_error(self) -> NDArray[np.float64]:
        """Standard error of `stability`, ``stability_std / sqrt(R)``, shape (K,)."""
        return self.stability_std / np.sqrt(len(self.scores))

    @property
    def eigengaps(self) -> NDArray[np.float64]:
        """Gap of `spectrum` behind each number of clusters, shape (K,); NaN where the spectrum ends before.

        On the scale of :func:`~skdeepclust.eigengap_n_clusters`: the logarithm of how many times more slowly a random
        walk leaves the k pieces than it spreads inside them.
        """
        gaps = np.append(eigengaps(self.spectrum), np.nan)
        return gaps[np.minimum(self.n_clusters - 1, len(gaps) - 1)]

    @property
    def best_n_clusters(self) -> int:
        """The number of clusters with the widest eigengap among those within 0.05 of the best stability.

        Stability alone cannot tell k clusters from a partition that joins some of them in a way that never changes, nor
        from one that cuts a small piece off one of many; the gap alone takes the coarsest of several scales. The first
        of equal gaps.
        """
        stable = self.stability >= self.stability.max() - TOLERANCE
        return int(self.n_clusters[np.argmax(np.where(stable, np.nan_to_num(self.eigengaps, nan=-1.0), -2.0))])


def stability_curve(
    base_labels: ArrayLike | BaseEstimator,
    n_clusters: Iterable[int] = range(2, 21),
    *,
    n_resamples: int = 20,
    theta: float | None = None,
    max_samples: int = 20_000,
    n_init: int = 3,
    random_state: int | np.random.RandomState | None = None,
) -> StabilityCurve:
    r"""Stability of the consensus at many numbers of clusters, from one ensemble.

    For every resample r the base clusterings are dealt into two halves :math:`A_r, B_r` without a common member. With
    :math:`c_k(\cdot)` the consensus into k clusters (transfer cut, :class:`~skdeepclust.EntropyWeightedConsensus`),

    .. math:: S(k) = \frac{1}{R} \sum_{r=1}^{R} \operatorname{ARI}\bigl(c_k(A_r),\, c_k(B_r)\bigr)

    is 1 if the partition does not depend on which base clusterings happened to be made, and 0 if two ensembles have
    nothing in common. One eigendecomposition of each half serves all k.

    Parameters
    ----------
    base_labels : array-like of shape (n_samples, n_clusterings), or fitted ensemble
        Label matrix, one column per base clustering, -1 = missing; or an estimator that has one as ``base_labels_``
        (:class:`~skdeepclust.USENC`, :class:`~skdeepclust.BaseClusterings`,
        :class:`~skdeepclust.DeepClusterEnsemble`). At least 4 columns; 20 or more are better.
    n_clusters : iterable of int, default=range(2, 21)
        Numbers of clusters to compare, at least 2. The base clusterings should have more clusters than that.
    n_resamples : int, default=20
        Number R of ways to halve the ensemble.
    theta : float or None, default=None
        Sharpness of the weights by entropy, see :func:`~skdeepclust.ensemble_cluster_index`; each half has its own.
        None is equal weights.
    max_samples : int, default=20000
        Objects to look at, drawn without replacement; all, if there are no more.
    n_init : int, default=3
        Restarts of k-means.
    random_state : int, RandomState or None, default=None
        Seed of the draws and of k-means; an int makes results repeatable.

    Returns
    -------
    curve : StabilityCurve
        Arrays ``n_clusters``, ``stability``, ``stability_std``, ``agreement``, ``eigengaps``, ``spectrum`` and the
        choice ``best_n_clusters``.

    Raises
    ------
    ValueError
        If there are fewer than 4 base clusterings, no number of clusters, one below 2, or more clusters than objects.
    TypeError
        If `base_labels` is an estimator that has not been fitted or is no ensemble.

    See Also
    --------
    eigengap_n_clusters : The choice by the spectrum alone.
    skdeepclust.metrics.ensemble_agreement : What ``agreement`` is.

    Notes
    -----
    The two halves share the objects, so S(k) tells how far the partition hangs on the draw of the base clusterings,
    not on that of the objects. The resamples share the base clusterings, so ``standard_error`` is that of the mean
    over all ways to halve *this* ensemble. A half has half the members, so the consensus of all is more stable than
    S(k) says.

    Objects without a label in one of the halves are left out of the comparison of the two.

    Source: Ben-Hur, Elisseeff, Guyon, "A stability based method for discovering structure in clustered data", Pacific
    Symposium on Biocomputing 2002; von Luxburg, "Clustering stability: an overview", Foundations and Trends in Machine
    Learning 2(3), 2010.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from skdeepclust import BaseClusterings, stability_curve
    >>> X, _ = make_blobs(500, centers=[[0, 0], [9, 0], [0, 9], [9, 9]], random_state=0)
    >>> base = BaseClusterings(random_state=0).fit(X)
    >>> curve = stability_curve(base, range(2, 9), n_resamples=5, random_state=0)
    >>> print(curve.best_n_clusters)
    4
    """
    labels = _label_matrix(base_labels)
    n_resamples = check_integer("n_resamples", n_resamples, low=1)
    theta = None if theta is None else check_real("theta", theta, low=0, closed_low=False)
    max_samples = check_integer("max_samples", max_samples, low=2)
    n_init = check_integer("n_init", n_init, low=1)
    seed = draw_seed(random_state)
    halves = draw_halves(labels.shape[1], n_resamples, check_random_state(seed))
    labels = _draw_rows(labels, max_samples, seed)

    numbers = _check_numbers(n_clusters, len(labels))
    coder, codes = code_labels(labels)
    scores = half_scores(codes, coder.sizes, halves, numbers, theta=theta, n_init=n_init, seed=seed)
    partitions, spectrum = nested_consensus(codes, coder.sizes, numbers, theta=theta, n_init=n_init, seed=seed)
    some = np.flatnonzero(has_label(codes, coder.sizes))
    some = some[sample_rows(len(some), AGREEMENT_SAMPLES, seed)]
    columns = np.where(codes == coder.sizes[:, None], -1, codes.astype(np.int64)).T[some]
    agreement = [ensemble_agreement(partition[some], columns) for partition in partitions]
    return StabilityCurve(numbers, scores, np.array(agreement), spectrum, len(labels))


def draw_halves(
    n_clusterings: int, n_resamples: int, rng: np.random.RandomState
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of disjoint sets of n_clusterings // 2 base clusterings; of an odd number one is left out each time."""
    half = n_clusterings // 2
    orders = [rng.permutation(n_clusterings) for _ in range(n_resamples)]
    return [(np.sort(order[:half]), np.sort(order[half : 2 * half])) for order in orders]


def half_scores(
    codes: NDArray,
    sizes: NDArray[np.int64],
    halves: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    numbers: NDArray[np.int64],
    *,
    theta: float | None,
    n_init: int,
    seed: int,
) -> NDArray[np.float64]:
    """Adjusted Rand index of the consensus of both halves, shape (len(halves), len(numbers)).

    Parameters
    ----------
    codes : ndarray of shape (M, n)
        Codes of all base clusterings.
    sizes : ndarray of shape (M,)
        Clusters per clustering.
    halves : list of (ndarray, ndarray)
        Base clusterings of each half.
    numbers : ndarray of shape (K,)
        Numbers of clusters.
    theta, n_init, seed
        See :func:`nested_consensus`.
    """
    scores = np.empty((len(halves), len(numbers)))
    for r, pair in enumerate(halves):
        first, second = (
            nested_consensus(codes[half], sizes[half], numbers, theta=theta, n_init=n_init, seed=seed)[0]
            for half in pair
        )
        both = (first[0] >= 0) & (second[0] >= 0)
        scores[r] = [adjusted_rand_score(a[both], b[both]) for a, b in zip(first, second, strict=True)]
    return scores


def nested_consensus(
    codes: NDArray, sizes: NDArray[np.int64], numbers: NDArray[np.int64], *, theta: float | None, n_init: int, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Transfer cut into every number of clusters from one eigendecomposition.

    The embedding for k clusters is the unit row of the first k of all columns, so that nothing but k-means is repeated.

    Parameters
    ----------
    codes : ndarray of shape (M, n)
        Codes.
    sizes : ndarray of shape (M,)
        Clusters per clustering.
    numbers : ndarray of shape (K,)
        Numbers of clusters.
    theta : float or None
        Sharpness of the weights by entropy; None is equal weights.
    n_init, seed : int
        Restarts and seed of k-means.

    Returns
    -------
    labels : ndarray of shape (K, n), int32
        -1 for an object without any label.
    mu : ndarray
        Leading eigenvalues, at least N_EIGENVALUES if the graph has as many columns.
    """
    labels = np.full((len(numbers), codes.shape[1]), -1, dtype=np.int32)
    known = np.flatnonzero(has_label(codes, sizes))
    codes = np.ascontiguousarray(codes[:, known])
    weights = cluster_weights(codes, sizes, theta)
    graph = reduced_graph(codes, sizes, weights)
    vectors, mu = reduced_spectrum(graph, graph.sum(axis=1), max(N_EIGENVALUES, int(numbers[-1])))
    first, inverse, counts = distinct_objects(codes)
    embedding = object_embedding(
        np.ascontiguousarray(codes[:, first]), sizes, weights, np.ascontiguousarray(vectors[:, : numbers[-1]])
    )
    for row, k in zip(labels, numbers, strict=True):
        points = np.ascontiguousarray(embedding[:, :k])
        points /= np.linalg.norm(points, axis=1, keepdims=True) + 1e-10
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ClusterCollapseWarning)
            centres, _ = kmeans_centres(
                points, min(int(k), len(points)), counts.astype(np.float64), n_init, MAX_ITER, seed
            )
        row[known] = nearest(points, centres)[0][inverse]
    return labels, mu


def cluster_weights(codes: NDArray, sizes: NDArray[np.int64], theta: float | None) -> NDArray[np.float64]:
    """Weights ``exp(-mean entropy / theta)`` of the clusters among these clusterings, (q,); 1 for None."""
    if theta is None:
        return np.ones(int(sizes.sum()))
    entropy = entropy_table(cluster_overlap(codes, sizes), sizes).sum(axis=1) / len(sizes)
    return index_from_entropy(entropy - entropy.min(), theta)  # only ratios of weights matter


def _label_matrix(base_labels: Any) -> Any:
    """The label matrix of an ensemble, or `base_labels` itself, checked; a dask array stays one."""
    if isinstance(base_labels, BaseEstimator):
        if not hasattr(base_labels, "base_labels_"):
            raise TypeError(
                f"base_labels must be a label matrix or a fitted ensemble with base_labels_; got {base_labels!r} "
                "without it. Call fit first, or pass the label matrix."
            )
        base_labels = base_labels.base_labels_
    labels = base_labels if is_dask_array(base_labels) else check_array(base_labels, dtype="numeric")
    if labels.ndim != 2 or labels.shape[1] < 4:
        raise ValueError(
            "base_labels must have at least 4 base clusterings (columns), two for each half; got shape "
            f"{labels.shape}. Make more of them, 20 for instance."
        )
    return labels


def _draw_rows(labels: Any, max_samples: int, seed: int) -> NDArray:
    """At most `max_samples` rows of a label matrix, in their order; of a dask array no others are held."""
    rows = sample_rows(labels.shape[0], max_samples, seed)
    return check_array(np.asarray(labels[rows]), dtype="numeric", ensure_min_samples=2)


def _check_numbers(n_clusters: Iterable[int], n_samples: int) -> NDArray[np.int64]:
    """Numbers of clusters, distinct and ascending."""
    if isinstance(n_clusters, (str, int)) or not isinstance(n_clusters, Iterable):
        raise TypeError(f"n_clusters must be several integers, for instance range(2, 21); got {n_clusters!r}.")
    hint = f"The numbers are compared on {n_samples} objects."
    numbers = sorted({check_integer("n_clusters", k, low=2, high=n_samples, hint=hint) for k in n_clusters})
    if not numbers:
        raise ValueError("n_clusters must name at least one number of clusters, for instance range(2, 21); got none.")
    return np.array(numbers, dtype=np.int64)
