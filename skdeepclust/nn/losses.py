# SPDX-License-Identifier: BSD-3-Clause
"""The contrastive losses, each equation a pure function.

All of them compute in float32 at least, whatever the precision of the network was, since sums of
exponentials lose their small terms in half precision. Sizes are read from the arguments, so a partial last
batch needs no special case.

References
----------
.. [1] Li et al., "Contrastive Clustering", AAAI 2021, eq. 1-7 (arXiv 2009.09687).
.. [2] Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020, eq. 1.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_TINY = 1e-8


def at_least_float32(x: Tensor) -> Tensor:
    """`x` as it is if it is float64, else as float32."""
    return x if x.dtype == torch.float64 else x.float()


def normalized_temperature_cross_entropy(a: Tensor, b: Tensor, temperature: float = 0.5) -> Tensor:
    """Contrast every row of `a` with its partner in `b` against all other rows of both (NT-Xent).

    The 2B rows are scaled to unit length; with S = Z Z^T / temperature and i' the partner of i::

        l_i = -S[i, i'] + log( sum over j != i of exp S[i, j] )          loss = mean of l_i over 2B rows

    Parameters
    ----------
    a, b : Tensor of shape (B, D)
        Two views; row i of `b` is the positive of row i of `a`.
    temperature : float, default=0.5
        Softmax temperature, > 0.

    Returns
    -------
    Tensor of shape ()
        The loss. Equal rows everywhere give log(2B - 1).

    Notes
    -----
    [2] eq. 1; the instance-level loss of [1] (eq. 2) with its two directions averaged.

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.nn.losses import normalized_temperature_cross_entropy
    >>> z = torch.ones(4, 8, dtype=torch.float64)
    >>> round(normalized_temperature_cross_entropy(z, z).item(), 6)
    1.94591
    """
    z = F.normalize(at_least_float32(torch.cat([a, b])), dim=1)
    n = len(a)
    similarity = z @ z.T / temperature
    similarity.fill_diagonal_(-math.inf)
    partner = torch.arange(2 * n, device=z.device).roll(n)
    return F.cross_entropy(similarity, partner)


def cluster_contrast(p: Tensor, q: Tensor, temperature: float = 1.0) -> Tensor:
    """Contrast the columns of two soft assignments: a cluster should hold the same objects in both views.

    The K columns of each view are vectors of length B; their cosine similarities enter the same formula as
    :func:`normalized_temperature_cross_entropy` with 2K rows.

    Parameters
    ----------
    p, q : Tensor of shape (B, K)
        Soft assignments of the two views, rows on the simplex.
    temperature : float, default=1.0
        Softmax temperature, > 0.

    Returns
    -------
    Tensor of shape ()
        The loss. Uniform assignments give log(2K - 1). A column that is exactly zero has a finite loss and
        gradient.

    Notes
    -----
    [1] eq. 4-5, without the balance term, which is :func:`balance_penalty`.
    """
    return normalized_temperature_cross_entropy(p.T, q.T, temperature)


def balance_penalty(p: Tensor) -> Tensor:
    """How far the mean assignment is from uniform: log K minus its entropy, in nats.

    With f_k the mean of column k, normalised to sum to one::

        penalty = log K + sum_k f_k log f_k          0 when balanced, log K when one cluster holds everything

    Parameters
    ----------
    p : Tensor of shape (B, K)
        Soft assignments.

    Returns
    -------
    Tensor of shape ()
        The penalty, >= 0. The logarithm's argument is clamped: ``torch.special.xlogy`` would give the right
        value at f_k = 0 but a NaN gradient.

    Notes
    -----
    The entropy H(Y) in [1] eq. 6, negated and shifted so that its minimum is 0.
    """
    p = at_least_float32(p)
    f = p.sum(0) / p.sum()
    return math.log(p.shape[1]) + (f * f.clamp_min(_TINY).log()).sum()
