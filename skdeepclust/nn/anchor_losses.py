# SPDX-License-Identifier: BSD-3-Clause
"""The losses of anchor-loss contrastive clustering, each equation a pure function.

Assignments are handed around as logarithms: no epsilon is needed in any of them, and none is used. All compute in
float32 at least. Notation: h_i is the embedding of sample i, mu_k the centre of cluster k, c_ik an assignment.

References
----------
.. [1] Sundareswaran et al., "Cluster Analysis with Deep Embeddings and Contrastive Learning" (arXiv 2109.12714).
.. [2] Xie et al., "Unsupervised Deep Embedding for Clustering Analysis", ICML 2016, eq. 1-3: assignment and target.
.. [3] Zhang et al., "Supporting Clustering with Contrastive Learning", NAACL 2021: the same on texts.
"""

import torch
from torch import Tensor

from .losses import at_least_float32


def squared_distances(h: Tensor, centers: Tensor) -> Tensor:
    """Squared Euclidean distances (n, K) of the rows of `h` (n, d) to `centers` (K, d), >= 0."""
    squares = h.square().sum(dim=1, keepdim=True) + centers.square().sum(dim=1)
    return (squares - 2 * h @ centers.T).clamp_min(0)


def log_student_t(h: Tensor, centers: Tensor, scale: float | Tensor = 1.0, power: float | Tensor = 1.0) -> Tensor:
    """Logarithms of soft assignments that fall with the distance from the centres like Student's t.

    ::

        c_ik = (1 + ||h_i - mu_k||^2 / s)^(-p) / (row sum)

    Parameters
    ----------
    h : Tensor of shape (n, d)
        Embeddings.
    centers : Tensor of shape (K, d)
    scale : float or Tensor of shape (), default=1.0
        s > 0, the squared distance at which the kernel has fallen to 2^-p.
    power : float or Tensor of shape (), default=1.0
        p > 0.

    Returns
    -------
    Tensor of shape (n, K)
        log c; the exponentials of a row sum to 1.

    Notes
    -----
    [1] and [2] (eq. 1) have s = a and p = (a + 1) / 2 with a = 1 degree of freedom: the defaults.
    """
    h, centers = at_least_float32(h), at_least_float32(centers)
    return (-power * torch.log1p(squared_distances(h, centers) / scale)).log_softmax(dim=1)


def log_frequency(log_c: Tensor) -> Tensor:
    """Logarithm of f_k = sum_i c_ik, the size of every cluster: shape (K,)."""
    return at_least_float32(log_c).logsumexp(dim=0)


def log_target(log_c: Tensor, log_f: Tensor) -> Tensor:
    """Logarithms of sharpened assignments in which no cluster gains by being large.

    ::

        t_ik = (c_ik^2 / f_k) / (row sum)

    Parameters
    ----------
    log_c : Tensor of shape (n, K)
    log_f : Tensor of shape (K,)
        Logarithm of how often each cluster is used, up to a constant: :func:`log_frequency` of all samples, or of the
        batch as in [1].

    Returns
    -------
    Tensor of shape (n, K)
        Without gradient; the exponentials of a row sum to 1.

    Notes
    -----
    [2] eq. 3.
    """
    return (2 * at_least_float32(log_c) - log_f).log_softmax(dim=1).detach()


def cluster_divergence(log_c: Tensor, log_t: Tensor) -> Tensor:
    """How far the assignments are from their targets, in nats.

    ::

        L_C = (1/n) sum_ik t_ik (log t_ik - log c_ik)

    Parameters
    ----------
    log_c, log_t : Tensor of shape (n, K)
        The targets are constants.

    Returns
    -------
    Tensor of shape ()

    Notes
    -----
    [1]; [2] eq. 2. With :func:`log_student_t` its gradient is::

        dL_C/dh_i  =  (2p / ns) sum_k (t_ik - c_ik) (h_i - mu_k) / (1 + ||h_i - mu_k||^2 / s)
        dL_C/dmu_k = -(2p / ns) sum_i (t_ik - c_ik) (h_i - mu_k) / (1 + ||h_i - mu_k||^2 / s)
    """
    return _divergence(log_t.detach(), log_c)


def anchor_divergence(log_c: Tensor, *log_p: Tensor) -> Tensor:
    """How far the assignments of augmented views are from those of the plain view, in nats.

    ::

        L_A = (1/n) sum_i [ KL(c_i || p1_i) + KL(c_i || p2_i) ]

    Parameters
    ----------
    log_c : Tensor of shape (n, K)
        Of the plain view: the anchor, a constant.
    *log_p : Tensor of shape (n, K)
        Of the augmented views.

    Returns
    -------
    Tensor of shape ()
        Exactly 0 where all views agree.

    Notes
    -----
    The anchor loss of [1].

    Examples
    --------
    >>> import torch
    >>> from skdeepclust.nn.anchor_losses import anchor_divergence
    >>> log_c = torch.tensor([[0.5, 0.5]]).log()
    >>> print(f"{anchor_divergence(log_c, log_c, torch.tensor([[0.75, 0.25]]).log()):.4f}")
    0.1438
    """
    anchor = log_c.detach()
    return torch.stack([_divergence(anchor, view) for view in log_p]).sum()


def _divergence(log_q: Tensor, log_p: Tensor) -> Tensor:
    """Mean over the rows of KL(q || p)."""
    log_q, log_p = at_least_float32(log_q), at_least_float32(log_p)
    return (log_q.exp() * (log_q - log_p)).sum(dim=1).mean()
