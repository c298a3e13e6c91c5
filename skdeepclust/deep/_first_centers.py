# SPDX-License-Identifier: BSD-3-Clause
"""First centres of clusters among features."""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from .._support._warnings import ClusterCollapseWarning, SkdeepclustWarning
from ..cluster import BaseClusterings
from ..consensus import EntropyWeightedConsensus

_N_ESTIMATORS, _THETA = 40, 0.6  # as DeepClusterEnsemble has them


def cluster_means(rows, labels, n_clusters):
    """Means (n_clusters, d) of `rows` (n, d) by label; that of all rows for a label that does not occur."""
    return np.stack([(rows[labels == k] if (labels == k).any() else rows).mean(axis=0) for k in range(n_clusters)])


def kmeans_centers(features, n_clusters, seed, n_init=10):
    """Centres (n_clusters, d) of k-means of `features` (n, d), the best of `n_init` starts."""
    with warnings.catch_warnings():  # fewer different rows than clusters: the labels will show
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(n_clusters, n_init=n_init, random_state=seed).fit(features).cluster_centers_


def consensus_centers(features, n_clusters, seed):
    """Means (n_clusters, d), of unit length, of the clusters of an ensemble over `features` (n, d) of unit length.

    It is made as that of :class:`~skdeepclust.DeepClusterEnsemble` with one layer. Where it finds fewer
    clusters than were asked for, the centres are those of k-means, with a :class:`ClusterCollapseWarning`.
    """
    with warnings.catch_warnings():  # fewer different rows than clusters: the labels will show
        warnings.simplefilter("ignore", SkdeepclustWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        base_labels = BaseClusterings(_N_ESTIMATORS, random_state=seed).fit_transform(features)
        consensus = EntropyWeightedConsensus(n_clusters, theta=_THETA, random_state=seed)
        labels = consensus.fit_predict(base_labels)
    n_found = labels.max() + 1
    if n_found < n_clusters:
        warnings.warn(
            f"The ensemble found {n_found} of {n_clusters} clusters among the embeddings, so the first centres are "
            "those of k-means. Lower n_clusters, or train longer before centres are placed.",
            ClusterCollapseWarning,
            stacklevel=2,
        )
        return kmeans_centers(features, n_clusters, seed)
    means = cluster_means(features, labels, n_clusters)
    return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
