# SPDX-License-Identifier: BSD-3-Clause
import consensus_twins as twins
import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist, squareform

from skdeepclust.consensus._labels import code_labels
from skdeepclust.consensus._linkage import (
    average_linkage,
    cut_average_linkage,
    mean_association_table,
    weighted_distance,
)


@pytest.mark.parametrize("seed", range(4))
def test_heights_equal_scipy(seed):
    distance = pdist(np.random.default_rng(seed).normal(size=(40, 3)))
    *_, height = average_linkage(squareform(distance), np.ones(40))
    np.testing.assert_allclose(np.sort(height), linkage(distance, "average")[:, 2], rtol=1e-12)


def test_multiplicities_equal_repeated_points():
    rng = np.random.default_rng(0)
    points, counts = rng.normal(size=(12, 2)), rng.integers(1, 5, 12)
    repeated = np.repeat(points, counts, axis=0)
    *_, height = average_linkage(squareform(pdist(points)), counts.astype(float))
    expected = linkage(pdist(repeated), "average")[:, 2]
    np.testing.assert_allclose(np.sort(height), expected[-11:], rtol=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_distance_equals_the_matrix_product(missing):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, (30, 5))
    labels[rng.random(labels.shape) < missing] = -1
    coder, codes = code_labels(labels)
    weights = rng.random(int(coder.sizes.sum()))
    expected = 1 - twins.coassociation(labels, weights)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(weighted_distance(codes, coder.sizes, weights), expected, atol=1e-14)


def test_table_gives_the_mean_coassociation_with_each_cluster():
    rng = np.random.default_rng(2)
    labels, cluster = rng.integers(0, 4, (30, 5)), rng.integers(0, 3, 30)
    coder, codes = code_labels(labels)
    weights = rng.random(int(coder.sizes.sum()))
    table = mean_association_table(codes, coder.sizes, weights, np.ones(30), cluster, 3)
    A = twins.coassociation(labels, weights)
    expected = np.stack([A[:, cluster == c].mean(axis=1) for c in range(3)], axis=1)
    np.testing.assert_allclose(twins.incidence(labels) @ table, expected, atol=1e-14)


def test_one_tuple():
    codes = np.zeros((2, 1), dtype=np.uint8)
    labels = cut_average_linkage(codes, np.array([1, 1]), np.ones(2), np.array([7]), 1)
    assert labels.tolist() == [0]
