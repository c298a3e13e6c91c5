# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import numpy as np
import pytest
import torch

from skdeepclust.nn.depict_network import LAYERS, DepictNetwork, default_hidden_sizes
from skdeepclust.nn.depict_training import reconstruction_terms

SHARED = Path(__file__).parents[3] / "shared"
GOLDEN, MNIST = SHARED / "golden" / "depict_mnist_test.npz", SHARED / "data" / "mnist.npz"


def network(in_shape, n_clusters=10, hidden_sizes=None, **parameters):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        sizes = hidden_sizes or default_hidden_sizes(in_shape)
        return DepictNetwork(in_shape, n_clusters, sizes, **{"embedding_dim": 10, "dropout": 0.1, **parameters})


@pytest.mark.parametrize(
    ("in_shape", "maps"),
    [
        ((1, 28, 28), [(13, 13), (7, 7)]),
        ((1, 16, 16), [(7, 7), (4, 4)]),
        ((1, 32, 32), [(17, 17), (9, 9)]),
        ((3, 55, 55), [(28, 28), (14, 14)]),
        ((3, 96, 96), [(49, 49), (25, 25), (13, 13)]),
        ((2, 13, 70), [(5, 36), (3, 18)]),
    ],
)
def test_maps_and_their_way_back(in_shape, maps):
    """The first three are published; whatever the sides, the decoder meets them."""
    net = network(in_shape)
    x = torch.rand(2, *in_shape)
    hidden, embedding = net.encode(net.scaled(x))
    found = net.decode(embedding)
    assert [h.shape[2:] for h in hidden] == maps
    assert [d.shape for d in found] == [x.shape, *(h.shape for h in hidden)]
    assert embedding.abs().max() <= 1


def test_number_of_parameters():
    """The published network of MNIST: 178,211 and the head."""
    assert sum(p.numel() for p in network((1, 28, 28)).parameters()) == 178_211 + 10 * 10 + 10


def test_tables():
    net = network((7,), hidden_sizes=(5, 4), embedding_dim=2, n_clusters=3)
    x = 100 * torch.randn(6, 7)
    hidden, embedding = net.encode(net.scaled(x))
    found = net.decode(embedding)
    assert [d.shape[1] for d in found] == [7, 5, 4]
    torch.testing.assert_close(net.scaled(x), x)
    assert net.layer_sizes == {"hidden": 4, "embedding": 2, "cluster": 3}
    outputs = net.layers(x, ("cluster", "hidden"))
    torch.testing.assert_close(outputs[1], hidden[-1])
    torch.testing.assert_close(outputs[0], net.cluster(embedding))


def test_noise_is_in_the_input_and_the_hidden_layers_but_the_last():
    net = network((1, 16, 16), dropout=0.5)
    seen = []
    for layer in (*net.encoder, net.embed):
        layer.register_forward_hook(lambda module, given, out: seen.append(float((given[0] == 0).float().mean())))
    x = torch.full((4, 1, 16, 16), 0.9)
    torch.manual_seed(0)
    net.encode(net.scaled(x), noisy=True)
    assert seen[0] == pytest.approx(0.5, abs=0.1)
    assert seen[1] == pytest.approx(0.5, abs=0.1)
    assert seen[2] == 0
    seen.clear()
    net.train()
    net.encode(net.scaled(x))
    assert seen == [0, 0, 0]


def test_a_row_is_the_same_anywhere_in_a_batch():
    net = network((1, 28, 28)).eval()
    x = torch.rand(64, 1, 28, 28)
    with torch.inference_mode():
        first = net.layers(x, LAYERS)
        rolled = net.layers(x.roll(5, dims=0), LAYERS)
    for a, b in zip(first, rolled, strict=True):
        torch.testing.assert_close(a.roll(5, dims=0), b, rtol=0, atol=0)


def test_layers_in_the_order_asked_for():
    net = network((1, 12, 12))
    found = net.layers(torch.rand(3, 1, 12, 12), LAYERS[::-1])
    assert [f.shape[1] for f in found] == [net.layer_sizes[name] for name in LAYERS[::-1]]


@pytest.mark.data
@pytest.mark.skipif(not (GOLDEN.exists() and MNIST.exists()), reason="golden data or MNIST not at hand")
def test_published_weights():
    """The authors' autoencoder of the MNIST test images, whose kernels are for true convolution."""
    net = network((1, 28, 28))
    with np.load(GOLDEN) as golden, np.load(MNIST) as mnist:
        weights = {name: torch.from_numpy(golden[name]) for name in golden if name.endswith(("_W", "_b"))}
        z, images = torch.from_numpy(golden["z"]), torch.from_numpy(mnist["X"][60_000:])
    flipped = {name: w.flip(2, 3) if w.ndim == 4 else (w.T if w.ndim == 2 else w) for name, w in weights.items()}
    layers = {"conv1": net.encoder[0], "conv2": net.encoder[1], "embed": net.embed, "dec_dense": net.expand}
    layers |= {"deconv2": net.decoder[0], "deconv1": net.decoder[1]}
    with torch.inference_mode():
        for name, layer in layers.items():
            assert layer.weight.shape == flipped[f"{name}_W"].shape
            layer.weight.copy_(flipped[f"{name}_W"])
            layer.bias.copy_(flipped[f"{name}_b"])
        errors, differences = [], []
        for batch, expected in zip(images.split(1000), z.split(1000), strict=True):
            x = net.scaled(batch[:, None] / 255)
            hidden, embedding = net.encode(x)
            differences.append(float((embedding - expected).abs().max()))
            found = net.decode(embedding)
            errors.append([*(float((d - t).square().mean()) for d, t in zip(found, (x, *hidden), strict=True))])
            outer, inner = reconstruction_terms(found, x, hidden)
            assert float(outer + inner) == pytest.approx(sum(errors[-1]), rel=1e-4)
    assert max(differences) < 5e-6
    np.testing.assert_allclose(np.mean(errors, axis=0), [0.038261, 0.003002, 0.003183], atol=2e-6)
