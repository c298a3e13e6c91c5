# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from skdeepclust.cluster._neighbour_graph import check_graph, neighbour_graph, normalised

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "iciclegcn_imagenet10_graphs.npz"
INDEX = np.random.default_rng(0).permuted(np.arange(1, 30)[None].repeat(30, 0), axis=1)[:, :4]
INDEX = (INDEX + np.arange(30)[:, None]) % 30


def dense(index):
    out = np.zeros((len(index), len(index)))
    out[np.arange(len(index))[:, None], index] = 1
    return out


@pytest.mark.skipif(not GOLDEN.exists(), reason="golden data not at hand")
@pytest.mark.parametrize(
    ("k", "stored", "mean", "least", "most", "pieces", "same"),
    [
        (1, 21_802, 1.6771, 1, 12, 2099, 12_530),
        (3, 62_098, 4.7768, 3, 27, 1, 37_465),
        (5, 101_726, 7.8251, 5, 39, 1, 62_359),
        (10, 198_756, 15.2889, 10, 70, 1, 124_437),
        (15, 294_410, 22.6469, 15, 94, 1, 186_334),
        (20, 388_966, 29.9205, 20, 113, 1, 248_132),
    ],
)
def test_published_graphs(k, stored, mean, least, most, pieces, same):
    edges = np.load(GOLDEN)[f"k{k}"]
    index = edges[:, 1].reshape(13_000, k)
    y = np.arange(13_000) // 1300
    assert (y[index] == y[:, None]).sum() == same
    A = neighbour_graph(index)
    degree = A.sum(axis=1)
    assert A.nnz == stored
    assert A.dtype == np.float32
    assert round(float(degree.mean()), 4) == mean
    assert (degree.min(), degree.max()) == (least, most)
    assert connected_components(A)[0] == pieces
    N = scipy.sparse.csr_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=A.shape)
    larger = (N.T > N).astype(float)
    assert abs(A - (N + N.T * larger - N * larger)).max() == 0


def test_an_edge_in_either_direction_is_an_edge():
    N = dense(INDEX)
    np.testing.assert_array_equal(neighbour_graph(INDEX).toarray(), np.maximum(N, N.T))


def test_normalisations():
    A = neighbour_graph(INDEX)
    loops = A.toarray() + np.eye(30)
    degree = loops.sum(axis=1)
    np.testing.assert_allclose(normalised(A).toarray(), loops / np.sqrt(degree[:, None] * degree), rtol=1e-12)
    rows = normalised(A, "row").toarray()
    np.testing.assert_allclose(rows, loops / degree[:, None], rtol=1e-12)
    np.testing.assert_allclose(rows.sum(axis=1), 1)


def test_a_row_without_edges_keeps_itself():
    A = scipy.sparse.csr_array((3, 3), dtype=np.float32)
    np.testing.assert_array_equal(normalised(A).toarray(), np.eye(3))


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.coo_matrix, scipy.sparse.csc_array, scipy.sparse.lil_matrix])
def test_a_graph_of_the_user_becomes_undirected(kind):
    W = np.array([[5.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    found = check_graph(kind(W), 3)
    np.testing.assert_array_equal(found.toarray(), [[0, 2, 0], [2, 0, 3], [0, 3, 0]])
    assert found.nnz == 4
    assert W[0, 0] == 5.0


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float64])
def test_types_of_weights(dtype):
    found = check_graph(scipy.sparse.csr_array(np.array([[0, 1], [0, 0]], dtype=dtype)), 2)
    np.testing.assert_array_equal(found.toarray(), [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("graph", "error", "message"),
    [
        (scipy.sparse.eye_array(4), ValueError, r"graph must have the shape \(3, 3\).*got \(4, 4\)"),
        (np.ones((3, 2)), ValueError, r"got \(3, 2\)"),
        (-np.ones((3, 3)), ValueError, "weights >= 0"),
        (np.full((3, 3), np.nan), ValueError, "finite"),
        (np.ones((3, 3)) * 1j, TypeError, "real numbers; got dtype complex128"),
        ("knn", TypeError, "sparse matrix of shape .* got str"),
    ],
)
def test_graphs_that_are_none(graph, error, message):
    with pytest.raises(error, match=message):
        check_graph(graph, 3)
