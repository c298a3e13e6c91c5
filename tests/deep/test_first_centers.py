# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.preprocessing import normalize

from skdeepclust.deep._first_centers import consensus_centers, kmeans_centers
from skdeepclust.exceptions import ClusterCollapseWarning


def nearest(centers, features):
    return ((features[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)


@pytest.mark.parametrize("find", [consensus_centers, kmeans_centers])
def test_centers_of_blobs(find):
    X, y = make_blobs(300, centers=4, n_features=8, cluster_std=0.5, random_state=0)
    features = normalize(X).astype(np.float32)
    centers = find(features, 4, 0)
    assert adjusted_rand_score(y, nearest(centers, features)) == 1.0
    np.testing.assert_array_equal(find(features, 4, 0), centers)


def test_centers_of_a_consensus_are_means_of_unit_length():
    X, y = make_blobs(300, centers=3, n_features=5, cluster_std=0.5, random_state=1)
    features = normalize(X)
    means = normalize([features[y == k].mean(axis=0) for k in range(3)])
    found = consensus_centers(features, 3, 0)
    np.testing.assert_allclose(found[nearest(found, means)], means, rtol=1e-12)


def test_on_digits_centers_of_a_consensus_tell_more():
    X, y = load_digits(return_X_y=True)
    features = normalize(X)
    consensus, kmeans = (
        normalized_mutual_info_score(y, nearest(find(features, 10, 0), features))
        for find in (consensus_centers, kmeans_centers)
    )
    assert consensus > kmeans + 0.02


def test_one_center():
    features = np.tile([[1.0, 0.0], [0.0, 1.0]], (20, 1))
    np.testing.assert_allclose(consensus_centers(features, 1, 0), [[0.5**0.5, 0.5**0.5]])


def test_fewer_different_rows_than_clusters():
    features = np.tile([[1.0, 0.0], [0.0, 1.0]], (20, 1))
    with pytest.warns(ClusterCollapseWarning, match="found 2 of 3 clusters"):
        centers = consensus_centers(features, 3, 0)
    np.testing.assert_array_equal(centers, kmeans_centers(features, 3, 0))
