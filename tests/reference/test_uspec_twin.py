# SPDX-License-Identifier: BSD-3-Clause
"""The twin of U-SPEC and of the consensus, against the package and against formulas written out."""

from pathlib import Path

import consensus_twins
import numpy as np
import pytest
import scipy.sparse
import uspec_twin as twin
from sklearn.datasets import make_blobs, make_circles
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust import USPEC, EntropyWeightedConsensus, TransferCut, ensemble_cluster_index
from skdeepclust.datasets import make_planar

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "transfer_cut.npz"


def random_affinity(n=60, q=12, seed=0):
    rng = np.random.default_rng(seed)
    return scipy.sparse.csr_array(rng.random((n, q)) * (rng.random((n, q)) < 0.5) + 0.01 * np.eye(n, q))


def noisy_ensemble(n=400, M=6, groups=4, noise=0.2, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, groups, n)
    labels = np.where(rng.random((n, M)) < noise, rng.integers(0, 3 * groups, (n, M)), 0)
    return np.where(labels > 0, labels, truth[:, None] + groups * rng.integers(0, 3, (n, M))), truth


def same_up_to_sign(a, b, **tolerance):
    np.testing.assert_allclose(a * np.sign((a * b).sum(axis=0)), b, **tolerance)


def test_reduced_graph_is_its_formula():
    B = random_affinity()
    dense = B.toarray()
    np.testing.assert_allclose(twin.reduced_graph(B), dense.T @ np.diag(1 / dense.sum(axis=1)) @ dense, atol=1e-13)


def test_embedding_equals_that_of_the_package():
    B = random_affinity()
    F, mu = twin.object_embedding(B, 4)
    cut = TransferCut(4, random_state=0).fit(B)
    np.testing.assert_allclose(cut.spectrum_, mu[: len(cut.spectrum_)], atol=1e-12)
    ours = B @ cut.column_vectors_
    same_up_to_sign(F, ours / np.linalg.norm(ours, axis=1, keepdims=True), atol=1e-8)


@pytest.mark.data
@pytest.mark.skipif(not GOLDEN.exists(), reason="golden data not at hand")
def test_golden_embedding():
    golden = np.load(GOLDEN)
    F, mu = twin.object_embedding(scipy.sparse.csr_array(golden["B"]), int(golden["k"]))
    np.testing.assert_allclose(mu[: len(golden["mu"])], golden["mu"][: len(mu)], atol=1e-10)
    same_up_to_sign(F, golden["F_unit"], atol=1e-8)
    assert adjusted_rand_score(twin.transfer_cut(scipy.sparse.csr_array(golden["B"]), 4, 0), golden["labels"]) == 1


def test_columns_without_objects_are_left_out():
    B = random_affinity()
    wider = scipy.sparse.hstack([B, scipy.sparse.csr_array((60, 3))], format="csr")
    np.testing.assert_array_equal(twin.transfer_cut(wider, 3, 0), twin.transfer_cut(B, 3, 0))


def test_incidence_and_weights():
    labels, _ = noisy_ensemble()
    H = twin.incidence(labels)
    np.testing.assert_array_equal(H.toarray(), consensus_twins.incidence(labels))
    np.testing.assert_allclose(twin.cluster_index(H, 6, 0.4), consensus_twins.eci(labels, 0.4), rtol=1e-12)
    np.testing.assert_allclose(twin.cluster_index(H, 6, 0.4), ensemble_cluster_index(labels, 0.4), rtol=1e-12)


@pytest.mark.parametrize("theta", [None, 0.4])
def test_consensus_agrees_with_the_package(theta):
    labels, truth = noisy_ensemble()
    ours = EntropyWeightedConsensus(4, theta=theta, random_state=0).fit(labels)
    H = twin.incidence(labels)
    w = np.ones(H.shape[1]) if theta is None else twin.cluster_index(H, 6, theta)
    mu = twin.object_embedding(H @ scipy.sparse.diags_array(w), 4)[1]
    np.testing.assert_allclose(ours.spectrum_, mu[: len(ours.spectrum_)], atol=1e-12)
    slow = twin.consensus(labels, 4, theta=theta)
    assert normalized_mutual_info_score(slow, ours.labels_) > 0.97
    assert normalized_mutual_info_score(slow, truth) > 0.9


def test_neighbours_are_exact_when_every_representative_is_a_candidate():
    rng = np.random.default_rng(0)
    X, R = rng.normal(size=(300, 3)), rng.normal(size=(40, 3))
    index, distance = twin.approximate_nearest(X, R, 5, 0)
    expected, squared = consensus_twins.nearest(X, R, 5)
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_allclose(distance**2, squared, rtol=1e-9)


def test_most_neighbours_are_exact_when_they_are_not():
    rng = np.random.default_rng(0)
    X, R = rng.random(size=(2000, 2)), rng.random(size=(400, 2))
    index, distance = twin.approximate_nearest(X, R, 5, 0)
    expected, squared = consensus_twins.nearest(X, R, 5)
    assert (index == expected).mean() > 0.95
    assert (distance >= np.sqrt(squared) * (1 - 1e-9)).all()


def test_blocks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    X, R = rng.random(size=(500, 2)), rng.random(size=(100, 2))
    whole = twin.approximate_nearest(X, R, 3, 0)
    monkeypatch.setattr(twin, "BLOCK_ROWS", 64)
    np.testing.assert_array_equal(twin.approximate_nearest(X, R, 3, 0)[0], whole[0])


def test_affinity_has_one_bandwidth():
    index, distance = np.array([[0, 2], [1, 0]]), np.array([[0.0, 1.0], [3.0, 1e9]])
    B = twin.gaussian_affinity(index, distance, 3).toarray()
    sigma = distance.mean()
    assert B[0].tolist() == pytest.approx([1, 0, np.exp(-1 / (2 * sigma**2))])
    assert B[1].tolist() == pytest.approx([np.exp(-1e18 / (2 * sigma**2)), np.exp(-9 / (2 * sigma**2)), 0])


def test_uspec_agrees_with_the_package_on_blobs():
    X, y = make_blobs(1500, centers=4, n_features=6, random_state=0)
    slow = twin.uspec(X, 4, p=100, seed=0)
    assert normalized_mutual_info_score(slow, y) > 0.99
    assert normalized_mutual_info_score(slow, USPEC(4, n_representatives=100, random_state=0).fit_predict(X)) > 0.99


def test_uspec_agrees_with_the_package_on_circles():
    X, y = make_circles(10_000, factor=0.5, noise=0.03, random_state=0)
    slow = twin.uspec(X, 2, p=300, seed=0)
    assert normalized_mutual_info_score(slow, y) > 0.99
    assert normalized_mutual_info_score(slow, USPEC(2, n_representatives=300, random_state=0).fit_predict(X)) > 0.99


def test_usenc_on_bananas():
    X, y = make_planar("TB", 4000, random_state=0)
    assert normalized_mutual_info_score(twin.usenc(X, 2, M=6, p=200, seed=0), y) > 0.9
