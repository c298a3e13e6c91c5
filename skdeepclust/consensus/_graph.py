# SPDX-License-Identifier: BSD-3-Clause
"""Numba kernels on label codes: cluster overlaps, the weighted reduced graph, object embeddings.

A label matrix of n objects and M clusterings is held as `codes`, shape (M, n): one contiguous row per
clustering, entry 0 .. k_m - 1, and k_m for "no label". Tables indexed by cluster are *padded*: clustering m owns
k_m + 1 consecutive rows, the last of them zero, so that a missing label needs no branch anywhere.

Per pair of clusterings the table of counts has k_a x k_b entries and stays in the first or second cache level; a
q x q accumulator for all clusterings at once does not. Measured against tiles of several clusterings and against row
blocks with accumulators of their own, single pairs were fastest at M = 20, 60 and 200. Everything summed over objects
is an integer (:mod:`._exact_sums`).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._exact_sums import fixed_point_scale
from ._jit import for_each, kernel, row_blocks
from ._parts import LocalParts, n_rows, split, total

BLOCK_ROWS = 16384
LANES = 8  # float64 per vector register; rows of tables are padded to a multiple, so that no loop has a rest


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
def weigh_pair(a, b, value, n_a, n_b):
    """Table (n_a, n_b) of the sums of the int64 `value` over the objects of each pair of codes."""
    table = np.zeros(n_a * n_b, dtype=np.int64)
    for i in range(a.shape[0]):
        table[np.int64(a[i]) * n_b + b[i]] += value[i]
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
def embed_codes(codes, offsets, table, start, stop, out):
    """Unit embedding of the objects of rows start .. stop - 1 into out (stop - start, c): ``f / (|f| + 1e-10)``.

    ``table = [weights, weights * V, 0 ...]`` (padded, multiple of LANES): its first column gives the degree d of the
    object, the next c columns ``f = (sum_m table[c_m]) / d``.
    """
    width, n_columns = table.shape[1], out.shape[1]
    total = np.empty(width)
    for i in range(start, stop):
        total[:] = 0.0
        for m in range(codes.shape[0]):
            row = table[offsets[m] + np.int64(codes[m, i])]
            for c in range(width):
                total[c] += row[c]
        degree = total[0] if total[0] > 0.0 else 1e-10
        norm = 0.0
        for c in range(n_columns):
            total[c + 1] /= degree
            norm += total[c + 1] * total[c + 1]
        norm = math.sqrt(norm) + 1e-10
        for c in range(n_columns):
            out[i - start, c] = total[c + 1] / norm


@kernel
def inverse_degrees(codes, offsets, weights, start, stop, out):
    """``out[i] = 1 / d_x`` for rows start .. stop - 1, d_x the sum of the weights of the object's clusters; or 1e10."""
    for i in range(start, stop):
        degree = 0.0
        for m in range(codes.shape[0]):
            degree += weights[offsets[m] + np.int64(codes[m, i])]
        out[i] = 1.0 / (degree if degree > 0.0 else 1e-10)


@kernel
def to_fixed_point(values, scale, start, stop, out):
    """``out[i] = round(values[i] * scale)``, int64, for non-negative values."""
    for i in range(start, stop):
        out[i] = np.int64(values[i] * scale + 0.5)


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


def cluster_overlap(
    codes: NDArray, sizes: NDArray[np.int64], value: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Overlap of all clusters, ``G = H^T H``: G_ij = number of objects in both cluster i and cluster j.

    Parameters
    ----------
    codes : ndarray of shape (M, n), unsigned integers
        Codes 0 .. k_m - 1 of each clustering, k_m for a missing label.
    sizes : ndarray of shape (M,), int64
        Number of clusters k_m of each clustering.
    value : ndarray of shape (n,), int64, optional
        What each object counts; default 1. The sum of the values must stay below 2^63.

    Returns
    -------
    G : ndarray of shape (q, q), int64
        q = sum of the k_m.
    """
    q = int(np.sum(sizes))

    def table(a, b):
        if value is None:
            return count_pair(codes[a], codes[b], sizes[a] + 1, sizes[b] + 1)
        return weigh_pair(codes[a], codes[b], value, sizes[a] + 1, sizes[b] + 1)

    return _fill_pairs(sizes, table, np.empty((q, q), dtype=np.int64))


def fixed_point(values: NDArray[np.float64], scale: float) -> NDArray[np.int64]:
    """Non-negative `values` in units of ``1 / scale``."""
    out = np.empty(len(values), dtype=np.int64)
    for_each(lambda r: to_fixed_point(values, scale, *r, out), row_blocks(len(out), BLOCK_ROWS))
    return out


def object_shares(codes: NDArray, sizes: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """``1 / d_x`` of every object, shape (n,): d_x = row sum of ``B = H diag(w)``."""
    out = np.empty(codes.shape[1])
    offsets, table = padded_offsets(sizes), pad_table(weights, sizes)
    for_each(lambda r: inverse_degrees(codes, offsets, table, *r, out), row_blocks(len(out), BLOCK_ROWS))
    return out


def largest_share(codes, multiplicity, *, sizes, weights) -> float:
    """Largest ``s_x / d_x`` of the objects of a part."""
    shares = object_shares(codes, sizes, weights)
    return float((shares if multiplicity is None else shares * multiplicity).max(initial=0.0))


def graph_units(codes, multiplicity, *, sizes, weights, scale) -> NDArray[np.int64]:
    """Sum of ``s_x / d_x`` over the objects of a part in both clusters, (q, q) in units of 1 / scale."""
    shares = object_shares(codes, sizes, weights)
    if multiplicity is not None:
        shares *= multiplicity
    return cluster_overlap(codes, sizes, fixed_point(shares, scale))


def reduced_graph(codes: NDArray, sizes: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted reduced graph ``E = B^T D_X^-1 B`` of ``B = H diag(w)``, shape (q, q), float64, symmetric.

    E_ij = w_i w_j * sum of 1 / d_x over the objects x in both clusters.
    """
    return reduced_graph_of(LocalParts(codes.T), [codes], sizes, weights)


def reduced_graph_of(
    parts: Any,
    codes: list,
    sizes: NDArray[np.int64],
    weights: NDArray[np.float64],
    multiplicity: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """The same of the codes of all parts, object x counted ``multiplicity[x]`` times."""
    cut = split(parts, multiplicity)
    largest = max(parts.collect(parts.map(largest_share, codes, cut, sizes=sizes, weights=weights)))
    scale = fixed_point_scale(n_rows(parts) * largest)
    units = total(parts, graph_units, codes, cut, sizes=sizes, weights=weights, scale=scale)
    return graph_from_units(units, scale, weights)


def graph_from_units(units: NDArray[np.int64], scale: float, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """``E_ij = w_i w_j * units_ij / scale``, shape (q, q)."""
    graph = units / scale
    graph *= weights[:, None]
    graph *= weights
    return graph


def embedding_table(
    sizes: NDArray[np.int64], weights: NDArray[np.float64], vectors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The table of :func:`embed_codes`, shape (q + M, c + 1 rounded up to a multiple of LANES)."""
    width = -(-(vectors.shape[1] + 1) // LANES) * LANES
    table = np.zeros((len(weights), width))
    table[:, 0] = weights
    table[:, 1 : vectors.shape[1] + 1] = weights[:, None] * vectors
    return pad_table(table, sizes)


class CodesEmbedding:
    """Unit rows of ``F = D_X^-1 B V`` for ``B = H diag(w)``, for :func:`~._discretise.discretise`.

    Parameters
    ----------
    sizes : ndarray of shape (M,), int64
        Clusters per clustering.
    weights : ndarray of shape (q,), float64
        w.
    vectors : ndarray of shape (q, c), float64
        V.
    """

    def __init__(self, sizes: NDArray[np.int64], weights: NDArray[np.float64], vectors: NDArray[np.float64]):
        self.offsets = padded_offsets(sizes)
        self.table = embedding_table(sizes, weights, vectors)
        self.n_columns = vectors.shape[1]

    def length(self, codes: NDArray) -> int:
        """Number of objects of a part."""
        return codes.shape[1]

    def __call__(self, codes: NDArray, start: int, stop: int) -> NDArray[np.float64]:
        """Embedding of objects start .. stop - 1 of `codes` (M, n)."""
        out = np.empty((stop - start, self.n_columns))
        embed_codes(codes, self.offsets, self.table, start, stop, out)
        return out

    def rows(self, codes: NDArray, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Embedding of the given objects."""
        return self(codes[:, rows], 0, len(rows))


def object_embedding(
    codes: NDArray, sizes: NDArray[np.int64], weights: NDArray[np.float64], vectors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Unit rows of ``F = D_X^-1 B V`` for ``B = H diag(w)``, shape (n, c), float64."""
    out = np.empty((codes.shape[1], vectors.shape[1]))
    embed = CodesEmbedding(sizes, weights, vectors)
    blocks = row_blocks(len(out), BLOCK_ROWS)
    for_each(lambda r: embed_codes(codes, embed.offsets, embed.table, *r, out[r[0] : r[1]]), blocks)
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
