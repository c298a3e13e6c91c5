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

from ._exact_sums import times_integer
from ._jit import for_each, kernel, one_thread, row_blocks

MAX_DENSE_COLUMNS = 3000
MAX_DENSITY = 0.1  # a larger graph with fewer entries than that goes to the sparse solver
EXTRA_EIGENVALUES = 10  # reported beyond n_clusters, so that an eigengap can be seen
BLOCK_ROWS = 16384
GRAPH_BITS = 61  # entries are at most 1, sums of rounding errors at most 2^-62 each
MIN_EIGENVALUES = 51  # reported in all, where there are as many: enough to choose a number of clusters


@kernel
def csr_reduced_graph(indptr, indices, data, weights, column_scale, out):
    """Add ``C B^T D_X^-1 diag(w) B C`` to the lower triangle of `out` (q, q), int64 in units of 2^-GRAPH_BITS.

    C = diag(column_scale) keeps every entry below 1. Column indices ascend within a row.
    """
    for i in range(indptr.shape[0] - 1):
        degree = 0.0
        for s in range(indptr[i], indptr[i + 1]):
            degree += data[s]
        share = 2.0**GRAPH_BITS / (degree if degree > 0.0 else 1e-10)
        for s in range(indptr[i], indptr[i + 1]):
            scaled = data[s] * column_scale[indices[s]] * share
            for t in range(indptr[i], s + 1):
                value = scaled * data[t] * column_scale[indices[t]]
                out[indices[s], indices[t]] += times_integer(np.int64(value + 0.5), value, weights[i])


@kernel
def embed_csr(indptr, indices, data, vectors, start, stop, out):
    """Unit rows of ``D_X^-1 B V`` for rows start .. stop - 1 of a CSR matrix into out (stop - start, c), float64."""
    n_columns = vectors.shape[1]
    for i in range(start, stop):
        row = out[i - start]
        degree = 0.0
        row[:] = 0.0
        for s in range(indptr[i], indptr[i + 1]):
            value = np.float64(data[s])
            degree += value
            for c in range(n_columns):
                row[c] += value * vectors[indices[s], c]
        if degree <= 0.0:
            degree = 1e-10
        norm = 0.0
        for c in range(n_columns):
            row[c] /= degree
            norm += row[c] * row[c]
        norm = math.sqrt(norm) + 1e-10
        for c in range(n_columns):
            row[c] /= norm


class CsrEmbedding:
    """Unit rows of ``F = D_X^-1 B V`` of CSR arrays B, block by block, for :func:`~._discretise.discretise`.

    Parameters
    ----------
    vectors : ndarray of shape (q, c), float64
        V.
    """

    def __init__(self, vectors: NDArray[np.float64]):
        self.vectors = vectors

    def length(self, B: scipy.sparse.csr_array) -> int:
        """Number of rows of `B`."""
        return B.shape[0]

    def __call__(self, B: scipy.sparse.csr_array, start: int, stop: int) -> NDArray[np.float64]:
        """Embedding of rows start .. stop - 1."""
        out = np.empty((stop - start, self.vectors.shape[1]))
        embed_csr(B.indptr, B.indices, B.data, self.vectors, start, stop, out)
        return out

    def rows(self, B: scipy.sparse.csr_array, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Embedding of the given rows."""
        return embed_rows(B if len(rows) == B.shape[0] else B[rows], self.vectors)


def affinity_sums(B: scipy.sparse.csr_array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row sums d_X (n,) and column sums d_R (q,) of a CSR affinity; d_R are also the row sums of E."""
    column = np.asarray(np.bincount(B.indices, weights=B.data, minlength=B.shape[1]), dtype=np.float64)
    row = np.asarray(B.sum(axis=1, dtype=np.float64)).reshape(-1)
    return row, column


def column_scales(count: NDArray, largest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Powers of two c_s with ``c_s^2 * count_s * largest_s <= 1``, 0 for an empty column.

    Since ``sum_i b_is b_it / d_i <= sqrt(sum_i b_is sum_i b_it)``, they keep the entries ``c_s E_st c_t`` below 1.
    """
    bound = np.asarray(count, dtype=np.float64) * largest
    with np.errstate(divide="ignore"):
        exponent = -np.ceil(np.log2(bound) / 2)
    scales = np.zeros(len(bound))
    scales[bound > 0] = np.exp2(exponent[bound > 0])
    return scales


def graph_from_lower(units: NDArray[np.int64], column_scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """E (q, q), float64 and symmetric, from the lower triangle of ``C E C`` in units of 2^-GRAPH_BITS."""
    graph: NDArray[np.float64] = units.astype(np.float64)
    graph *= 2.0**-GRAPH_BITS
    graph += np.tril(graph, -1).T
    inverse = np.divide(1.0, column_scale, out=np.zeros_like(column_scale), where=column_scale > 0)
    graph *= inverse[:, None]
    graph *= inverse
    return graph


def reduced_graph_csr(B: scipy.sparse.csr_array, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """``E = B^T D_X^-1 diag(w) B`` as a dense symmetric (q, q) array; D_X the row sums, 0 replaced by 1e-10."""
    largest = np.zeros(B.shape[1])
    np.maximum.at(largest, B.indices, B.data)
    mass = np.ones(B.shape[0]) if weights is None else weights
    count = np.bincount(B.indices, weights=np.repeat(mass, np.diff(B.indptr)), minlength=B.shape[1])
    scale = column_scales(count, largest)
    units = np.zeros((B.shape[1], B.shape[1]), dtype=np.int64)
    csr_reduced_graph(B.indptr, B.indices, B.data.astype(np.float64), mass.astype(np.float64), scale, units)
    return graph_from_lower(units, scale)


def embed_rows(B: scipy.sparse.csr_array, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit rows of ``F = D_X^-1 B V``, shape (n, c); each row depends on its own affinities only."""
    out = np.empty((B.shape[0], vectors.shape[1]))
    blocks = row_blocks(len(out), BLOCK_ROWS)
    for_each(lambda r: embed_csr(B.indptr, B.indices, B.data, vectors, *r, out[r[0] : r[1]]), blocks)
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
    wanted = min(q, max(n_vectors + EXTRA_EIGENVALUES, MIN_EIGENVALUES))
    if q > MAX_DENSE_COLUMNS and wanted < q // 4 and np.count_nonzero(S) < MAX_DENSITY * q**2:
        mu, Q = _lanczos(scipy.sparse.csr_array(S), q, wanted)
        return _finish(mu, Q, root, active, len(degrees), n_vectors, scale_embedding)
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
    operator = scipy.sparse.linalg.LinearOperator((q, q), matvec=lambda v: Zt @ (Z @ v), dtype=np.float64)
    mu, Q = _lanczos(operator, q, wanted)
    return _finish(mu, Q, root, active, len(column), n_vectors, scale_embedding)


def _lanczos(operator, q, wanted):
    """Largest eigenvalues, ascending, and eigenvectors of a symmetric operator; the same start vector every time."""
    start = np.random.RandomState(0).uniform(size=q)
    with one_thread():
        mu, Q = scipy.sparse.linalg.eigsh(operator, k=wanted, which="LA", v0=start)
    order = np.argsort(mu, kind="stable")
    return mu[order], Q[:, order]


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
    B: scipy.sparse.csr_array,
    n_vectors: int,
    scale_embedding: bool = False,
    weights: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """V and mu of a CSR affinity, rows counted `weights` times; by Lanczos where there are more than 3,000 columns."""
    if weights is not None:
        B = B[weights > 0]
        weights = weights[weights > 0]
    if B.shape[1] > MAX_DENSE_COLUMNS and n_vectors + EXTRA_EIGENVALUES < B.shape[1] // 4:
        # A row scaled by w contributes (w b)(w b)' / (w d) = w b b' / d to the graph, as one counted w times.
        scaled = B if weights is None else scipy.sparse.csr_array(scipy.sparse.diags_array(weights) @ B)
        return operator_spectrum(scaled, n_vectors, scale_embedding)
    graph = reduced_graph_csr(B, weights)
    return reduced_spectrum(graph, graph.sum(axis=1), n_vectors, scale_embedding)
