# SPDX-License-Identifier: BSD-3-Clause
"""Nodes of a graph that are equal rows, and have to be labelled alike."""

import numpy as np


def first_equal_rows(Z, distance):
    """For each row of `Z` (n, d) the first row that equals it; `distance` (n, K) are those of its neighbours."""
    first = np.arange(len(Z))
    twins = np.flatnonzero(distance[:, 0] == 0.0)
    if len(twins):
        _, place, inverse = np.unique(Z[twins], axis=0, return_index=True, return_inverse=True)
        first[twins] = twins[place][inverse.reshape(-1)]
    return first
