# SPDX-License-Identifier: BSD-3-Clause
"""Labels of new rows from those of their nearest known rows, weighed by the kernel of the neighbour graph."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..consensus._code_rules import shares_of_scores
from ..consensus._jit import kernel
from ._row_neighbours import RowSearch
from ._rows import read_rows


@kernel
def vote(index, distance, width, labels, scores, winner):
    """``scores[i, c] = sum_{j in c} exp(-D_ij / sigma^2)`` over the neighbours, relative to the nearest one.

    `winner` is the cluster of the largest score, and for a row at distance 0 of a known one the label of that.
    """
    for i in range(index.shape[0]):
        scores[i, :] = 0.0
        for s in range(index.shape[1]):
            same = distance[i, s] == distance[i, 0]  # both may be infinite
            weight = 1.0 if same else math.exp((distance[i, 0] - distance[i, s]) / width)
            scores[i, labels[index[i, s]]] += weight
        winner[i] = labels[index[i, 0]] if distance[i, 0] == 0.0 else np.argmax(scores[i])


@dataclass(frozen=True)
class NeighbourVote:
    """Labels of rows from those of their neighbours among the rows of ``fit``.

    Attributes
    ----------
    search : RowSearch
        Search in the rows of ``fit``.
    labels : ndarray of shape (n,), int32
        Their labels.
    n_clusters : int
        Number of clusters.
    n_neighbors : int
        Neighbours that vote.
    width : float
        sigma^2.
    """

    search: RowSearch
    labels: NDArray[np.int32]
    n_clusters: int
    n_neighbors: int
    width: float

    def scores(self, X: NDArray) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Scores (m, n_clusters) and labels (m,) of some rows."""
        points = read_rows(X, slice(None), self.search.rows.dtype)
        index, distance = self.search.nearest(points, self.n_neighbors)
        scores, winner = np.empty((len(points), self.n_clusters)), np.empty(len(points), dtype=np.int32)
        vote(index, distance, self.width, self.labels, scores, winner)
        return scores, winner

    def membership(self, X: NDArray) -> NDArray[np.float64]:
        """Scores as shares of 1; where a known row's label has not the largest, the two are exchanged."""
        scores, winner = self.scores(X)
        shares_of_scores(scores, winner, 0, len(scores))
        return scores
