# SPDX-License-Identifier: BSD-3-Clause
"""First clusters among the embeddings of an autoencoder, and a linear head that tells them."""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from .._support._warnings import SkdeepclustWarning
from ..cluster import PathIntegralClustering

MAX_ROWS = 100_000  # for path integrals, which hold a graph of all rows
_MAX_ITER = 300
_N_NEIGHBORS, _LEAST_NEIGHBORS = 20, 5  # as published; of small clusters
_LEAST_SHARE = 0.5  # of the mean size: targets that balance clusters presume that all are of one order


def initial_head(z, n_clusters, initializer, seed):
    """Cluster embeddings and fit a softmax head to the clusters.

    Parameters
    ----------
    z : ndarray of shape (n, D)
        Embeddings. Path integrals take at most 100,000 of them, drawn at random.
    n_clusters : int
        K.
    initializer : {"path_integral", "kmeans"}
    seed : int

    Returns
    -------
    labels : ndarray of shape (n,)
        Of all rows: the clusters, beyond 100,000 rows what the head says.
    weight : ndarray of shape (K, D)
    bias : ndarray of shape (K,)

    Notes
    -----
    Multinomial logistic regression is convex and done in seconds; the unit centroids of the published code are a head
    that is nearly flat and tells fewer of the labels.
    """
    rows = np.arange(len(z))
    if initializer == "path_integral" and len(z) > MAX_ROWS:
        rows = np.sort(np.random.default_rng(seed).permutation(len(z))[:MAX_ROWS])
    labels = _clusters(z[rows], n_clusters, initializer, seed)
    weight, bias = np.zeros((n_clusters, z.shape[1])), np.zeros(n_clusters)
    found = np.unique(labels)
    if len(found) == 1:
        bias[np.arange(n_clusters) != found[0]] = -1.0
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a start need not be an optimum
            head = LogisticRegression(max_iter=_MAX_ITER).fit(z[rows], labels)
        bias[:] = head.intercept_.min() - 1.0  # clusters that were not found
        # Two classes are told by one row of coefficients: by half of it each.
        binary = len(found) == 2
        weight[found] = np.stack([-head.coef_[0], head.coef_[0]]) / 2 if binary else head.coef_
        bias[found] = np.array([-1, 1]) * head.intercept_[0] / 2 if binary else head.intercept_
    if len(rows) < len(z):
        labels = (z @ weight.T + bias).argmax(axis=1)
    return labels, weight, bias


def _clusters(z, n_clusters, initializer, seed):
    with warnings.catch_warnings():  # fewer different rows than clusters: the labels will show
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", SkdeepclustWarning)
        if initializer == "kmeans":
            return KMeans(n_clusters, n_init=20, random_state=seed).fit_predict(z)
        # Neighbours that are for the greater part of one cluster: a quarter of its members.
        n_neighbors = min(_N_NEIGHBORS, max(_LEAST_NEIGHBORS, len(z) // (4 * n_clusters)))
        clusterer = PathIntegralClustering(n_clusters, n_neighbors=n_neighbors, min_cluster_size=_LEAST_SHARE)
        return clusterer.fit_predict(z)
