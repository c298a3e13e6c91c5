# SPDX-License-Identifier: BSD-3-Clause
"""The network of DEPICT: an autoencoder whose encoder runs with and without noise, and a softmax head."""

import math
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

LAYERS = ("hidden", "embedding", "cluster")
_SLOPE = 0.01  # of leaky ReLU
_KERNELS = (4, 5)  # of the first convolution and of all others
_WIDE = 32  # pixels; from here on the first convolution is padded
_ONE_MORE_FROM = 64  # pixels; above it one more convolution for every doubling
_MAPS, _WIDTH = 50, 256  # of hidden layers of images, of tables


class Encoded(NamedTuple):
    """What the encoder makes of a batch."""

    hidden: list[Tensor]  # outputs of the hidden layers
    embedding: Tensor  # (n, embedding_dim), in (-1, 1)


def default_hidden_sizes(in_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Maps of the convolutions for images (c, h, w), so many that the last map has some ten pixels a side; widths of
    two layers for tables (d,).
    """
    if len(in_shape) == 1:
        return (_WIDTH, _WIDTH)
    more = max(0, math.ceil(math.log2(min(in_shape[1:]) / _ONE_MORE_FROM)))
    return (_MAPS,) * (2 + more)


class DepictNetwork(nn.Module):
    """Encoder, softmax head and mirrored decoder (Ghasedi Dizaji et al., "Deep clustering via joint
    convolutional autoencoder embedding and relative entropy minimization", ICCV 2017)::

        h1 = lrelu(conv1(x)),  h2 = lrelu(conv2(h1)),  ...,  z = tanh(W h_L + b),  logits = Theta z + beta
        d_L = lrelu(V z + c),  ...,  d1 = lrelu(tconv2(d2)),  d0 = tanh(tconv1(d1))

    All convolutions have stride 2. The noisy pathway drops a share of x and of every hidden layer but the last, which
    the reference code leaves alone. Tables have linear layers in place of convolutions, and a linear d0.

    Parameters
    ----------
    in_shape : tuple (c, h, w) or (d,)
        Of one sample. Pixels are in [0, 1] and mapped to [-1, 1] inside.
    n_clusters : int
        Outputs K of the head.
    hidden_sizes : tuple of int
        Maps of the convolutions, or widths of the layers.
    embedding_dim : int
    dropout : float
        Share that the noisy pathway drops.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        n_clusters: int,
        hidden_sizes: tuple[int, ...],
        embedding_dim: int,
        dropout: float,
    ):
        super().__init__()
        self.dropout = dropout
        self.takes_images = len(in_shape) == 3
        channels = (in_shape[0], *hidden_sizes)
        if self.takes_images:
            layers, shapes = _convolutions(channels, in_shape[1:])
            mirrored = [_transposed(conv, *sides) for conv, sides in zip(layers, pairwise(shapes))]
            self.hidden_shape = (channels[-1], *shapes[-1])
        else:
            layers = [nn.Linear(a, b) for a, b in pairwise(channels)]
            mirrored = [nn.Linear(b, a) for a, b in pairwise(channels)]
            self.hidden_shape = (channels[-1],)
        width = math.prod(self.hidden_shape)
        self.encoder, self.decoder = nn.ModuleList(layers), nn.ModuleList(mirrored[::-1])
        self.embed, self.expand = nn.Linear(width, embedding_dim), nn.Linear(embedding_dim, width)
        self.cluster = nn.Linear(embedding_dim, n_clusters)
        self.layer_sizes = dict(zip(LAYERS, (width, embedding_dim, n_clusters), strict=True))
        self._initialize()

    def _initialize(self) -> None:
        """He's weights before leaky ReLU, Glorot's elsewhere.

        With Glorot's everywhere, as published, the embedding saturates at a learning rate of 1e-3.
        """
        before_relu = {*self.encoder, self.expand, *list(self.decoder)[:-1]}
        for layer in (*self.encoder, self.embed, self.expand, *self.decoder, self.cluster):
            if layer in before_relu:
                nn.init.kaiming_uniform_(layer.weight, a=_SLOPE)
            else:
                nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def scaled(self, x: Tensor) -> Tensor:
        """What the encoder gets and the decoder gives back: pixels in [-1, 1], tables as they are."""
        return 2 * x - 1 if self.takes_images else x

    def encode(self, x: Tensor, noisy: bool = False) -> Encoded:
        """Hidden layers and embedding of `x`, which is :meth:`scaled`."""
        hidden = []
        for layer in self.encoder:
            hidden.append(F.leaky_relu(layer(F.dropout(x, self.dropout, noisy)), _SLOPE))
            x = hidden[-1]
        return Encoded(hidden, self.embed(x.flatten(1)).tanh())

    def decode(self, embedding: Tensor) -> list[Tensor]:
        """Reconstructions [d0, d1, ..., d_L] of the scaled input and of the hidden layers."""
        x = F.leaky_relu(self.expand(embedding), _SLOPE).unflatten(1, self.hidden_shape)
        found = [x]
        for layer in self.decoder:
            x = layer(x)
            if layer is not self.decoder[-1]:
                x = F.leaky_relu(x, _SLOPE)
            elif self.takes_images:
                x = x.tanh()
            found.append(x)
        return found[::-1]

    def layers(self, x: Tensor, names: tuple[str, ...]) -> list[Tensor]:
        """Return the named layers of `x`, without noise, in the order asked for; "cluster" is the logits."""
        hidden = self.encode(self.scaled(x)).hidden[-1].flatten(1)
        embedding = _linear(self.embed, hidden).tanh().to(x.dtype)
        out = {"hidden": hidden, "embedding": embedding}
        if "cluster" in names:
            out["cluster"] = _linear(self.cluster, embedding).to(x.dtype)
        return [out[name] for name in names]


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """The layer in float64, where the device has it.

    In float32 the last bits of a product with few columns depend on where in a batch a row stands.
    """
    if x.device.type == "mps":
        return layer(x)
    return F.linear(x.double(), layer.weight.double(), layer.bias.double())


def _convolutions(channels, sides):
    """Convolutions of stride 2, and the sides of their maps, those of the input first."""
    layers, shapes = [], [sides]
    for i, (a, b) in enumerate(pairwise(channels)):
        kernel = _KERNELS[min(i, 1)]
        padding = tuple(2 if i or side >= _WIDE else 0 for side in shapes[-1])
        layers.append(nn.Conv2d(a, b, kernel, 2, padding))
        shapes.append(tuple((side + 2 * pad - kernel) // 2 + 1 for side, pad in zip(shapes[-1], padding)))
    return layers, shapes


def _transposed(conv, sides, mapped):
    """The transposed convolution from maps of `mapped` back to `sides`."""
    kernel, padding = conv.kernel_size, conv.padding
    missing = [side - ((m - 1) * 2 + k - 2 * p) for side, m, k, p in zip(sides, mapped, kernel, padding)]
    return nn.ConvTranspose2d(conv.out_channels, conv.in_channels, kernel, 2, padding, output_padding=missing)
