# SPDX-License-Identifier: BSD-3-Clause
"""Slow, obvious numpy twins of the contrastive losses: loops over rows and columns, as the papers write them."""

import numpy as np


def cosine(u, v):
    norms = np.linalg.norm(u) * np.linalg.norm(v)
    return u @ v / norms if norms > 0 else 0.0


def instance_loss(a, b, temperature):
    """Contrastive Clustering, eq. 2 and 3: -log exp(s(i, partner)) / sum over the others, mean over both views."""
    rows = [*a, *b]
    n = len(a)
    losses = []
    for i, row in enumerate(rows):
        partner = i + n if i < n else i - n
        others = sum(np.exp(cosine(row, rows[j]) / temperature) for j in range(2 * n) if j != i)
        losses.append(-np.log(np.exp(cosine(row, rows[partner]) / temperature) / others))
    return np.mean(losses)


def column_loss(p, q, temperature):
    """Eq. 4 and 5 without the entropy: the columns take the place of the rows."""
    return instance_loss(p.T, q.T, temperature)


def balance(p):
    """log K minus the entropy of the mean assignment (eq. 6)."""
    shares = p.sum(axis=0) / p.sum()
    return np.log(p.shape[1]) + sum(f * np.log(f) for f in shares if f > 0)
