# SPDX-License-Identifier: BSD-3-Clause
"""Exact nearest neighbours by blocked matrix products, and the projection in which they are sought."""

import math

import torch
from torch import Tensor


def principal_components(X: Tensor, n_components: int) -> Tensor:
    """Project the centred rows of `X` (n, d) on their leading principal components: (n, min(n_components, d)).

    The d x d covariance is decomposed, so the result involves no random numbers; d is the number of pixels or
    features and at most a few thousand here.
    """
    X = X - X.mean(0)
    _, vectors = torch.linalg.eigh(X.T @ X)
    return X @ vectors[:, -min(n_components, X.shape[1]) :].flip(1)


def nearest_neighbors(X: Tensor, n_neighbors: int, block: int = 2048) -> Tensor:
    """Indices of the nearest other rows by Euclidean distance.

    Parameters
    ----------
    X : Tensor of shape (n, d)
    n_neighbors : int
        At most n - 1.
    block : int, default=2048
        Rows of the distance matrix held at a time: memory is block x n.

    Returns
    -------
    Tensor of shape (n, n_neighbors), int64
        Nearest first; a row is never its own neighbour, exact duplicates are.
    """
    squares = X.square().sum(1)
    found = []
    for start in range(0, len(X), block):
        rows = X[start : start + block]
        distance = torch.addmm(squares, rows, X.T, alpha=-2)  # less ||x_i||^2, constant in each row
        here = torch.arange(len(rows), device=X.device)
        distance[here, here + start] = math.inf
        found.append(distance.topk(n_neighbors, largest=False).indices)
    return torch.cat(found)
