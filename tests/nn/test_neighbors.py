# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from skdeepclust.nn.neighbors import nearest_neighbors, principal_components


@pytest.mark.parametrize("block", [1, 7, 50, 2048])
@pytest.mark.parametrize("k", [1, 5, 49])
def test_neighbors_equal_those_of_scikit_learn(k, block):
    X = np.random.default_rng(0).normal(size=(50, 6))
    expected = NearestNeighbors(n_neighbors=k).fit(X).kneighbors(return_distance=False)
    found = nearest_neighbors(torch.from_numpy(X), k, block=block)
    assert found.dtype == torch.int64
    np.testing.assert_array_equal(found.numpy(), expected)


def test_a_duplicate_is_a_neighbor_and_a_row_is_not_its_own():
    X = torch.tensor([[0.0], [5.0], [0.0], [5.0], [9.0]])
    found = nearest_neighbors(X, 2, block=2)
    assert found[:4, 0].tolist() == [2, 3, 0, 1]
    assert all(i not in row for i, row in enumerate(found.tolist()))


@pytest.mark.parametrize(("d", "n_components"), [(8, 3), (8, 8), (8, 64), (1, 64)])
def test_components_equal_those_of_scikit_learn_up_to_sign(d, n_components):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, d)) * np.arange(1, d + 1) + 7
    ours = principal_components(torch.from_numpy(X), n_components).numpy()
    theirs = PCA(min(n_components, d), svd_solver="full").fit_transform(X)
    assert ours.shape == theirs.shape
    signs = np.sign((ours * theirs).sum(axis=0))
    np.testing.assert_allclose(ours * signs, theirs, atol=1e-9)


def test_more_components_than_rows():
    X = torch.from_numpy(np.random.default_rng(2).normal(size=(5, 30)))
    projected = principal_components(X, 64)
    np.testing.assert_allclose(torch.cdist(projected, projected), torch.cdist(X, X), atol=1e-6)
