# SPDX-License-Identifier: BSD-3-Clause
import itertools

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs
from torch import nn

from skdeepclust.nn.anchor_centers import cluster_frequency, settle_kernel
from skdeepclust.nn.anchor_losses import log_student_t
from skdeepclust.nn.anchor_network import KMEANS, LAYERS, AnchorNetwork

ALL = (*LAYERS, KMEANS)


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AnchorNetwork(nn.Sequential(nn.Linear(5, 7), nn.ReLU()), 7, n_clusters=3, projection_dim=4).eval()


@pytest.mark.parametrize("names", list(itertools.permutations(ALL, 2)))
def test_layers_come_in_the_order_asked_for(network, names):
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    widths = dict(zip(ALL, (7, 7, 4, 3, 3), strict=True))
    assert network.layer_sizes == widths
    with torch.no_grad():
        everything = dict(zip(ALL, network.layers(x, ALL), strict=True))
        for name, out in zip(names, network.layers(x, names), strict=True):
            assert out.shape == (6, widths[name])
            assert torch.equal(out, everything[name])


def test_layers_are_those_of_the_formula(network):
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))
    network.cluster.place(torch.randn(3, 7, generator=torch.Generator().manual_seed(2)), 0.3, 2.0)
    with torch.no_grad():
        h, hidden, instance, log_c = network.layers(x, LAYERS)
        torch.testing.assert_close(h, network.backbone(x))
        torch.testing.assert_close(hidden, network.instance_hidden(h))
        torch.testing.assert_close(instance, network.instance(hidden))
        unit = h / h.norm(dim=1, keepdim=True)
        torch.testing.assert_close(log_c, log_student_t(unit, network.cluster.centers, 0.3, 2.0))
        z, assigned = network(x)
        assert torch.equal(z, instance)
        assert torch.equal(assigned, log_c)
        torch.testing.assert_close(network.cluster(10 * h), log_c)  # the length of an embedding does not matter


def test_assignments_are_float32_in_half_precision(network):
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        log_c = network(x)[1]
        h = network.backbone(x)
    assert h.dtype == torch.bfloat16
    with torch.no_grad():
        torch.testing.assert_close(log_c, network.cluster(h.float()), rtol=1e-6, atol=1e-6)


def test_the_second_reading_is_not_trained(network):
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    sum(out.sum() for out in network.layers(x, ALL)).backward()
    assert network.kmeans.centers.grad is None
    assert network.cluster.centers.grad is not None


@pytest.mark.parametrize("k", [1, 2, 15, 200])
def test_assignments_are_neither_flat_nor_saturated(k):
    h, _, centers = make_blobs(1000, 64, centers=k, cluster_std=0.5, random_state=0, return_centers=True)
    h = (h / np.linalg.norm(h, axis=1, keepdims=True)).astype(np.float32)
    centers = (centers / np.linalg.norm(centers, axis=1, keepdims=True)).astype(np.float32)
    scale, power = settle_kernel(h, centers)
    c = log_student_t(torch.from_numpy(h), torch.from_numpy(centers), scale, power).exp()
    certainty = c.amax(dim=1).mean().item()
    assert power >= 1
    assert certainty >= 0.49
    if power > 1:
        assert certainty == pytest.approx(0.5, abs=0.01)
    distances = ((h[:, None] - centers) ** 2).sum(axis=2).min(axis=1) if k < 100 else None
    if distances is not None:
        assert scale == pytest.approx(max(float(np.median(distances)), 0.01), rel=0.01)
    frequency = cluster_frequency(h, centers, scale, power)
    torch.testing.assert_close(frequency, c.sum(dim=0), rtol=1e-4, atol=1e-4)


def test_equal_rows_have_a_scale_too():
    h = np.tile(np.float32([[0.6, 0.8]]), (20, 1))
    scale, power = settle_kernel(h, h[:3].copy())
    assert scale > 0
    assert 1 <= power <= 64
    torch.testing.assert_close(cluster_frequency(h, h[:3].copy(), scale, power), torch.full((3,), 20 / 3))
