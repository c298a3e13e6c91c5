# SPDX-License-Identifier: BSD-3-Clause
"""The table of nearest representatives of a part of the rows: affinities, reduced graph, embedding, labels.

A row of the affinity B has exactly K entries, so it is held as two arrays (n, K), the indices in the smallest type
and the affinities in float32, 6 K bytes per object; CSR would take twice as much. The tables of all parts make one
graph: everything summed over objects is an integer (:mod:`skdeepclust.consensus._exact_sums`).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..consensus._exact_sums import float_bins, times_integer
from ..consensus._jit import finite_kernel, for_each, kernel, n_threads, one_thread, row_blocks, summing_kernel
from ..consensus._spectrum import GRAPH_BITS
from ._nearest import LIST_ROWS, PRODUCT_ROWS, ProductSearch, nearest_representatives
from ._rows import read_rows

TABLE_ROWS = 65536
LANES = 16  # float32 per vector register
SMALLEST = np.float32(2.0**-52)  # in place of an affinity that underflows


@dataclass(frozen=True)
class Table:
    """Nearest representatives of the rows of a part.

    Attributes
    ----------
    index : ndarray of shape (n, K), smallest unsigned type
        Representatives, nearest first.
    value : ndarray of shape (n, K), float32
        Squared distances at first, then affinities, in place.
    """

    index: NDArray
    value: NDArray[np.float32]


@kernel
def gaussian_affinity(value, bandwidth, start, stop):
    """``exp(-d^2 / (2 bandwidth^2))`` in place of squared distances; an underflow becomes machine epsilon."""
    for i in range(start, stop):
        for s in range(value.shape[1]):
            squared = np.float64(value[i, s])
            here = np.float32(math.exp(-squared / (2.0 * bandwidth * bandwidth)) if bandwidth > 0.0 else 1.0)
            value[i, s] = here if here > 0.0 else np.float32(2.0**-52)


@kernel
def local_affinity(value, start, stop):
    """The same with a bandwidth of its own for each row, the mean of its K distances."""
    for i in range(start, stop):
        bandwidth = 0.0
        for s in range(value.shape[1]):
            bandwidth += math.sqrt(np.float64(value[i, s]))
        bandwidth /= value.shape[1]
        gaussian_affinity(value, bandwidth, i, i + 1)


@kernel
def cosine_affinity(value, start, stop):
    """``1 - d^2 / 2`` in place of squared distances between unit vectors, at least machine epsilon."""
    for i in range(start, stop):
        for s in range(value.shape[1]):
            value[i, s] = np.float32(max(1.0 - 0.5 * np.float64(value[i, s]), 2.0**-52))


@kernel
def largest_entries(index, value, start, stop, largest):
    """Largest affinity of each representative, (p,) float64."""
    for i in range(start, stop):
        for s in range(index.shape[1]):
            if value[i, s] > largest[index[i, s]]:
                largest[index[i, s]] = value[i, s]


@kernel
def count_entries(index, weights, start, stop, count):
    """Weight of the rows that name each representative, (p,) float64."""
    for i in range(start, stop):
        for s in range(index.shape[1]):
            count[index[i, s]] += weights[i] if weights.shape[0] > 0 else 1.0


@kernel
def add_rows_to_graph(index, value, weights, column_scale, bits, start, stop, out):
    """Add ``C B^T D_X^-1 diag(w) B C`` of rows start .. stop - 1 to the lower triangle of `out`, int64.

    In units of 2^-bits; C = diag(column_scale) keeps every entry below 1.
    """
    k = index.shape[1]
    scaled = np.empty(k)
    for i in range(start, stop):
        degree = 0.0
        for s in range(k):
            degree += value[i, s]
            scaled[s] = value[i, s] * column_scale[index[i, s]]
        share = 2.0**bits / degree
        weighted = weights.shape[0] > 0
        for s in range(k):
            here, part = np.int64(index[i, s]), scaled[s] * share
            for t in range(s + 1):
                other = np.int64(index[i, t])
                unit = np.int64(part * scaled[t] + 0.5)
                if weighted:
                    unit = times_integer(unit, part * scaled[t], weights[i])
                out[max(here, other), min(here, other)] += unit


@kernel
def embed_table(index, value, vectors, rows, out):
    """Unit rows of ``D_X^-1 B V``: out (len(rows), c) float64."""
    n_columns = vectors.shape[1]
    for i in range(rows.shape[0]):
        row = out[i]
        row[:] = 0.0
        for s in range(index.shape[1]):
            here = np.float64(value[rows[i], s])
            for c in range(n_columns):
                row[c] += here * vectors[index[rows[i], s], c]
        norm = 0.0
        for c in range(n_columns):
            norm += row[c] * row[c]
        norm = math.sqrt(norm) + 1e-300
        for c in range(n_columns):
            row[c] /= norm


@summing_kernel
def squared_norm(row):
    """Sum of squares of a float32 row, in vector registers."""
    total = np.float32(0.0)
    for c in range(row.shape[0]):
        total += row[c] * row[c]
    return total


@finite_kernel
def largest_of(row):
    """Largest entry of a float32 row, in vector registers."""
    best = row[0]
    for j in range(1, row.shape[0]):
        best = max(best, row[j])
    return best


@kernel
def score_table(index, value, i, vectors, projected, half_norm, embedded, score):
    """``score_j = f . c_j - |c_j|^2 / 2`` of row i for its unit embedding f; the largest is the nearest centre.

    vectors : (p, c padded) float32, V; projected : (p, k padded) float32, V C^T: ``f . c_j`` is a sum of K rows of
    it, K k operations in place of c k. half_norm : (k padded,) float32, infinite beyond k. `embedded` and `score`
    are scratch; returns the distance scale 1 / |f|.
    """
    embedded[:] = np.float32(0.0)
    score[:] = np.float32(0.0)
    for s in range(index.shape[1]):
        here, row, column = value[i, s], vectors[index[i, s]], projected[index[i, s]]
        for c in range(embedded.shape[0]):
            embedded[c] += here * row[c]
        for j in range(score.shape[0]):
            score[j] += here * column[j]
    norm = squared_norm(embedded)
    scale = np.float32(1.0) / math.sqrt(norm) if norm > 0.0 else np.float32(0.0)
    for j in range(score.shape[0]):
        score[j] = score[j] * scale - half_norm[j]


@kernel
def label_table(index, value, vectors, projected, half_norm, start, stop, label):
    """Nearest centre of rows start .. stop - 1; ties go to the first."""
    embedded = np.empty(vectors.shape[1], dtype=np.float32)
    score = np.empty(projected.shape[1], dtype=np.float32)
    for i in range(start, stop):
        score_table(index, value, i, vectors, projected, half_norm, embedded, score)
        best, j = largest_of(score), 0
        while score[j] < best:
            j += 1
        label[i] = j


@kernel
def membership_table(index, value, vectors, projected, half_norm, rank, spread, start, stop, out):
    """``out[i, rank[j]] = exp(-|f_i - c_j|^2 / spread) / sum``, the label's share made strictly the largest."""
    embedded = np.empty(vectors.shape[1], dtype=np.float32)
    score = np.empty(projected.shape[1], dtype=np.float32)
    n_clusters = out.shape[1]
    for i in range(start, stop):
        score_table(index, value, i, vectors, projected, half_norm, embedded, score)
        best, winner = largest_of(score), 0
        while score[winner] < best:
            winner += 1
        total = 0.0
        for j in range(n_clusters):  # |f - c|^2 = 1 - 2 score
            share = math.exp(2.0 * (np.float64(score[j]) - np.float64(best)) / spread)
            out[i, rank[j]] = share
            total += share
        top = rank[winner]
        for j in range(n_clusters):
            out[i, j] /= total
        for j in range(n_clusters):
            if j != top and out[i, j] >= out[i, top]:
                out[i, top] = np.nextafter(out[i, j], 2.0)


def find_neighbours(X, *, representatives, n_neighbors, unit, search) -> Table:
    """Table of the squared distances to the K nearest representatives of the rows of a part."""
    index = np.empty((len(X), n_neighbors), dtype=np.min_scalar_type(len(representatives) - 1))
    value = np.empty((len(X), n_neighbors), dtype=np.float32)

    def block(rows):
        part = slice(*rows)
        points = read_rows(X, part, representatives.dtype, unit)
        index[part], value[part] = nearest_representatives(points, representatives, n_neighbors, search)

    with one_thread(), np.errstate(over="ignore"):  # a squared distance beyond float32 is infinite
        for_each(block, row_blocks(len(X), PRODUCT_ROWS if isinstance(search, ProductSearch) else LIST_ROWS))
    return Table(index, np.minimum(value, np.finfo(np.float32).max, out=value))


def distance_bins(table: Table, weights) -> NDArray[np.int64]:
    """The sum of all distances (times the weights of their rows), exactly; see :func:`float_bins`."""

    def bins(start, stop):
        lengths = np.sqrt(table.value[start:stop]).astype(np.float64)  # 24 bits: times a whole weight they stay exact
        return float_bins(lengths if weights is None else lengths * weights[start:stop, None])

    return sum(bins(*rows) for rows in row_blocks(len(table.value), TABLE_ROWS * 4))


def to_affinity(table: Table, *, metric, bandwidth) -> Table:
    """Turn squared distances into affinities, in place; `bandwidth` is None for one of each row's own."""

    def block(rows):
        if metric == "cosine":
            cosine_affinity(table.value, *rows)
        elif bandwidth is None:
            local_affinity(table.value, *rows)
        else:
            gaussian_affinity(table.value, bandwidth, *rows)

    for_each(block, row_blocks(len(table.value), TABLE_ROWS))
    return table


def column_counts(table: Table, weights, *, n_columns) -> NDArray[np.float64]:
    """Number (weight) of the rows that name each representative, (p,)."""
    count = np.zeros(n_columns)
    count_entries(table.index, np.empty(0) if weights is None else weights, 0, len(table.index), count)
    return count


def column_maxima(table: Table, *, n_columns) -> NDArray[np.float64]:
    """Largest affinity of each representative, (p,)."""
    largest = np.zeros(n_columns)
    largest_entries(table.index, table.value, 0, len(table.index), largest)
    return largest


def rename(table: Table, *, place) -> Table:
    """The same table after representatives have changed their numbers to ``place[old]``."""
    for i, j in row_blocks(len(table.index), TABLE_ROWS):
        table.index[i:j] = place[table.index[i:j]]
    return table


def graph_units(table: Table, weights, *, column_scale) -> NDArray[np.int64]:
    """``C B^T D_X^-1 B C`` of a part, lower triangle (p, p) in units of 2^-GRAPH_BITS."""
    mass = np.empty(0) if weights is None else weights
    blocks = row_blocks(len(table.index), TABLE_ROWS)
    groups = [blocks[g :: n_threads()] for g in range(min(n_threads(), len(blocks)))]
    p = len(column_scale)
    out = [np.zeros((p, p), dtype=np.int64) for _ in groups]

    def work(g):
        for rows in groups[g]:
            add_rows_to_graph(table.index, table.value, mass, column_scale, GRAPH_BITS, *rows, out[g])

    for_each(work, range(len(groups)))
    for other in out[1:]:
        out[0] += other
    return out[0]


class TableEmbedding:
    """Unit rows of ``F = D_X^-1 B V`` of tables, for :func:`skdeepclust.consensus._discretise.discretise`.

    Parameters
    ----------
    vectors : ndarray of shape (p, c), float64
        V.
    """

    def __init__(self, vectors: NDArray[np.float64]):
        self.vectors = vectors

    def length(self, table: Table) -> int:
        """Number of rows of a part."""
        return len(table.index)

    def __call__(self, table: Table, start: int, stop: int) -> NDArray[np.float64]:
        """Embedding of rows start .. stop - 1."""
        return self.rows(table, np.arange(start, stop))

    def rows(self, table: Table, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Embedding of the given rows."""
        out = np.empty((len(rows), self.vectors.shape[1]))
        embed_table(table.index, table.value, self.vectors, rows, out)
        return out


@dataclass(frozen=True)
class Scorer:
    """Nearest centre of embedded rows, ready for the kernels.

    Attributes
    ----------
    vectors, projected : ndarray of shape (p, padded), float32
        V and ``V C^T``.
    half_norm : ndarray of shape (padded,), float32
        ``|c_j|^2 / 2``, infinite in the padding.
    """

    vectors: NDArray[np.float32]
    projected: NDArray[np.float32]
    half_norm: NDArray[np.float32]

    def label(self, table: Table) -> NDArray[np.int32]:
        """Index of the nearest centre of every row of a part."""
        out = np.empty(len(table.index), dtype=np.int32)
        self.label_into(table, out)
        return out

    def label_into(self, table: Table, out: NDArray) -> None:
        """The same, into an array of any integer type."""
        arguments = (table.index, table.value, self.vectors, self.projected, self.half_norm)
        for_each(lambda r: label_table(*arguments, *r, out), row_blocks(len(out), TABLE_ROWS // 4))

    def membership(self, table: Table, rank: NDArray[np.int64], spread: float) -> NDArray[np.float64]:
        """Shares (n, k): softmax of -squared distance / spread; argmax is the label."""
        out = np.empty((len(table.index), len(rank)))
        arguments = (table.index, table.value, self.vectors, self.projected, self.half_norm, rank, max(spread, 1e-12))
        for_each(lambda r: membership_table(*arguments, *r, out), row_blocks(len(out), TABLE_ROWS // 4))
        return out


def make_scorer(vectors: NDArray[np.float64], centres: NDArray[np.float64]) -> Scorer:
    """:class:`Scorer` for eigenvectors V (p, c) and centres (k, c)."""
    c, k = vectors.shape[1], len(centres)
    padded = np.zeros((len(vectors), -(-c // LANES) * LANES), dtype=np.float32)
    padded[:, :c] = vectors
    projected = np.zeros((len(vectors), -(-k // LANES) * LANES), dtype=np.float32)
    projected[:, :k] = vectors @ centres.T
    half_norm = np.full(projected.shape[1], np.inf, dtype=np.float32)
    half_norm[:k] = 0.5 * (centres**2).sum(axis=1)
    return Scorer(padded, projected, half_norm)
