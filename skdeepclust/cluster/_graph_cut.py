# SPDX-License-Identifier: BSD-3-Clause
"""Normalised cuts of a graph: spectral clustering, and how good the cut of any labels is."""

import warnings

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from ..consensus._jit import one_thread
from ._neighbour_graph import normalised

_DENSE_ROWS = 200


def leading_eigenvectors(adjacency: csr_array, n_vectors: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Leading eigenvalues, descending, and eigenvectors (n, n_vectors) of ``D^-1/2 (A + I) D^-1/2``.

    By Lanczos from a fixed start, so that nothing is random; densely for few rows.
    """
    n = adjacency.shape[0]
    S = normalised(adjacency)
    if n <= max(_DENSE_ROWS, 2 * n_vectors):
        values, vectors = scipy.linalg.eigh(S.toarray(), subset_by_index=(n - n_vectors, n - 1))
    else:
        start = np.random.RandomState(0).uniform(size=n)
        with one_thread():
            values, vectors = scipy.sparse.linalg.eigsh(S, k=n_vectors, which="LA", v0=start)
        order = np.argsort(values, kind="stable")
        values, vectors = values[order], vectors[:, order]
    return values[::-1], vectors[:, ::-1]


def spectral_labels(adjacency: csr_array, n_clusters: int, seed: int) -> NDArray[np.int32]:
    """Labels (n,) by normalised spectral clustering of a graph.

    Parameters
    ----------
    adjacency : csr_array of shape (n, n)
        A, symmetric.
    n_clusters : int
        At most n.
    seed : int
        Of k-means.

    Notes
    -----
    Ng, Jordan, Weiss, "On spectral clustering: analysis and an algorithm", NIPS 2001: the rows of the leading
    `n_clusters` eigenvectors, scaled to unit length, by k-means; the best of ten starts. A graph of more than
    `n_clusters` pieces has more eigenvalues 1 than that, and the result is then arbitrary.
    """
    _, vectors = leading_eigenvectors(adjacency, n_clusters)
    rows = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    with warnings.catch_warnings():  # fewer different rows than clusters: the labels will show
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(n_clusters, n_init=10, random_state=seed).fit(rows).labels_


def normalised_cut(adjacency: csr_array, labels: NDArray[np.integer], n_clusters: int) -> float:
    """Mean share of their edges that clusters have with others: ``(1/K) sum_c cut(c, rest) / vol(c)``, in [0, 1].

    Volumes count self-loops, as the graph that is cut has them; an empty cluster counts as cut off whole, 1.

    Parameters
    ----------
    adjacency : csr_array of shape (n, n)
        A.
    labels : ndarray of shape (n,)
        In ``range(n_clusters)``.
    n_clusters : int

    Notes
    -----
    Shi, Malik, "Normalized cuts and image segmentation", IEEE TPAMI 22(8), 2000; divided by K.
    """
    n = adjacency.shape[0]
    member = csr_array((np.ones(n), (np.arange(n), labels)), shape=(n, n_clusters))
    within = np.asarray((member * (adjacency @ member)).sum(axis=0)).reshape(-1)
    size = np.bincount(labels, minlength=n_clusters)
    volume = np.bincount(labels, weights=np.asarray(adjacency.sum(axis=1)).reshape(-1), minlength=n_clusters)
    kept = np.divide(within + size, volume + size, out=np.zeros(n_clusters), where=size > 0)
    return float(1.0 - kept.mean())
