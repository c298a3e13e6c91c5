# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import consensus_twins as twins
import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics import adjusted_rand_score

from skdeepclust._support._warnings import ClusterCollapseWarning, FallbackWarning
from skdeepclust.consensus import TransferCut, transfer_cut
from skdeepclust.consensus import _spectrum as spectrum

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "transfer_cut.npz"


def grouped_affinity(seed=0, n=60, q=12, groups=3):
    rng = np.random.default_rng(seed)
    same = (np.arange(n) % groups)[:, None] == (np.arange(q) % groups)
    return rng.gamma(2.0, size=(n, q)) * np.where(same, 1.0, 0.1) * (rng.random((n, q)) < 0.7)


@pytest.mark.data
@pytest.mark.skipif(not GOLDEN.exists(), reason="golden data not at hand")
@pytest.mark.parametrize("solve", [spectrum.affinity_spectrum, spectrum.operator_spectrum])
def test_golden_spectrum_and_embedding(solve):
    golden = np.load(GOLDEN)
    B, k = scipy.sparse.csr_array(golden["B"]), int(golden["k"])
    row, column = spectrum.affinity_sums(B)
    np.testing.assert_allclose(row, golden["d_x"], rtol=1e-12)
    np.testing.assert_allclose(column, golden["d_r"], rtol=1e-12)
    V, mu = solve(B, k)
    np.testing.assert_allclose(mu, golden["mu"][: len(mu)], atol=1e-10)
    np.testing.assert_allclose(1 - np.sqrt(mu), golden["gamma"][: len(mu)], atol=1e-10)
    assert np.argmax(-np.diff(mu)) == k - 1  # the eigengap is after the fourth
    np.testing.assert_allclose(V, golden["V"], atol=1e-8)
    F = spectrum.embed_rows(B, V)
    np.testing.assert_allclose(F, golden["F_unit"], atol=1e-8)
    H = spectrum.embed_rows(B, solve(B, k, True)[0])
    np.testing.assert_allclose(H, golden["H_unit"], atol=1e-8)


@pytest.mark.data
@pytest.mark.skipif(not GOLDEN.exists(), reason="golden data not at hand")
@pytest.mark.parametrize("scale", [False, True])
def test_golden_labels(scale):
    golden = np.load(GOLDEN)
    labels = transfer_cut(golden["B"], 4, scale_embedding=scale, random_state=3)
    assert adjusted_rand_score(labels, golden["labels"]) == 1
    assert adjusted_rand_score(labels, golden["group_rows"]) == pytest.approx(0.984902, abs=1e-6)
    assert np.bincount(labels).tolist() == sorted(np.bincount(labels), reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_cut_of_the_full_graph(seed):
    B = grouped_affinity(seed)
    F, mu = twins.full_transfer_cut(B, 3)
    V, ours = spectrum.affinity_spectrum(scipy.sparse.csr_array(B), 3)
    np.testing.assert_allclose(ours, mu[: len(ours)], atol=1e-10)
    G = spectrum.embed_rows(scipy.sparse.csr_array(B), V)
    np.testing.assert_allclose(G @ G.T, F @ F.T, atol=1e-7)  # no question of signs


def test_many_columns_take_the_operator(monkeypatch):
    B = scipy.sparse.csr_array(grouped_affinity(n=300, q=90))
    dense = spectrum.affinity_spectrum(B, 3)
    monkeypatch.setattr(spectrum, "MAX_DENSE_COLUMNS", 50)
    monkeypatch.setattr(spectrum, "reduced_graph_csr", None)  # must not be used
    sparse = spectrum.affinity_spectrum(B, 3)
    np.testing.assert_allclose(sparse[0], dense[0], atol=1e-8)
    np.testing.assert_allclose(sparse[1], dense[1][: len(sparse[1])], atol=1e-8)


def test_dense_sparse_float32_and_scaled_affinities_agree():
    B = grouped_affinity()
    expected = transfer_cut(B, 3, random_state=0)
    for other in (scipy.sparse.csr_array(B), scipy.sparse.csc_matrix(B), np.asfortranarray(B), 5 * B, B.astype("f4")):
        np.testing.assert_array_equal(transfer_cut(other, 3, random_state=0), expected)


def test_empty_columns_and_rows():
    B = grouped_affinity()
    padded = np.zeros((61, 14))
    padded[:60, 1:13] = B
    cut = TransferCut(3, random_state=0).fit(padded)
    assert twins.same_partition(cut.labels_[:60], transfer_cut(B, 3, random_state=0))
    assert not cut.column_vectors_[[0, 13]].any()
    assert cut.predict(np.zeros((1, 14))).shape == (1,)


def test_new_rows_and_membership():
    B = grouped_affinity()
    cut = TransferCut(3, random_state=0).fit(B)
    np.testing.assert_array_equal(cut.predict(B), cut.labels_)
    np.testing.assert_array_equal([cut.predict(b[None])[0] for b in B], cut.labels_)
    np.testing.assert_array_equal(cut.predict(scipy.sparse.csr_matrix(B)), cut.labels_)
    P = cut.predict_proba(B)
    np.testing.assert_array_equal(P.argmax(axis=1), cut.labels_)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_array_equal(cut.transform(B), P)
    assert cut.get_feature_names_out().tolist() == ["transfercut0", "transfercut1", "transfercut2"]


def test_negative_affinities_are_doubled():
    X = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.warns(FallbackWarning, match="negative affinities"):
        cut = TransferCut(2, random_state=0).fit(X)
    doubled = np.hstack([np.maximum(X, 0), np.maximum(-X, 0)])
    np.testing.assert_array_equal(cut.labels_, transfer_cut(doubled, 2, random_state=0))
    np.testing.assert_array_equal(cut.predict(X), cut.labels_)
    np.testing.assert_array_equal(cut.predict(scipy.sparse.csr_array(X)), cut.labels_)
    plain = TransferCut(2, random_state=0).fit(np.abs(X))
    with pytest.raises(ValueError, match="negative affinities"):
        plain.predict(X)
    with pytest.raises(ValueError, match="non-negative"):
        transfer_cut(X, 2)


def test_too_few_different_rows():
    with pytest.warns(ClusterCollapseWarning, match="n_clusters=3"):
        cut = TransferCut(3, random_state=0).fit([[1, 0], [1, 0], [0, 1], [0, 1], [0, 2]])
    assert cut.n_clusters_ == 2
    np.testing.assert_array_equal(cut.labels_, [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(cut.predict([[1, 0], [0, 1]]), [1, 0])
    assert cut.transform([[1, 0]]).shape == (1, 2)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"n_clusters": 0}, ValueError),
        ({"n_clusters": 61}, ValueError),
        ({"n_clusters": 2.0}, TypeError),
        ({"n_init": 0}, ValueError),
        ({"max_iter": 0}, ValueError),
        ({"random_state": -1}, ValueError),
    ],
)
def test_messages_name_the_parameter(parameters, error):
    with pytest.raises(error, match=next(iter(parameters))):
        TransferCut(**{"n_clusters": 3, **parameters}).fit(grouped_affinity())


def test_all_zero_affinity():
    with pytest.raises(ValueError, match="no entry above 0"):
        transfer_cut(np.zeros((5, 3)), 2)
