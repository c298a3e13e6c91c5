# SPDX-License-Identifier: BSD-3-Clause
"""Weights of objects."""

import numpy as np


def effective_rows(weights, n_samples):
    """Number of rows that the weights stand for: their sum if they are whole, else the number that are not 0."""
    if weights is None:
        return n_samples
    return int(weights.sum()) if (weights == np.floor(weights)).all() else int(np.count_nonzero(weights))


def check_sample_weight(sample_weight, n_samples):
    """Weights as float64 of shape (n_samples,), or None where all are equal, which is what no weights mean.

    Raises
    ------
    ValueError
        If there is not one weight per row, one is negative or not finite, or all are 0.
    """
    if sample_weight is None:
        return None
    weights = np.array(sample_weight, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(n_samples, float(weights))
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must hold one weight for each of the {n_samples} rows; got shape {weights.shape}."
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight must be finite and at least 0; clip or replace the weights concerned.")
    if not weights.any():
        raise ValueError("sample_weight is zero for every row, so nothing is left to cluster; give some rows a weight.")
    return None if (weights == weights[0]).all() else weights
