# SPDX-License-Identifier: BSD-3-Clause
"""First centres of clusters among features."""

import warnings

from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning


def kmeans_centers(features, n_clusters, seed, n_init=10):
    """Centres (n_clusters, d) of k-means of `features` (n, d), the best of `n_init` starts."""
    with warnings.catch_warnings():  # fewer different rows than clusters: the labels will show
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(n_clusters, n_init=n_init, random_state=seed).fit(features).cluster_centers_
