# SPDX-License-Identifier: BSD-3-Clause
"""Undirected neighbour graphs: made of lists of neighbours or of what a user brings, and normalised.

Symbols: A the symmetric adjacency (n, n) without self-loops, D the diagonal matrix of the row sums of A + I.
"""

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse import csr_array


def neighbour_graph(index: NDArray[np.integer]) -> csr_array:
    """Unweighted graph with an edge between two rows if either is among the other's neighbours: ``max(N, N^T)``.

    Parameters
    ----------
    index : ndarray of shape (n, K)
        Neighbours of every row, none of which is the row itself.

    Returns
    -------
    csr_array of shape (n, n), float32
        A: ones, symmetric, without self-loops.

    Notes
    -----
    Xu et al. (arXiv 2207.07173), section 3: the heat kernel that they weigh neighbours with only ranks them.
    """
    n, k = index.shape
    ones = np.ones(n * k, np.float32)
    return _undirected(csr_array((ones, index.reshape(-1).astype(np.int32), np.arange(0, n * k + 1, k)), shape=(n, n)))


def check_graph(graph, n: int, name: str = "graph") -> csr_array:
    """Validate a graph that a user brings, and make it undirected: ``max(W, W^T)`` without its diagonal.

    Parameters
    ----------
    graph : sparse array or matrix, or ndarray, of shape (n, n)
        Finite weights >= 0. Self-loops are left out, since every row gets one of weight 1 when A is normalised.
    n : int
        Number of rows that are clustered.
    name : str, default="graph"
        What messages call it.

    Returns
    -------
    csr_array of shape (n, n), float32

    Raises
    ------
    ValueError
        If the shape is another, or a weight is negative or not finite.
    TypeError
        If it is not a matrix of real numbers.
    """
    if not scipy.sparse.issparse(graph) and not isinstance(graph, np.ndarray):
        raise TypeError(f"{name} must be a sparse matrix of shape ({n}, {n}); got {type(graph).__name__}.")
    if graph.shape != (n, n):
        raise ValueError(f"{name} must have the shape ({n}, {n}), one row for each row of X; got {graph.shape}.")
    if graph.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold real numbers; got dtype {graph.dtype}.")
    weights = csr_array(graph, dtype=np.float32, copy=True)
    if not np.isfinite(weights.data).all() or (weights.data < 0).any():
        raise ValueError(f"{name} must hold finite weights >= 0; leave out edges that have none.")
    return _undirected(weights)


def _undirected(weights: csr_array) -> csr_array:
    """``max(W, W^T)`` without diagonal and stored zeros; its indices are sorted."""
    weights.sum_duplicates()
    both = weights.maximum(weights.T.tocsr()).tocoo()
    i, j = both.coords
    keep = (i != j) & (both.data > 0)
    out = csr_array((both.data[keep], (i[keep], j[keep])), shape=both.shape)
    out.sort_indices()
    return out


def normalised(adjacency: csr_array, kind: str = "symmetric") -> csr_array:
    """A with self-loops, normalised: ``D^-1/2 (A + I) D^-1/2``, or ``D^-1 (A + I)``.

    Parameters
    ----------
    adjacency : csr_array of shape (n, n)
        A.
    kind : {"symmetric", "row"}, default="symmetric"
        The former in the paper, the latter in its code.

    Returns
    -------
    csr_array of shape (n, n), float64
    """
    n = adjacency.shape[0]
    loops = csr_array(adjacency.astype(np.float64) + scipy.sparse.eye_array(n, format="csr"))
    degree = np.asarray(loops.sum(axis=1)).reshape(-1)
    if kind == "row":
        return csr_array(scipy.sparse.diags_array(1.0 / degree) @ loops)
    scale = scipy.sparse.diags_array(1.0 / np.sqrt(degree))
    return csr_array(scale @ loops @ scale)
