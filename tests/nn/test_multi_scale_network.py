# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch

from skdeepclust.nn.autoencoder import Autoencoder
from skdeepclust.nn.multi_scale_network import LAYERS, MultiScaleNetwork, log_membership, read_layers

RNG = np.random.default_rng(0)
Z = torch.from_numpy(RNG.normal(size=(9, 6))).float()
GRAPHS = [torch.from_numpy(RNG.random((9, 9)) / 9).float() for _ in range(2)]


class Dense:
    """Propagation by dense matrices."""

    def __init__(self, graphs):
        self.graphs = graphs

    def first(self, z, stream):
        return self.graphs[stream] @ z

    def __call__(self, x, stream, depth):
        return self.graphs[stream] @ x


def build(hidden=(5, 8), **parameters):
    torch.manual_seed(0)
    network = MultiScaleNetwork(6, hidden, 4, **parameters)
    torch.testing.assert_close(network.weights[-1].data, torch.eye(4))
    with torch.no_grad():
        for values in (*network.biases, network.weights[-1]):
            values.add_(torch.randn(values.shape))
    return network


def slow(network, z, graphs, s, g, r):
    """The formulas of the paper, one after the other."""
    relu = torch.relu
    encoder, decoder = network.autoencoder.encoder, network.autoencoder.decoder
    h1 = relu(encoder[0](z))
    h2 = relu(encoder[1](h1))
    h = encoder[2](h1 if len(encoder) == 2 else h2)
    beside = [h1, h2, h.softmax(1) if network.bottleneck == "softmax" else h]
    a, b = (relu(A @ z @ network.weights[0] + network.biases[0]) for A in graphs)
    hidden = []
    for layer in range(3):
        fused_a, fused_b = s * a + g * b + r * beside[layer], s * b + g * a + r * beside[layer]
        hidden.append((a, b))
        W, bias = network.weights[layer + 1], network.biases[layer + 1]
        a, b = graphs[0] @ fused_a @ W + bias, graphs[1] @ fused_b @ W + bias
        if layer < 2:
            a, b = relu(a), relu(b)
    rebuilt = decoder[2](relu(decoder[1](relu(decoder[0](beside[2])))))
    return rebuilt, h2, h, hidden[1], (a, b)


@pytest.mark.parametrize("bottleneck", ["logits", "softmax"])
@pytest.mark.parametrize("fusion", [(0.4, 0.2, 0.4), (0.5, 0.2, 0.5)])
def test_formulas(bottleneck, fusion):
    network = build(fusion=fusion, bottleneck=bottleneck)
    found, expected = network(Z, Dense(GRAPHS)), slow(network, Z, GRAPHS, *fusion)
    for one, other in zip(found, expected, strict=True):
        for x, y in zip(one, other, strict=True):
            torch.testing.assert_close(x, y, atol=1e-6, rtol=1e-5)


def test_equal_graphs_give_equal_streams():
    found = build()(Z, Dense([GRAPHS[0]] * 2))
    torch.testing.assert_close(found.logits[0], found.logits[1], rtol=0, atol=0)
    other = build()(Z, Dense(GRAPHS))
    assert (other.logits[0] - other.logits[1]).abs().max() > 1e-3


def test_layers():
    network = build()
    found = network(Z, Dense(GRAPHS))
    layers = dict(zip(LAYERS, read_layers(found, LAYERS), strict=True))
    assert {name: layer.shape[1] for name, layer in layers.items()} == network.layer_sizes
    torch.testing.assert_close(layers["graph_hidden"], (found.graph_hidden[0] + found.graph_hidden[1]) / 2)
    mean = (found.logits[0].softmax(1) + found.logits[1].softmax(1)) / 2
    torch.testing.assert_close(layers["graph"].exp(), mean)
    torch.testing.assert_close(log_membership(found.logits).exp().sum(1), torch.ones(9))


def test_all_parameters_but_the_centres_take_part():
    network = build((7,))
    found = network(Z, Dense(GRAPHS))
    (found.reconstruction.sum() + found.logits[0].square().sum() + found.logits[1].square().sum()).backward()
    assert {name for name, p in network.named_parameters() if p.grad is None} == {"centers"}


def test_autoencoder():
    torch.manual_seed(0)
    network = Autoencoder((6, 5, 3, 2))
    hidden, h = network.encode(Z)
    assert [x.shape[1] for x in hidden] == [5, 3]
    assert h.shape == (9, 2)
    assert network.decode(h).shape == Z.shape
    assert (h < 0).any(), "the bottleneck is linear"
    assert all((x >= 0).all() for x in hidden)
