# SPDX-License-Identifier: BSD-3-Clause
"""Soft assignments to centres, and the sharper ones that a network is trained towards; each equation a function.

References
----------
.. [1] Xie, Girshick, Farhadi, "Unsupervised deep embedding for clustering analysis", ICML 2016, eq. 1-3.
.. [2] Bo et al., "Structural deep clustering network", WWW 2020, eq. 10-14 (SDCN).
.. [3] Ghasedi Dizaji et al., "Deep clustering via joint convolutional autoencoder embedding and relative entropy
   minimization", ICCV 2017 (DEPICT).
"""

import torch
from torch import Tensor

from .losses import at_least_float32

_TINY = 1e-12


def student_t_assignment(h: Tensor, centers: Tensor) -> Tensor:
    """Assign rows to centres by Student's t with one degree of freedom, ``q_ik ~ 1 / (1 + |h_i - mu_k|^2)``.

    Parameters
    ----------
    h : Tensor of shape (n, d)
    centers : Tensor of shape (K, d)
        mu.

    Returns
    -------
    Tensor of shape (n, K)
        q, whose rows sum to 1.

    Notes
    -----
    [1]_ eq. 1. Where h and mu are points of the simplex, squared distances are at most 2, and q can never exceed
    1 / (1 + (K - 1) / 3): 0.25 for ten clusters, 0.03 for a hundred. That is why h should be logits.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.nn.self_training import student_t_assignment
    >>> corners = torch.eye(10)
    >>> round(student_t_assignment(corners, corners).max().item(), 4)
    0.25
    """
    h, centers = at_least_float32(h), at_least_float32(centers)
    squares = h.square().sum(1, keepdim=True) + centers.square().sum(1) - 2 * h @ centers.T
    weights = 1 / (1 + squares.clamp_min(0))
    return weights / weights.sum(1, keepdim=True)


def target_distribution(q: Tensor, power: float = 2.0, balance: float = 1.0) -> Tensor:
    """Sharpen q and hold large clusters back: ``p_ik ~ q_ik^power / f_k^balance``, ``f_k = sum_i q_ik``; rows sum to 1.

    Parameters
    ----------
    q : Tensor of shape (n, K)
        Rows sum to 1.
    power, balance : float, default=2, 1
        [1]_ eq. 3, and the code of DEPICT [3]_. Its paper has (1, 1/2), which does not sharpen.

    Returns
    -------
    Tensor of shape (n, K)
        Without graph: a target is constant within a step.
    """
    q = q.detach()
    weights = q.pow(power) / q.sum(0).clamp_min(_TINY).pow(balance)
    return weights / weights.sum(1, keepdim=True)


def divergence(p: Tensor, log_q: Tensor) -> Tensor:
    """``KL(P || Q) = (1/n) sum_i sum_k p_ik (log p_ik - log q_ik)``; an entry p = 0 counts 0.

    Parameters
    ----------
    p : Tensor of shape (n, K)
        Without graph.
    log_q : Tensor of shape (n, K)
        Finite logarithms: of a softmax by ``log_softmax``, of q by :func:`safe_log`.
    """
    return (torch.xlogy(p, p) - p * log_q).sum(1).mean()


def safe_log(q: Tensor) -> Tensor:
    """``log max(q, 1e-12)``, whose value and gradient are finite at 0."""
    return q.clamp_min(_TINY).log()
