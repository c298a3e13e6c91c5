# SPDX-License-Identifier: BSD-3-Clause
"""Labels of the nodes of a graph: equal rows alike, by size."""

import numpy as np

from ..consensus._labels import order_by_size


def first_equal_rows(Z, distance):
    """For each row of `Z` (n, d) the first row that equals it; `distance` (n, K) are those of its neighbours."""
    first = np.arange(len(Z))
    twins = np.flatnonzero(distance[:, 0] == 0.0)
    if len(twins):
        _, place, inverse = np.unique(Z[twins], axis=0, return_index=True, return_inverse=True)
        first[twins] = twins[place][inverse.reshape(-1)]
    return first


def by_size(labels):
    """Number labels (n,) by cluster size, largest first, without gaps."""
    order = order_by_size(labels, int(labels.max()) + 1)
    rank = np.zeros(int(labels.max()) + 1, dtype=np.int32)
    rank[order] = np.arange(len(order))
    return rank[labels]
