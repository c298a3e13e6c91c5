# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch

from skdeepclust.cluster._neighbour_graph import neighbour_graph, normalised
from skdeepclust.nn.graph_convolution import SmoothedRows, SparseMatrix, WholeGraphs
from skdeepclust.nn.graph_inference import Edges, graph_layers, remember, smooth
from skdeepclust.nn.multi_scale_network import LAYERS, MultiScaleNetwork, read_layers

N, K = 40, (3, 6)
RNG = np.random.default_rng(0)
Z = RNG.normal(size=(N, 5)).astype(np.float32)
NEW = RNG.normal(size=(60, 5)).astype(np.float32)
NEAR = np.stack([np.argsort(((Z - row) ** 2).sum(1))[:7] for row in NEW])
GRAPHS = [neighbour_graph(np.stack([np.argsort(((Z - row) ** 2).sum(1))[1 : k + 1] for row in Z])) for k in K]


class Dense:
    """Propagation over the nodes and one new node, last, which nobody has an edge to."""

    def __init__(self, matrices):
        self.matrices = matrices

    def first(self, z, stream):
        return self.matrices[stream] @ z

    def __call__(self, x, stream, depth):
        return self.matrices[stream] @ x


def fitted(kind, linear):
    torch.manual_seed(0)
    network = MultiScaleNetwork(5, (7, 6), 3)
    z = torch.from_numpy(Z)
    matrices = [SparseMatrix(normalised(A, kind), torch.device("cpu")) for A in GRAPHS]
    graphs = [smooth(matrix, z, 3) for matrix in matrices] if linear else WholeGraphs(matrices, z)
    degrees = [torch.from_numpy(A.sum(axis=1) + 1) for A in GRAPHS]
    edges = [Edges(k, 1.0, degree, kind) for k, degree in zip(K, degrees)]
    return network, remember(network, z, graphs, edges)


def with_new_node(kind, i):
    """Matrices (N + 1, N + 1), dense."""
    out = []
    for A, k in zip(GRAPHS, K):
        whole = np.zeros((N + 1, N + 1))
        whole[:N, :N] = normalised(A, kind).toarray()
        degree = np.append(A.sum(axis=1) + 1, k + 1)
        near = np.append(NEAR[i, :k], N)
        whole[N, near] = 1 / (k + 1) if kind == "row" else 1 / np.sqrt((k + 1) * degree[near])
        out.append(torch.from_numpy(whole).float())
    return out


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("kind", ["symmetric", "row"])
def test_a_new_node_is_as_if_it_had_been_there_unseen(kind, linear):
    network, memory = fitted(kind, linear)
    found = graph_layers(network, memory, NEW, NEAR, np.zeros(60, dtype=bool), LAYERS)
    for i in (0, 59):
        dense, z = with_new_node(kind, i), torch.from_numpy(np.vstack([Z, NEW[i]]))
        propagate = SmoothedRows([A @ (A @ (A @ z)) for A in dense]) if linear else Dense(dense)
        with torch.no_grad():
            expected = torch.cat(read_layers(network(z, propagate), LAYERS), dim=1)
        np.testing.assert_allclose(found[i], expected[-1], atol=2e-6)
        np.testing.assert_allclose(memory.layers, expected[:-1], atol=2e-6)


def test_nodes_get_their_own_layers_and_names_are_followed():
    network, memory = fitted("symmetric", False)
    index = np.stack([np.argsort(((Z - row) ** 2).sum(1))[:7] for row in Z])
    found = graph_layers(network, memory, Z, index, np.ones(N, dtype=bool), ("graph", "hidden"))
    np.testing.assert_array_equal(found, np.hstack([memory.layers[:, -3:], memory.layers[:, :6]]))


@pytest.mark.parametrize("linear", [False, True])
def test_a_row_has_the_same_answer_in_any_company(linear):
    network, memory = fitted("symmetric", linear)
    is_node = np.arange(60) % 7 == 0
    whole = graph_layers(network, memory, NEW, NEAR, is_node, LAYERS)
    for rows in (slice(0, 1), slice(5, 6), slice(3, 50), slice(None, None, -1)):
        some = graph_layers(network, memory, NEW[rows], NEAR[rows], is_node[rows], LAYERS)
        np.testing.assert_array_equal(some, whole[rows])


def test_edges_of_a_weighted_graph():
    degree = torch.tensor([3.0, 5.0])
    index = torch.tensor([[0, 1]])
    weight, own = Edges(2, 0.5, degree, "row").to(index)
    assert (weight.sum() + own.sum()).item() == pytest.approx(1)
    weight, own = Edges(2, 0.5, degree, "symmetric").to(index)
    np.testing.assert_allclose(weight[0], 0.5 / np.sqrt(2 * degree.numpy()), rtol=1e-6)
    assert own.item() == 0.5
