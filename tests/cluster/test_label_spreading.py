# SPDX-License-Identifier: BSD-3-Clause
"""Labels spread over a graph: against the closed form, and on clusters some of whose labels are wrong."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import make_blobs

from skdeepclust.cluster._label_spreading import spread_labels
from skdeepclust.cluster._neighbour_graph import neighbour_graph, normalised
from skdeepclust.cluster._row_neighbours import make_row_search


@pytest.fixture(scope="module")
def graph_and_clusters():
    X, y = make_blobs(300, n_features=4, centers=3, cluster_std=1.0, random_state=0)
    index, _ = make_row_search(X.astype(np.float32)).neighbours(10)
    return neighbour_graph(index), y


@pytest.mark.parametrize("alpha", [0.8, 0.9])
def test_closed_form(graph_and_clusters, alpha):
    """The fixed point is (1 - alpha) (I - alpha S)^-1 Y."""
    A, y = graph_and_clusters
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(300) < 0.4, rng.integers(0, 3, 300), y)
    F = np.linalg.solve(np.eye(300) - alpha * normalised(A).toarray(), np.eye(3)[labels])
    np.testing.assert_array_equal(spread_labels(A, labels, 3, alpha), F.argmax(axis=1))
    assert (F.argmax(axis=1) != labels).any()


def test_wrong_labels_are_put_right(graph_and_clusters):
    A, y = graph_and_clusters
    wrong = np.random.default_rng(0).choice(300, 60, replace=False)
    labels = y.copy()
    labels[wrong] = (labels[wrong] + 1) % 3
    assert (spread_labels(A, labels, 3) != y).mean() < 0.02


def test_what_has_no_edges_keeps_its_label():
    labels = np.array([2, 0, 1, 1])
    np.testing.assert_array_equal(spread_labels(csr_array((4, 4)), labels, 3), labels)


def test_alpha_zero_changes_nothing(graph_and_clusters):
    A, _ = graph_and_clusters
    labels = np.random.default_rng(0).integers(0, 4, 300)
    np.testing.assert_array_equal(spread_labels(A, labels, 4, alpha=0.0), labels)
