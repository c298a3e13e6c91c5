# SPDX-License-Identifier: BSD-3-Clause
"""Products of a sparse matrix of a graph with features of its nodes, with gradients, and ways to get them by parts."""

import warnings
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor


class Propagation(Protocol):
    """Takes features of rows to weighted means over their neighbours, in each of the two graphs."""

    def first(self, z: Tensor, stream: int) -> Tensor:
        """Return the means of the input features `z`."""

    def __call__(self, x: Tensor, stream: int, depth: int) -> Tensor:
        """Return the means of `x`, what the layer `depth` >= 1 of a stream sends along the edges."""


class SparseMatrix:
    """A matrix (n, m) in compressed rows on a device, beside its transpose, which gradients go through.

    Parameters
    ----------
    csr : scipy.sparse.csr_array of shape (n, m)
        Read as float32.
    device : torch.device
    """

    def __init__(self, csr, device: torch.device):
        self.forward = _to_torch(csr, device)
        self.backward = _to_torch(csr.T.tocsr(), device)

    def __matmul__(self, x: Tensor) -> Tensor:
        """Product with a dense (m, w), differentiable in it; time and memory grow with the stored entries."""
        return _Product.apply(x, self)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, matrix):
        ctx.matrix = matrix
        return matrix.forward @ x

    @staticmethod
    def backward(ctx, gradient):
        return ctx.matrix.backward @ gradient.contiguous(), None


def _to_torch(csr, device: torch.device) -> Tensor:
    starts, columns = (torch.from_numpy(part.astype(np.int32)).to(device) for part in (csr.indptr, csr.indices))
    values = torch.from_numpy(csr.data.astype(np.float32)).to(device)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        return torch.sparse_csr_tensor(starts, columns, values, csr.shape, check_invariants=False)


class WholeGraphs:
    """Propagation over all nodes of the graphs at once.

    Parameters
    ----------
    matrices : sequence of SparseMatrix
        One normalised adjacency (n, n) for each stream.
    z : Tensor of shape (n, d)
        The input features, whose means are the same in every step and computed here.

    Attributes
    ----------
    sent : list of dict or None
        For each stream what the layers sent along the edges, by depth; None unless it is wanted.
    """

    def __init__(self, matrices: Sequence[SparseMatrix], z: Tensor):
        self.matrices = matrices
        self.means = [matrix @ z for matrix in matrices]
        self.sent: list[dict[int, Tensor]] | None = None

    def first(self, z: Tensor, stream: int) -> Tensor:
        return self.means[stream]

    def __call__(self, x: Tensor, stream: int, depth: int) -> Tensor:
        if self.sent is not None:
            self.sent[stream][depth] = x.detach()
        return self.matrices[stream] @ x


class SmoothedRows:
    """The linear form: features that were propagated beforehand, and layers that do not propagate any more.

    Parameters
    ----------
    means : sequence of Tensor of shape (b, d)
        For each stream, rows of ``Ahat^m Z``.
    """

    def __init__(self, means: Sequence[Tensor]):
        self.means = means

    def first(self, z: Tensor, stream: int) -> Tensor:
        return self.means[stream]

    def __call__(self, x: Tensor, stream: int, depth: int) -> Tensor:
        return x


class NewNodes:
    """Propagation to new nodes from those of the graphs, which learn nothing of them.

    A new node i has edges to its k nearest nodes j, and to itself::

        mean_i = own_i x_i + sum_j weight_ij x_j

    Parameters
    ----------
    sent : sequence of dict
        For each stream, what the layers of all nodes send along the edges, by depth; 0 for the input features.
    index : sequence of Tensor of shape (b, k)
        For each stream, the neighbours of the new nodes.
    weight : sequence of Tensor of shape (b, k)
        Those of the edges.
    own : sequence of Tensor of shape (b, 1)
        Those of the loops.
    """

    def __init__(self, sent, index, weight, own):
        self.sent, self.index, self.weight, self.own = sent, index, weight, own

    def first(self, z: Tensor, stream: int) -> Tensor:
        return self(z, stream, 0)

    def __call__(self, x: Tensor, stream: int, depth: int) -> Tensor:
        near = self.sent[stream][depth][self.index[stream]]
        return self.own[stream] * x + (self.weight[stream].unsqueeze(2) * near).sum(1)
