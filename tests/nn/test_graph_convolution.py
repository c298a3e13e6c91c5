# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import scipy.sparse
import torch

from skdeepclust.nn.graph_convolution import NewNodes, SmoothedRows, SparseMatrix, WholeGraphs

CPU = torch.device("cpu")
_DRAWN = np.random.default_rng(0).random((2, 7, 5))
CSR = scipy.sparse.csr_array(np.where(_DRAWN[0] < 0.5, _DRAWN[1], 0.0))
X = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.filterwarnings("error")
def test_product_and_gradient_equal_the_dense_ones():
    dense = torch.from_numpy(CSR.toarray()).float()
    x, y = X.clone().requires_grad_(), X.clone().requires_grad_()
    upstream = torch.randn(3, 7, generator=torch.Generator().manual_seed(1)).T  # not contiguous
    sparse = SparseMatrix(CSR, CPU)
    torch.testing.assert_close(sparse @ x, dense @ y)
    (sparse @ x).backward(upstream)
    (dense @ y).backward(upstream)
    torch.testing.assert_close(x.grad, y.grad)


def test_whole_graphs_remember_what_was_sent():
    square = SparseMatrix(CSR[:5], CPU)
    graphs = WholeGraphs([square, square], X)
    torch.testing.assert_close(graphs.first(X, 1), square @ X)
    graphs(X, 0, 1)
    assert graphs.sent is None
    graphs.sent = [{0: X}, {0: X}]
    torch.testing.assert_close(graphs(2 * X, 1, 1), square @ (2 * X))
    assert sorted(graphs.sent[0]) == [0]
    torch.testing.assert_close(graphs.sent[1][1], 2 * X)


def test_smoothed_rows_do_not_propagate():
    rows = SmoothedRows([X, 2 * X])
    assert rows.first(X, 1) is rows.means[1]
    assert rows(X, 0, 3) is X


def test_new_nodes_get_means_of_their_neighbours():
    index = torch.tensor([[0, 4], [2, 2]])
    weight, own = torch.tensor([[0.5, 0.25], [0.1, 0.2]]), torch.tensor([[0.3], [0.4]])
    new = torch.ones(2, 3)
    nodes = NewNodes([{0: X, 2: 2 * X}] * 2, [index] * 2, [weight] * 2, [own] * 2)
    expected = torch.stack([0.3 * new[0] + 0.5 * X[0] + 0.25 * X[4], 0.4 * new[1] + 0.3 * X[2]])
    torch.testing.assert_close(nodes.first(new, 0), expected)
    torch.testing.assert_close(nodes(new, 1, 2) - own * new, 2 * (expected - own * new))
