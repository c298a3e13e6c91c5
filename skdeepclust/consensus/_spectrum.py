# SPDX-License-Identifier: BSD-3-Clause
"""The eigenproblem of the transfer cut, and its kernels for a general affinity in CSR form.

Source: Z. Li, X.-M. Wu, S.-F. Chang, "Segmentation using superpixels: a bipartite graph partitioning
approach", CVPR 2012; D. Huang et al., "Ultra-scalable spectral clustering and ensemble clustering", IEEE
TKDE 32(6), 2020, section 3.1.3.
"""

import math

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from ._jit import for_each, kernel, one_thread, row_blocks

MAX_DENSE_COLUMNS = 3000
EXTRA_EIGENVALUES = 10  # reported beyond n_clusters, so that an eigengap can be seen
BLOCK_ROWS = 16384


@kernel
def csr_reduced_graph(indptr, indices, data, inverse_degree, out):
    """Add ``B^T D_X^-1 B`` to the lower triangle of `out` (q, q), float64; column indices ascend within a row."""
    for i in range(indptr.shape[0] - 1):
        for s in range(indptr[i], indptr[i + 1]):
            scaled = np.float64(data[s]) * inverse_degree[i]
            for t in range(indptr[i], indptr[i + 1]):
                if indices[t] <= indices[s]:
                    out[indices[s], indices[t]] += scaled * data[t]


@kernel
def embed_csr(indptr, indices, data, vectors, start, stop, out):
    """Unit rows of ``D_X^-1 B V`` for rows start .. stop - 1 of a CSR matrix; out (n, c), float64."""
    n_columns = vectors.shape[1]
    for i in range(start, stop):
        degree = 0.0
        for c in range(n_columns):
            out[i, c] = 0.0
        for s in range(indptr[i], indptr[i + 1]):
            value = np.float64(data[s])
            degree += value
            for c in range(n_columns):
                out[i, c] += value * vectors[indices[s], c]
        if degree <= 0.0:
            degree = 1e-10
        norm = 0.0
        for c in range(n_columns):
            out[i, c] /= degree
            norm += out[i, c] * out[i, c]
        norm = math.sqrt(norm) + 1e-10
        for c in range(n_columns):
            out[i, c] /= norm


def affinity_sums(B: scipy.sparse.csr_array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row sums d_X (n,) and column sums d_R (q,) of a CSR affinity; d_R are also the row sums of E."""
    column = np.asarray(np.bincount(B.indices, weights=B.data, minlength=B.shape[1]), dtype=np.float64)
    row = np.asarray(B.sum(axis=1, dtype=np.float64)).reshape(-1)
    return row, column


def reduced_graph_csr(B: scipy.sparse.csr_array) -> NDArray[np.float64]:
    """``E = B^T D_X^-1 B`` as a dense symmetric (q, q) array; D_X the row sums, 0 replaced by 1e-10."""
    degree = affinity_sums(B)[0]
    inverse = 1.0 / np.where(degree > 0.0, degree, 1e-10)
    graph = np.zeros((B.shape[1], B.shape[1]))
    csr_reduced_graph(B.indptr.astype(np.int64), B.indices.astype(np.int32, copy=False), B.data, inverse, graph)
    return graph + np.tril(graph, -1).T


def embed_rows(B: scipy.sparse.csr_array, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit rows of ``F = D_X^-1 B V``, shape (n, c); each row depends on its own affinities only."""
    out = np.empty((B.shape[0], vectors.shape[1]))
    indptr, indices = B.indptr.astype(np.int64), B.indices.astype(np.int32, copy=False)
    for_each(lambda r: embed_csr(indptr, indices, B.data, vectors, *r, out), row_blocks(len(out), BLOCK_ROWS))
    return out


def reduced_spectrum(
    graph: NDArray[np.float64], degrees: NDArray[np.float64], n_vectors: int, scale_embedding: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Leading generalised eigenvectors of the reduced graph.

    Solves ``(D_R - E) v = lambda D_R v`` through ``S = D_R^-1/2 E D_R^-1/2``, eigenvalues mu = 1 - lambda in
    descending order. The trivial constant eigenvector (mu = 1) is the first and is kept.

    Parameters
    ----------
    graph : ndarray of shape (q, q)
        E, symmetric.
    degrees : ndarray of shape (q,)
        d_R = row sums of E = column sums of B. A column of degree 0 takes no part: its row of V is zero.
    n_vectors : int
        Number of eigenvectors wanted; at most the number of non-empty columns are returned.
    scale_embedding : bool, default=False
        Divide column j of V by sqrt(mu_j): the 1/(1 - gamma) of the paper, which its code leaves out.

    Returns
    -------
    vectors : ndarray of shape (q, c)
        V = D_R^-1/2 [q_1 .. q_c]; sign: the entry of largest modulus of each column is positive.
    mu : ndarray of shape (at most n_vectors + 10,)
        Leading eigenvalues.
    """
    active = np.flatnonzero(degrees > 0.0)
    root = np.sqrt(degrees[active])
    S = graph[np.ix_(active, active)] / root[:, None] / root
    S = (S + S.T) / 2
    q = len(active)
    wanted = min(q, n_vectors + EXTRA_EIGENVALUES)
    with one_thread():
        mu, Q = scipy.linalg.eigh(S, subset_by_index=(q - wanted, q - 1), overwrite_a=True, check_finite=False)
    return _finish(mu, Q, root, active, len(degrees), n_vectors, scale_embedding)


def operator_spectrum(
    B: scipy.sparse.csr_array, n_vectors: int, scale_embedding: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same as :func:`reduced_spectrum` without forming E, by Lanczos on ``Z^T Z``; for many columns.

    ``Z = D_X^-1/2 B D_R^-1/2``; its squared singular values are mu.
    """
    row, column = affinity_sums(B)
    active = np.flatnonzero(column > 0.0)
    root = np.sqrt(column[active])
    Z = scipy.sparse.diags_array(1.0 / np.sqrt(np.where(row > 0.0, row, 1e-10))) @ B.astype(np.float64)[:, active]
    Z = (Z @ scipy.sparse.diags_array(1.0 / root)).tocsr()
    Zt = Z.T.tocsr()
    q = len(active)
    wanted = min(q - 1, n_vectors + EXTRA_EIGENVALUES)
    start = np.random.RandomState(0).uniform(size=q)
    operator = scipy.sparse.linalg.LinearOperator((q, q), matvec=lambda v: Zt @ (Z @ v), dtype=np.float64)
    with one_thread():
        mu, Q = scipy.sparse.linalg.eigsh(operator, k=wanted, which="LA", v0=start)
    order = np.argsort(mu, kind="stable")
    return _finish(mu[order], Q[:, order], root, active, len(column), n_vectors, scale_embedding)


def _finish(mu, Q, root, active, n_columns, n_vectors, scale_embedding):
    """Ascending eigenpairs of S to V (zero rows for empty columns, fixed signs) and descending mu."""
    mu, Q = np.clip(mu[::-1], 0.0, 1.0), Q[:, ::-1][:, :n_vectors]
    vectors = np.zeros((n_columns, Q.shape[1]))
    vectors[active] = Q / root[:, None]
    peak = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])]
    vectors *= np.where(peak < 0, -1.0, 1.0)
    if scale_embedding:
        vectors /= np.sqrt(np.maximum(mu[: vectors.shape[1]], 1e-12))
    return vectors, mu


def affinity_spectrum(
    B: scipy.sparse.csr_array, n_vectors: int, scale_embedding: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """V and mu of a CSR affinity, by the dense solver up to 3,000 columns and by Lanczos above."""
    if B.shape[1] > MAX_DENSE_COLUMNS and n_vectors + EXTRA_EIGENVALUES < B.shape[1] // 4:
        return operator_spectrum(B, n_vectors, scale_embedding)
    return reduced_spectrum(reduced_graph_csr(B), affinity_sums(B)[1], n_vectors, scale_embedding)
