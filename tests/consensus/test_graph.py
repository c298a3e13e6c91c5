# SPDX-License-Identifier: BSD-3-Clause
import consensus_twins as twins
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from skdeepclust.consensus import _graph, _jit
from skdeepclust.consensus._labels import code_labels
from skdeepclust.consensus._spectrum import embed_rows, reduced_graph_csr


def random_ensemble(seed, n=200, sizes=(2, 5, 300, 7), missing=0.1):
    rng = np.random.default_rng(seed)
    labels = np.stack([rng.integers(0, k, n) for k in sizes], axis=1)
    labels[rng.random(labels.shape) < missing] = -1
    return labels


@pytest.mark.parametrize("seed", range(3))
def test_graph_kernels_equal_dense_algebra(seed):
    labels = random_ensemble(seed, sizes=(2, 5, 40, 7))
    coder, codes = code_labels(labels)
    H = twins.incidence(labels)
    weights = np.random.default_rng(seed).random(H.shape[1])
    np.testing.assert_array_equal(_graph.cluster_overlap(codes, coder.sizes), H.T @ H)
    B = H * weights
    d = np.where(B.sum(1) > 0, B.sum(1), 1e-10)
    np.testing.assert_allclose(_graph.object_shares(codes, coder.sizes, weights), 1 / d, rtol=1e-12)
    E = _graph.reduced_graph(codes, coder.sizes, weights)
    np.testing.assert_allclose(E, B.T @ (B / d[:, None]), atol=1e-12)
    np.testing.assert_allclose(E.sum(axis=1), B.sum(axis=0), rtol=1e-12)  # d_R = column sums of B
    V = np.random.default_rng(seed).normal(size=(H.shape[1], 3))
    F = (B / d[:, None]) @ V
    F /= np.linalg.norm(F, axis=1, keepdims=True) + 1e-10
    np.testing.assert_allclose(_graph.object_embedding(codes, coder.sizes, weights, V), F, atol=1e-12)
    S = scipy.sparse.csr_array(B)
    np.testing.assert_allclose(reduced_graph_csr(S), E, atol=1e-12)
    np.testing.assert_allclose(embed_rows(S, V), F, atol=1e-12)


def test_codes_take_the_smallest_type_and_wide_columns_work():
    labels = random_ensemble(0, n=3000, sizes=(3, 280))
    coder, codes = code_labels(labels)
    assert codes.dtype == np.uint16
    assert code_labels(labels[:, :1])[1].dtype == np.uint8
    H = twins.incidence(labels)
    np.testing.assert_array_equal(_graph.cluster_overlap(codes, coder.sizes), H.T @ H)


@given(st.integers(0, 1000))
def test_distinct_objects_equal_numpy(seed):
    labels = random_ensemble(seed, n=60, sizes=(2, 2, 3))
    _, codes = code_labels(labels)
    first, inverse, counts = _graph.distinct_objects(codes)
    assert (np.diff(first) > 0).all()
    np.testing.assert_array_equal(codes[:, first][:, inverse], codes)
    assert len(first) == len(np.unique(codes.T, axis=0))
    np.testing.assert_array_equal(counts, np.bincount(inverse))


def test_distinct_objects_survive_a_hash_collision(monkeypatch):
    _, codes = code_labels(random_ensemble(3, n=60, sizes=(2, 2, 3)))
    expected = _graph.distinct_objects(codes)
    monkeypatch.setattr(_graph, "code_hashes", lambda codes: np.zeros(codes.shape[1], dtype=np.uint64))
    for a, b in zip(_graph.distinct_objects(codes), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_result_does_not_depend_on_the_number_of_threads(monkeypatch):
    labels = random_ensemble(1, n=40_000)
    coder, codes = code_labels(labels)
    weights = np.random.default_rng(0).random(int(coder.sizes.sum()))
    V = np.random.default_rng(1).normal(size=(len(weights), 4))

    def everything():
        return (
            _graph.cluster_overlap(codes, coder.sizes),
            _graph.reduced_graph(codes, coder.sizes, weights),
            _graph.object_embedding(codes, coder.sizes, weights, V),
        )

    monkeypatch.setattr(_jit, "n_threads", lambda: 1)
    serial = everything()
    monkeypatch.setattr(_jit, "n_threads", lambda: 3)
    for a, b in zip(serial, everything(), strict=True):
        assert (a == b).all()
