# SPDX-License-Identifier: BSD-3-Clause
"""Numba kernels on label codes: cluster overlaps, the weighted reduced graph, object embeddings.

A label matrix of n objects and M clusterings is held as `codes`, shape (M, n): one contiguous row per
clustering, entry 0 .. k_m - 1, and k_m for "no label". Tables indexed by cluster are *padded*: clustering m owns
k_m + 1 consecutive rows, the last of them zero, so that a missing label needs no branch anywhere.

Per pair of clusterings the table of counts has k_a x k_b entries and stays in the first or second cache level;
a q x q accumulator for all clusterings at once does not.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ._jit import for_each, kernel, row_blocks

BLOCK_ROWS = 16384


@kernel
def count_pair(a, b, n_a, n_b):
    """Contingency table (n_a, n_b) of two code rows, int64.

    Two tables are filled in turn: repeated increments of one cell would wait for each other.
    """
    even = np.zeros(n_a * n_b, dtype=np.int64)
    odd = np.zeros(n_a * n_b, dtype=np.int64)
    n = a.shape[0]
    for i in range(0, n - 1, 2):
        even[np.int64(a[i]) * n_b + b[i]] += 1
        odd[np.int64(a[i + 1]) * n_b + b[i + 1]] += 1
    if n % 2 == 1:
        even[np.int64(a[n - 1]) * n_b + b[n - 1]] += 1
    return (even + odd).reshape(n_a, n_b)


@kernel
def weigh_pair(a, b, inverse_degree, n_a, n_b):
    """Table (n_a, n_b) of the sums of `inverse_degree` over the objects of each pair of clusters, float64."""
    table = np.zeros(n_a * n_b, dtype=np.float64)
    for i in range(a.shape[0]):
        table[np.int64(a[i]) * n_b + b[i]] += inverse_degree[i]
    return table.reshape(n_a, n_b)


@kernel
def sum_table_rows(codes, offsets, table, start, stop, out):
    """``out[i] = sum_m table[offsets[m] + codes[m, i]]`` for rows start .. stop - 1; table (rows, c), out (n, c)."""
    n_columns = table.shape[1]
    for i in range(start, stop):
        for c in range(n_columns):
            out[i, c] = 0.0
        for m in range(codes.shape[0]):
            row = offsets[m] + np.int64(codes[m, i])
            for c in range(n_columns):
                out[i, c] += table[row, c]


@kernel
def embed_codes(codes, offsets, weights, table, start, stop, out):
    """Unit embedding of the objects of rows start .. stop - 1: ``f = (sum_m table[c_m]) / d; f / (|f| + 1e-10)``.

    `weights` (padded,) are the cluster weights, d the sum of those of the object's clusters, and
    ``table = weights[:, None] * V`` (padded, c). Row normalisation is fused with the sum.
    """
    n_columns = table.shape[1]
    for i in range(start, stop):
        degree = 0.0
        for c in range(n_columns):
            out[i, c] = 0.0
        for m in range(codes.shape[0]):
            row = offsets[m] + np.int64(codes[m, i])
            degree += weights[row]
            for c in range(n_columns):
                out[i, c] += table[row, c]
        if degree <= 0.0:
            degree = 1e-10
        norm = 0.0
        for c in range(n_columns):
            out[i, c] /= degree
            norm += out[i, c] * out[i, c]
        norm = math.sqrt(norm) + 1e-10
        for c in range(n_columns):
            out[i, c] /= norm


@kernel
def hash_rows(codes, start, stop, out):
    """A 64-bit hash of the code tuple of each object; the finaliser of MurmurHash3 after every code."""
    for i in range(start, stop):
        h = np.uint64(0x9E3779B97F4A7C15)
        for m in range(codes.shape[0]):
            h ^= np.uint64(codes[m, i]) + np.uint64(0x9E3779B97F4A7C15)
            h ^= h >> np.uint64(33)
            h *= np.uint64(0xFF51AFD7ED558CCD)
            h ^= h >> np.uint64(33)
            h *= np.uint64(0xC4CEB9FE1A85EC53)
            h ^= h >> np.uint64(33)
        out[i] = h


@kernel
def same_rows(codes, rows, other, other_rows):
    """Whether object rows[i] of `codes` and object other_rows[i] of `other` have equal tuples, bool (n,)."""
    out = np.ones(rows.shape[0], dtype=np.bool_)
    for i in range(rows.shape[0]):
        for m in range(codes.shape[0]):
            if codes[m, rows[i]] != other[m, other_rows[i]]:
                out[i] = False
                break
    return out


def padded_offsets(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """First row of each clustering in a padded table, and the number of rows last; shape (M + 1,)."""
    return np.concatenate([[0], np.cumsum(np.asarray(sizes, dtype=np.int64) + 1)]).astype(np.int64)


def pad_table(table: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Insert a zero row behind the rows of each clustering: (q, ...) -> (q + M, ...)."""
    ends = np.cumsum(sizes)
    return np.ascontiguousarray(np.insert(table, ends, 0.0, axis=0))


def _fill_pairs(sizes, table_of_pair, out):
    """Write the table of every pair a <= b of clusterings, and its transpose, into the symmetric `out`."""
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    pairs = [(a, b) for a in range(len(sizes)) for b in range(a, len(sizes))]

    def fill(pair):
        a, b = pair
        table = table_of_pair(a, b)[: sizes[a], : sizes[b]]
        rows, columns = slice(offsets[a], offsets[a + 1]), slice(offsets[b], offsets[b + 1])
        out[rows, columns] = table
        out[columns, rows] = table.T

    for_each(fill, pairs)
    return out


def cluster_overlap(codes: NDArray, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Overlap of all clusters, ``G = H^T H``: G_ij = number of objects in both cluster i and cluster j.

    Parameters
    ----------
    codes : ndarray of shape (M, n), unsigned integers
        Codes 0 .. k_m - 1 of each clustering, k_m for a missing label.
    sizes : ndarray of shape (M,), int64
        Number of clusters k_m of each clustering.

    Returns
    -------
    G : ndarray of shape (q, q), int64
        q = sum of the k_m.
    """
    q = int(np.sum(sizes))

    def table(a, b):
        return count_pair(codes[a], codes[b], sizes[a] + 1, sizes[b] + 1)

    return _fill_pairs(sizes, table, np.empty((q, q), dtype=np.int64))


def object_degrees(codes: NDArray, sizes: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Row sums d_X of ``B = H diag(w)``, shape (n,): the weights of each object's clusters summed."""
    out = np.empty((codes.shape[1], 1))
    offsets, table = padded_offsets(sizes), pad_table(weights[:, None], sizes)
    for_each(lambda r: sum_table_rows(codes, offsets, table, *r, out), row_blocks(len(out), BLOCK_ROWS))
    return out[:, 0]


def reduced_graph(codes: NDArray, sizes: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted reduced graph ``E = B^T D_X^-1 B`` of ``B = H diag(w)``, shape (q, q), float64, symmetric.

    E_ij = w_i w_j * sum of 1/d_x over the objects x in both clusters.
    """
    degrees = object_degrees(codes, sizes, weights)
    inverse = 1.0 / np.where(degrees > 0.0, degrees, 1e-10)
    q = len(weights)

    def table(a, b):
        return weigh_pair(codes[a], codes[b], inverse, sizes[a] + 1, sizes[b] + 1)

    graph = _fill_pairs(sizes, table, np.empty((q, q)))
    graph *= weights[:, None]
    graph *= weights
    return graph


def object_embedding(
    codes: NDArray, sizes: NDArray[np.int64], weights: NDArray[np.float64], vectors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Unit rows of ``F = D_X^-1 B V`` for ``B = H diag(w)``, shape (n, c), float64."""
    out = np.empty((codes.shape[1], vectors.shape[1]))
    offsets = padded_offsets(sizes)
    padded, table = pad_table(weights, sizes), pad_table(weights[:, None] * vectors, sizes)
    for_each(lambda r: embed_codes(codes, offsets, padded, table, *r, out), row_blocks(len(out), BLOCK_ROWS))
    return out


def code_hashes(codes: NDArray) -> NDArray[np.uint64]:
    """64-bit hashes of the objects' code tuples, shape (n,)."""
    out = np.empty(codes.shape[1], dtype=np.uint64)
    for_each(lambda r: hash_rows(codes, *r, out), row_blocks(len(out), BLOCK_ROWS))
    return out


def distinct_objects(codes: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Objects with distinct code tuples, in the order of first occurrence.

    Returns
    -------
    first : ndarray of shape (u,), int64
        Index of the first object with each tuple, ascending.
    inverse : ndarray of shape (n,), int64
        Position in `first` of every object's tuple.
    counts : ndarray of shape (u,), int64
        Multiplicity of each tuple.
    """
    _, first, inverse, counts = np.unique(
        code_hashes(codes), return_index=True, return_inverse=True, return_counts=True
    )
    if not same_rows(codes, np.arange(codes.shape[1]), codes, first[inverse]).all():  # two tuples, one hash
        _, first, inverse, counts = np.unique(
            np.ascontiguousarray(codes.T), axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        inverse = inverse.reshape(-1)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse], counts[order]
