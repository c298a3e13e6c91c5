# SPDX-License-Identifier: BSD-3-Clause
"""Label spreading: labels that are wrong here and there are put right by the neighbours in a graph."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ._neighbour_graph import normalised

_N_STEPS = 50  # alpha^50 = 0.005 of the start is left over


def spread_labels(
    adjacency: csr_array, labels: NDArray[np.integer], n_clusters: int, alpha: float = 0.9
) -> NDArray[np.int32]:
    """Labels (n,) that all rows would agree on, if each held to its own a little and to its neighbours' more.

    ``F <- alpha S F + (1 - alpha) Y`` from F = Y, 50 times; the label of a row is the largest entry of its row of F.

    Parameters
    ----------
    adjacency : csr_array of shape (n, n)
        A, symmetric; S is ``D^-1/2 (A + I) D^-1/2``.
    labels : ndarray of shape (n,)
        In ``range(n_clusters)``; Y has a one for each.
    n_clusters : int
    alpha : float, default=0.9
        Weight of the neighbours, in [0, 1); 0 leaves the labels as they are.

    Notes
    -----
    Zhou et al., "Learning with local and global consistency", NIPS 2003, section 2, where Y holds the labels of a few
    rows. Here all rows have one, none of them sure.
    """
    S = normalised(adjacency)
    Y = np.eye(n_clusters)[labels]
    F = Y
    for _ in range(_N_STEPS):
        F = alpha * (S @ F) + (1 - alpha) * Y
    return F.argmax(axis=1).astype(np.int32)
