# SPDX-License-Identifier: BSD-3-Clause
"""Which samples may be each other's positives: mutual nearest neighbours, and the spaces they are sought in."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .._support._sources import row_blocks
from .neighbors import nearest_neighbors, principal_components
from .samples import SampleReader

_COMPONENTS = 64
_LARGEST_SIDE = 32  # pixels; larger images are averaged down first
_WIDEST = 1024  # columns of a table; wider ones are projected at random first


@dataclass(frozen=True)
class Positives:
    """For every sample, the samples its second view may be made from.

    Parameters
    ----------
    candidates : Tensor of shape (n, k), int64
        Row i begins with its `counts[i]` candidates; what follows is not used.
    counts : Tensor of shape (n,), int64
        At least 1.
    """

    candidates: Tensor
    counts: Tensor

    def draw(self, batch: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw one candidate uniformly for every sample of `batch`, by default from torch's global generator."""
        place = (torch.rand(len(batch), generator=generator) * self.counts[batch]).long()
        return self.candidates[batch, place]


def mutual_neighbors(neighbors: Tensor) -> Positives:
    """Keep of the neighbours of i those j that have i among their own; a sample without any keeps itself.

    Mutual neighbours share their class more often than plain ones, since outliers and samples between clusters
    have neighbours but are nobody's.

    Parameters
    ----------
    neighbors : Tensor of shape (n, k), int64
        Nearest first.

    Returns
    -------
    Positives
    """
    own = torch.arange(len(neighbors), device=neighbors.device)
    is_mutual = (neighbors[neighbors] == own[:, None, None]).any(dim=2)
    order = (~is_mutual).to(torch.uint8).argsort(dim=1, stable=True)
    candidates = neighbors.gather(1, order)
    counts = is_mutual.sum(dim=1)
    alone = counts == 0
    candidates[alone, 0] = own[alone]
    return Positives(candidates.cpu(), counts.clamp_min(1).cpu())


def seek_positives(n_neighbors: int, *spaces: Tensor) -> Positives:
    """Mutual nearest neighbours in the given representations (n, d_i) side by side."""
    return mutual_neighbors(nearest_neighbors(torch.cat(spaces, dim=1), n_neighbors))


def input_space(reader: SampleReader, X: np.ndarray) -> Tensor:
    """Leading principal components of the samples, scaled to a mean squared length of 1.

    Images above 32 pixels are averaged down and tables above 1024 columns projected at random before, so that
    the covariance stays small.

    Returns
    -------
    Tensor of shape (n, at most 64), float32, on the reader's device
    """
    projection = None
    if len(reader.in_shape) == 1 and reader.in_shape[0] > _WIDEST:
        projection = torch.randn(reader.in_shape[0], _WIDEST, device=reader.device) / _WIDEST**0.5
    blocks = []
    for block in row_blocks(X):
        x = reader(X[block])
        if x.ndim == 4 and min(x.shape[2:]) > _LARGEST_SIDE:
            x = F.adaptive_avg_pool2d(x, _LARGEST_SIDE)
        x = x.flatten(1)
        blocks.append(x if projection is None else x @ projection)
    components = principal_components(torch.cat(blocks), _COMPONENTS)
    return components / components.square().sum(dim=1).mean().sqrt().clamp_min(1e-12)


def unit_rows(features: np.ndarray, reader: SampleReader) -> Tensor:
    """Features (n, d) of unit length on the reader's device."""
    return F.normalize(torch.from_numpy(features).to(reader.device), dim=1)
