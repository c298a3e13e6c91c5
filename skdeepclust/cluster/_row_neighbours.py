# SPDX-License-Identifier: BSD-3-Clause
"""The K nearest rows of a data set, exactly, for its own rows and for new ones.

Few features: a k-d tree. More: the bounds by matrix products of :mod:`~._nearest`, quadratic in the number of rows.
Either way the rows found are measured once more in float64, so that equal rows are at distance 0 exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ..consensus._jit import for_each, kernel, one_thread, row_blocks
from ._nearest import PRODUCT_ROWS, ProductSearch, insert_sorted, product_search, squared_distance

MAX_TREE_FEATURES = 10  # above, a tree looks at almost every row
LEAF_ROWS = 40
TREE_ROWS = 1024
PRODUCT_ENTRIES = 2**24  # of a table of products, 64 MiB


@kernel
def measure_sorted(points, rows, found, index, distance):
    """Measure the rows `found` (n, K) of each point; `index` and `distance` (n, K) are written: squared, ascending.

    Where the number of rows stands in place of a row, because distances overflow, all rows are measured.
    """
    n_rows = rows.shape[0]
    for i in range(points.shape[0]):
        index[i, :] = n_rows
        distance[i, :] = np.inf
        complete = found[i].max() < n_rows
        for s in range(found.shape[1] if complete else n_rows):
            j = found[i, s] if complete else s
            insert_sorted(distance[i], index[i], squared_distance(points, i, rows, j, np.inf), np.int32(j))


@kernel
def drop_own(index, distance, other, other_distance):
    """Copy the lists (n, K + 1) of all rows of a data set to lists (n, K) without the row itself.

    A row that is not in its own list has at least K + 1 equal ones; the last of them is left out.
    """
    for i in range(index.shape[0]):
        kept = 0
        for s in range(index.shape[1]):
            if index[i, s] != i and kept < other.shape[1]:
                other[i, kept] = index[i, s]
                other_distance[i, kept] = distance[i, s]
                kept += 1


@dataclass(frozen=True)
class RowSearch:
    """Search for the nearest of some rows.

    Attributes
    ----------
    rows : ndarray of shape (n, d), float32 or float64
        The rows that are searched.
    tree : scipy.spatial.KDTree or None
        Their tree, with few features.
    products : ProductSearch or None
        What products need, with more.
    """

    rows: NDArray
    tree: KDTree | None
    products: ProductSearch | None

    def nearest(self, points: NDArray, n_neighbors: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Nearest rows of some points; those of a point do not depend on the others.

        Parameters
        ----------
        points : ndarray of shape (m, d), type of `rows`
            Points.
        n_neighbors : int
            K, at most n.

        Returns
        -------
        index : ndarray of shape (m, K), int32
            Nearest first; equal distances in the order of the index.
        distance : ndarray of shape (m, K), float64
            Squared distances.
        """
        index = np.empty((len(points), n_neighbors), dtype=np.int32)
        distance = np.empty((len(points), n_neighbors))
        size = TREE_ROWS
        if self.tree is None:
            size = int(np.clip(PRODUCT_ENTRIES // len(self.rows), 16, PRODUCT_ROWS))

        def block(span):
            here = slice(*span)
            if self.tree is None:
                self.products.nearest(points[here], self.rows, index[here], distance[here])
            else:
                found = self.tree.query(points[here], k=list(range(1, n_neighbors + 1)))[1]
                measure_sorted(points[here], self.rows, found, index[here], distance[here])

        with one_thread():
            for_each(block, row_blocks(len(points), size))
        return index, distance

    def neighbours(self, n_neighbors: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The same for the rows themselves, none of which is its own neighbour; `n_neighbors` is at most n - 1."""
        index, distance = self.nearest(self.rows, n_neighbors + 1)
        other, other_distance = np.empty_like(index[:, 1:]), np.empty_like(distance[:, 1:])
        drop_own(index, distance, other, other_distance)
        return other, other_distance

    def __getstate__(self) -> dict:
        """Leave the tree out: it grows anew from the rows."""
        return {"rows": self.rows, "products": self.products}

    def __setstate__(self, state: dict) -> None:
        tree = grow_tree(state["rows"]) if state["products"] is None else None
        vars(self).update(state, tree=tree)


def grow_tree(rows: NDArray) -> KDTree:
    """The tree that :class:`RowSearch` looks for rows in."""
    return KDTree(rows, leafsize=LEAF_ROWS)


def make_row_search(rows: NDArray) -> RowSearch:
    """:class:`RowSearch` in some contiguous rows, by the way that suits their number of features."""
    if rows.shape[1] <= MAX_TREE_FEATURES:
        return RowSearch(rows, grow_tree(rows), None)
    with one_thread():
        return RowSearch(rows, None, product_search(rows))
