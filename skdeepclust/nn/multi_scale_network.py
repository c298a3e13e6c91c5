# SPDX-License-Identifier: BSD-3-Clause
"""An autoencoder beside two streams of graph convolutions, joined layer by layer (M-GCN)."""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .autoencoder import Autoencoder
from .graph_convolution import Propagation

LAYERS = ("hidden", "bottleneck", "graph_hidden", "graph")


class Outputs(NamedTuple):
    """What one pass finds, all with a row for each row of the input."""

    reconstruction: Tensor  # (n, d)
    hidden: Tensor  # (n, w): last hidden layer of the autoencoder
    bottleneck: Tensor  # (n, K), before the softmax
    graph_hidden: list[Tensor]  # of both streams (n, w)
    logits: list[Tensor]  # of both streams (n, K)


class MultiScaleNetwork(nn.Module):
    """The second stage of IcicleGCN (Xu et al., arXiv 2207.07173, section 3).

    With H^(l) the hidden layers of the autoencoder, h its bottleneck, and u, v the two streams::

        G_u^(1)   = relu( Ahat_u Z W_0 + b_0 )
        Gt_u^(l)  = s G_u^(l) + g G_v^(l) + r H^(l)                 H^(L) = h, or softmax(h)
        G_u^(l+1) = relu( Ahat_u Gt_u^(l) W_l + b_l )               the last one without relu: logits

    The streams share W and b, as in the published code; only their graphs differ. Two things are new. The biases b,
    zero at first: without them a stream cannot tell two clusters apart that lie in one direction from the origin. And
    the last W, of K x K, starts as the identity, the others Glorot uniform: from the beginning the streams hold means
    of h over neighbours, where a random K x K behind a ReLU can lose clusters at once.

    Parameters
    ----------
    n_features : int
        d.
    hidden_sizes : tuple of int
        Widths of the hidden layers, of the autoencoder and of the streams.
    n_clusters : int
        K, the width of the bottleneck and of the streams from there on.
    fusion : tuple of three floats, default=(0.4, 0.2, 0.4)
        (s, g, r): shares of the stream itself, the other stream and the autoencoder.
    bottleneck : {"logits", "softmax"}, default="logits"
        Whether h itself or its softmax, as published, joins the streams and is assigned to the centres.

    Attributes
    ----------
    centers : Parameter of shape (K, K)
        mu, in the space of :meth:`assigned`.
    layer_sizes : dict of str to int
    """

    def __init__(
        self,
        n_features: int,
        hidden_sizes: tuple[int, ...],
        n_clusters: int,
        fusion: tuple[float, float, float] = (0.4, 0.2, 0.4),
        bottleneck: str = "logits",
    ):
        super().__init__()
        sizes = (n_features, *hidden_sizes, n_clusters)
        self.autoencoder = Autoencoder(sizes)
        self.weights = nn.ParameterList(
            nn.init.xavier_uniform_(torch.empty(a, b)) for a, b in pairwise((*sizes, n_clusters))
        )
        nn.init.eye_(self.weights[-1])
        self.biases = nn.ParameterList(torch.zeros(weight.shape[1]) for weight in self.weights)
        self.centers = nn.Parameter(torch.zeros(n_clusters, n_clusters))
        self.fusion, self.bottleneck = fusion, bottleneck
        self.layer_sizes = dict(zip(LAYERS, (sizes[-2], n_clusters, sizes[-2], n_clusters), strict=True))

    def assigned(self, h: Tensor) -> Tensor:
        """Return what is assigned to the centres for the bottleneck `h` before the softmax."""
        return h.softmax(1) if self.bottleneck == "softmax" else h

    def forward(self, z: Tensor, propagate: Propagation) -> Outputs:
        """Return all outputs for input features `z` (n, d), whose graphs `propagate` stands for."""
        hidden, h = self.autoencoder.encode(z)
        beside = [*hidden, self.assigned(h)]
        own, other, auto = self.fusion
        streams = [F.relu(propagate.first(z, u) @ self.weights[0] + self.biases[0]) for u in (0, 1)]
        graph_hidden = streams
        for depth, weight in enumerate(list(self.weights)[1:], start=1):
            if depth == len(hidden):
                graph_hidden = streams
            a, b, rest = *streams, auto * beside[depth - 1]
            fused = (own * a + other * b + rest, own * b + other * a + rest)
            streams = [self._convolve(x, weight, propagate, u, depth) + self.biases[depth] for u, x in enumerate(fused)]
            if depth < len(self.weights) - 1:
                streams = [F.relu(x) for x in streams]
        return Outputs(self.autoencoder.decode(self.assigned(h)), beside[len(hidden) - 1], h, graph_hidden, streams)

    @staticmethod
    def _convolve(x, weight, propagate, stream, depth):
        """``Ahat x W``, the graph on whichever side of W is narrower."""
        if weight.shape[1] <= weight.shape[0]:
            return propagate(x @ weight, stream, depth)
        return propagate(x, stream, depth) @ weight


def log_membership(logits: list[Tensor]) -> Tensor:
    """Logarithm (n, K) of the mean of the softmax outputs of both streams."""
    return torch.stack([x.log_softmax(1) for x in logits]).logsumexp(0) - torch.log(torch.tensor(float(len(logits))))


def read_layers(found: Outputs, names: tuple[str, ...]) -> list[Tensor]:
    """The layers of the given names: of the streams, the mean of both hidden layers and :func:`log_membership`."""
    layers = {
        "hidden": found.hidden,
        "bottleneck": found.bottleneck,
        "graph_hidden": torch.stack(found.graph_hidden).mean(0),
        "graph": log_membership(found.logits),
    }
    return [layers[name] for name in names]
