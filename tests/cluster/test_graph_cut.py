# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from sklearn.cluster import SpectralClustering
from sklearn.datasets import make_circles
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import kneighbors_graph

from skdeepclust.cluster._graph_cut import leading_eigenvectors, normalised_cut, spectral_labels
from skdeepclust.cluster._neighbour_graph import check_graph, neighbour_graph, normalised
from skdeepclust.metrics import clustering_accuracy

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "iciclegcn_imagenet10_graphs.npz"


@pytest.mark.skipif(not GOLDEN.exists(), reason="golden data not at hand")
def test_published_graph_of_ten_neighbours():
    A = neighbour_graph(np.load(GOLDEN)["k10"][:, 1].reshape(13_000, 10))
    values, _ = leading_eigenvectors(A, 10)
    known = [1, 0.998680, 0.998498, 0.998434, 0.998281, 0.998056, 0.996909, 0.995590, 0.994855, 0.992808]
    np.testing.assert_allclose(values, known, atol=2e-6)
    labels = spectral_labels(A, 10, seed=0)
    y = np.arange(13_000) // 1300
    assert clustering_accuracy(y, labels) >= 0.945
    assert normalised_cut(A, labels, 10) < normalised_cut(A, y, 10)  # the classes are not what a cut looks for


@pytest.mark.parametrize("n", [40, 300])  # densely, and by Lanczos
def test_eigenvectors(n):
    X, _ = make_circles(n, noise=0.1, random_state=0)
    A = check_graph(kneighbors_graph(X, 6), n)
    values, vectors = leading_eigenvectors(A, 5)
    S = normalised(A).toarray()
    np.testing.assert_allclose(values, np.linalg.eigvalsh(S)[::-1][:5], atol=1e-10)
    np.testing.assert_allclose(S @ vectors, vectors * values, atol=1e-8)


@pytest.mark.filterwarnings("ignore:Graph is not fully connected")
def test_circles_are_found_as_scikit_learn_does():
    X, y = make_circles(300, factor=0.4, noise=0.03, random_state=0)
    A = check_graph(kneighbors_graph(X, 10), 300)
    labels = spectral_labels(A, 2, seed=0)
    assert adjusted_rand_score(y, labels) == 1
    theirs = SpectralClustering(2, affinity="precomputed", random_state=0).fit_predict(A + scipy.sparse.eye_array(300))
    assert adjusted_rand_score(theirs, labels) == 1


def test_normalised_cut_by_hand():
    """Two triangles joined by an edge: volumes 6 + 1 + 3 loops each, cut 1."""
    A = np.zeros((6, 6))
    for a, b in ((0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)):
        A[a, b] = A[b, a] = 1
    A = check_graph(A, 6)
    good, bad = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 0, 1])
    assert normalised_cut(A, good, 2) == pytest.approx(1 / 10)
    assert normalised_cut(A, 1 - good, 2) == pytest.approx(1 / 10)
    assert normalised_cut(A, bad, 2) > 0.4
    assert normalised_cut(A, np.zeros(6, int), 1) == 0
    assert normalised_cut(A, good, 4) == pytest.approx((1 / 10 + 1 / 10 + 1 + 1) / 4)  # two empty ones


def test_fewer_different_rows_than_clusters():
    labels = spectral_labels(scipy.sparse.csr_array(np.ones((5, 5)) - np.eye(5)), 4, seed=0)
    assert len(labels) == 5
