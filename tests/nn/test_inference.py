# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch

from skdeepclust.nn.backbones import build_backbone
from skdeepclust.nn.contrastive_network import LAYERS, ContrastiveNetwork
from skdeepclust.nn.inference import BATCH, extract_layers
from skdeepclust.nn.samples import fit_reader

CPU = torch.device("cpu")


def setup(backbone, n, side=8):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, size=(n, side * side), dtype=np.uint8)
    reader = fit_reader(X, (side, side, 1), CPU)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module, width = build_backbone(backbone, reader.in_shape)
        network = ContrastiveNetwork(module, width, 5).to(memory_format=torch.channels_last)
        network.train()
        with torch.no_grad():
            network(reader(X[:64]))  # running statistics of batch norm that are not 0 and 1
    return network, reader, X


@pytest.mark.parametrize("backbone", ["compact", "mlp"])
def test_a_row_has_the_same_features_in_any_company(backbone):
    network, reader, X = setup(backbone, BATCH + 37)
    together = extract_layers(network, reader, X, LAYERS)
    for rows in [slice(i, i + 1) for i in (0, 1, 5, 36, BATCH - 1, BATCH, BATCH + 36)] + [
        slice(0, 2),
        slice(3, 40),
        slice(7, BATCH + 7),
        slice(20, None),
        slice(None, None, -1),
    ]:
        np.testing.assert_array_equal(extract_layers(network, reader, X[rows], LAYERS), together[rows])


def test_a_row_has_the_same_features_in_any_company_resnet():
    network, reader, X = setup("resnet18", 5, side=12)
    together = extract_layers(network, reader, X, ("backbone", "cluster"))
    for rows in (slice(0, 1), slice(4, 5), slice(1, 4)):
        np.testing.assert_array_equal(extract_layers(network, reader, X[rows], ("backbone", "cluster")), together[rows])


def test_layers_side_by_side_equal_a_plain_forward_pass():
    network, reader, X = setup("compact", 20)
    out = extract_layers(network, reader, X, ("cluster", "backbone"))
    with torch.no_grad():
        logits, h = network.eval().layers(reader(X), ("cluster", "backbone"))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, torch.cat([logits, h], dim=1).numpy(), rtol=1e-4, atol=1e-5)


def test_no_rows():
    network, reader, X = setup("mlp", 70)
    assert extract_layers(network, reader, X[:0], ("instance",)).shape == (0, 128)


def test_features_that_are_not_finite_are_refused():
    network, reader, X = setup("mlp", 70)
    with torch.no_grad():
        network.cluster.weight.fill_(1e38)
        network.cluster_hidden[0].bias.fill_(1e30)
    with pytest.raises(FloatingPointError, match=r"not finite.*learning_rate"):
        extract_layers(network, reader, X, ("cluster",))
