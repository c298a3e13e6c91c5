# SPDX-License-Identifier: BSD-3-Clause
import itertools

import pytest
import torch
from torch import nn

from skdeepclust.nn.contrastive_network import LAYERS, ContrastiveNetwork


@pytest.fixture
def network():
    return ContrastiveNetwork(nn.Sequential(nn.Linear(5, 7), nn.ReLU()), 7, n_clusters=3, projection_dim=4).eval()


@pytest.mark.parametrize("names", list(itertools.permutations(LAYERS, 2)))
def test_layers_come_in_the_order_asked_for(network, names):
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    widths = dict(zip(LAYERS, (7, 7, 4, 7, 3), strict=True))
    assert network.layer_sizes == widths
    with torch.no_grad():
        everything = dict(zip(LAYERS, network.layers(x, LAYERS), strict=True))
        for name, out in zip(names, network.layers(x, names), strict=True):
            assert out.shape == (6, widths[name])
            assert torch.equal(out, everything[name])


def test_layers_are_those_of_the_formula(network):
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))
    weights = dict(network.named_parameters())

    def linear(name, rows):
        return rows @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    with torch.no_grad():
        h = linear("backbone.0", x).clamp_min(0)
        instance_hidden = linear("instance_hidden.0", h).clamp_min(0)
        cluster_hidden = linear("cluster_hidden.0", h).clamp_min(0)
        expected = (h, instance_hidden, linear("instance", instance_hidden), cluster_hidden)
        expected += (linear("cluster", cluster_hidden),)
        for ours, theirs in zip(network.layers(x, LAYERS), expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
        z, logits = network(x)
        torch.testing.assert_close(z, expected[2], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(logits, expected[4], rtol=1e-5, atol=1e-6)
