# SPDX-License-Identifier: BSD-3-Clause
"""A fully connected autoencoder whose inner layers can be seen."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F


class Autoencoder(nn.Module):
    """Encoder and decoder of linear layers with ReLU between them; bottleneck and output are linear::

        H1 = relu(W1 x), H2 = relu(W2 H1), ..., h = W_L H_(L-1);     the decoder mirrors the widths

    Parameters
    ----------
    sizes : tuple of int
        Widths from the input to the bottleneck; at least two.
    """

    def __init__(self, sizes: tuple[int, ...]):
        super().__init__()
        self.encoder = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.decoder = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes[::-1]))

    def encode(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the hidden layers [H1, H2, ...] and the bottleneck h of `x`."""
        hidden = []
        for layer in list(self.encoder)[:-1]:
            x = F.relu(layer(x))
            hidden.append(x)
        return hidden, self.encoder[-1](x)

    def decode(self, h: Tensor) -> Tensor:
        """Return the reconstruction from the bottleneck."""
        for layer in list(self.decoder)[:-1]:
            h = F.relu(layer(h))
        return self.decoder[-1](h)
