# SPDX-License-Identifier: BSD-3-Clause
"""Scores of a cluster head as labels by size and as memberships."""

import numpy as np


def labels_by_size(scores):
    """Labels of rows by the size of their cluster, largest first.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        Logarithms of memberships up to a constant per row, such as logits; the largest of a row wins it.

    Returns
    -------
    labels : ndarray of shape (n,), int32
    heads : ndarray of shape (number of clusters in use,), int64
        The column that each label stands for; ties by column, columns that won nothing left out.
    """
    winners = scores.argmax(axis=1)
    sizes = np.bincount(winners, minlength=scores.shape[1])
    heads = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    return memberships(scores, heads).argmax(axis=1).astype(np.int32), heads


def memberships(scores, heads):
    """Softmax of the columns `heads` of `scores`: float64 rows that sum to 1."""
    kept = scores[:, heads].astype(np.float64)
    p = np.exp(kept - kept.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)
