# SPDX-License-Identifier: BSD-3-Clause
"""Label matrices: what counts as a label, compact codes, and the numbering of clusters."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support._warnings import FallbackWarning
from ._jit import kernel
from ._parts import check_finite, split

MISSING = -1
N_BINS = 10


@kernel
def lookup_codes(column, low, table, unknown, out):
    """``out[i] = table[column[i] - low]``, or `unknown` outside the table."""
    for i in range(column.shape[0]):
        j = column[i] - low
        out[i] = table[j] if 0 <= j < table.shape[0] else unknown


@dataclass(frozen=True)
class LabelCoder:
    """The labels of each column seen in ``fit``, and how a label matrix becomes codes.

    Attributes
    ----------
    values : tuple of M ndarrays
        Sorted distinct labels of each column, without -1.
    edges : tuple of M (ndarray or None)
        For a column of non-whole numbers the inner bin edges; its labels are then the bin numbers.
    """

    values: tuple
    edges: tuple

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of clusters of each column, shape (M,)."""
        return np.array([len(v) for v in self.values], dtype=np.int64)

    def encode(self, base_labels: NDArray) -> NDArray:
        """Codes, shape (M, n), in the smallest unsigned type that holds the largest column.

        Entry 0 .. k_m - 1 is the position of the label in ``values[m]``; k_m stands for -1 and for a label that
        ``fit`` has not seen.
        """
        dtype = np.min_scalar_type(int(self.sizes.max()))
        codes = np.empty((len(self.values), len(base_labels)), dtype=dtype)
        for m, (values, edges) in enumerate(zip(self.values, self.edges, strict=True)):
            column = _whole_column(base_labels[:, m], edges)
            low, span = int(values[0]), int(values[-1]) - int(values[0]) + 1
            if span <= max(4 * len(column), 65536):
                table = np.full(span, len(values), dtype=dtype)
                table[values - low] = np.arange(len(values), dtype=dtype)
                lookup_codes(column, low, table, dtype.type(len(values)), codes[m])
            else:
                place = np.minimum(np.searchsorted(values, column), len(values) - 1)
                codes[m] = np.where(values[place] == column, place, len(values))
        return codes

    def extended(self, base_labels: NDArray) -> tuple["LabelCoder", NDArray[np.int64]]:
        """A coder that knows the labels of more rows too, and the new number of every cluster known before.

        Returns
        -------
        coder : LabelCoder
        place : ndarray of shape (q before,), int64
            Numbers run over the clusters of all columns, column by column, by ascending label.
        """
        values, place, start = [], [], 0
        for m, (known, edges) in enumerate(zip(self.values, self.edges, strict=True)):
            found = _unique_labels(_whole_column(base_labels[:, m], edges))
            merged = np.union1d(known, found[found != MISSING] if edges is None else found)
            place.append(start + np.searchsorted(merged, known))
            values.append(merged)
            start += len(merged)
        return LabelCoder(tuple(values), self.edges), np.concatenate(place)


def _whole_column(column, edges):
    """One column as contiguous int64 labels; `edges` cut a column of non-whole numbers into bins."""
    if edges is not None:
        return np.searchsorted(edges, column, side="left").astype(np.int64)
    if column.dtype.kind == "f":  # a non-whole number is no known label
        column = np.where(column == np.floor(column), column, MISSING)
    return np.ascontiguousarray(column, dtype=np.int64)


def _bin_edges(column, weights):
    """Inner quantile edges of a column of non-whole numbers, None for a column of labels."""
    if column.dtype.kind != "f" or np.array_equal(column, np.floor(column)):
        return None
    steps = np.linspace(0, 1, N_BINS + 1)[1:-1]
    return np.unique(np.quantile(column, steps, method="inverted_cdf", weights=weights))


def code_labels(base_labels: NDArray, weights: NDArray | None = None) -> tuple[LabelCoder, NDArray]:
    """Learn the labels of a matrix and code it.

    Parameters
    ----------
    base_labels : ndarray of shape (n, M)
        One column per base clustering; any whole numbers, -1 = missing. A column of non-whole numbers is cut
        into at most 10 quantile bins, with a :class:`FallbackWarning`.
    weights : ndarray of shape (n,), optional
        Weights of the rows; one of weight 0 teaches nothing.

    Returns
    -------
    coder : LabelCoder
    codes : ndarray of shape (M, n), unsigned integers

    Raises
    ------
    ValueError
        If no column has two clusters.
    """
    given = base_labels
    if weights is not None:
        base_labels, weights = base_labels[weights > 0], weights[weights > 0]
    edges = tuple(_bin_edges(base_labels[:, m], weights) for m in range(base_labels.shape[1]))
    binned = [m for m, e in enumerate(edges) if e is not None]
    if binned:
        warnings.warn(
            f"base_labels has non-whole numbers in {len(binned)} of {len(edges)} columns (first: column "
            f"{binned[0]}), which are not labels; each of them was cut into at most {N_BINS} quantile bins. "
            "Pass integer labels, for instance from BaseClusterings, to avoid this.",
            FallbackWarning,
            stacklevel=3,
        )
    values = []
    for m, e in enumerate(edges):
        found = _unique_labels(_whole_column(base_labels[:, m], e))
        values.append(found if e is not None else found[found != MISSING])
    coder = _coder(values, edges)
    return coder, coder.encode(given)


def code_label_parts(parts: Any, weights: NDArray | None = None) -> tuple[LabelCoder, list]:
    """The same for a dask array of whole numbers: labels are gathered from all chunks, codes stay with the chunks."""
    found = parts.collect(parts.map(label_values, parts.data, split(parts, weights)))
    values = []
    for columns in zip(*found, strict=True):
        labels = np.unique(np.concatenate(columns))
        values.append(labels[labels != MISSING])
    coder = _coder(values, (None,) * len(values))
    return coder, parts.map(encode_part, parts.data, coder=coder)


def label_values(base_labels: NDArray, weights: NDArray | None = None) -> list:
    """Distinct labels of every column of a part, -1 included; a row of weight 0 teaches nothing."""
    check_finite(base_labels)
    if weights is not None:
        base_labels = base_labels[weights > 0]
    if base_labels.dtype.kind == "f" and not np.array_equal(base_labels, np.floor(base_labels)):
        raise ValueError("A dask array of base labels must hold whole numbers; convert it with X.astype(int).")
    return [_unique_labels(_whole_column(base_labels[:, m], None)) for m in range(base_labels.shape[1])]


def encode_part(base_labels: NDArray, *, coder: LabelCoder) -> NDArray:
    """Codes of a part."""
    return coder.encode(base_labels)


def _unique_labels(column):
    """Sorted distinct values of int64 labels; without sorting them all where they span a small range."""
    if len(column) == 0:
        return column
    low, high = int(column.min()), int(column.max())
    if high - low <= max(4 * len(column), 65536):
        return np.flatnonzero(np.bincount(column - low, minlength=1)) + low
    return np.unique(column)


def _coder(values, edges):
    """Check that there is something to combine, and make the coder."""
    if max(len(v) for v in values) == 0:
        raise ValueError(
            "base_labels holds no label at all: every entry is -1 (missing). Pass at least one column that "
            "assigns objects to two or more clusters."
        )
    if max(len(v) for v in values) < 2:
        raise ValueError(
            "base_labels has no column with two clusters, so there is nothing to combine. Pass at least one "
            "base clustering with two or more clusters."
        )
    # A column without any label takes part with one cluster that nobody is in; it has weight, but no members.
    values = [v if len(v) else np.array([0], dtype=np.int64) for v in values]
    return LabelCoder(tuple(values), edges)


def has_label(codes: NDArray, sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each object has a label in at least one clustering, shape (n,)."""
    out = np.zeros(codes.shape[1], dtype=bool)
    for row, size in zip(codes, sizes, strict=True):
        out |= row != size
    return out


def order_by_size(labels: NDArray, n_clusters: int, weights: NDArray | None = None) -> NDArray[np.int64]:
    """Clusters in the order of their final numbers: largest first, ties by first occurrence, empty ones left out.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Values 0 .. n_clusters - 1.
    weights : ndarray of shape (n,), optional
        Multiplicity of each entry; default 1.

    Returns
    -------
    order : ndarray of shape (number of non-empty clusters,), int64
        ``order[new number] = old number``.
    """
    size = np.bincount(labels, weights=weights, minlength=n_clusters)
    found, place = np.unique(labels, return_index=True)
    first = np.full(n_clusters, len(labels))
    first[found] = place
    order = np.lexsort((first, -size))
    return order[np.isin(order, found)].astype(np.int64)


def number_by_size(labels: NDArray, n_clusters: int) -> NDArray[np.int32]:
    """Labels (n,) with values 0 .. n_clusters - 1, numbered anew as :func:`order_by_size` says, without gaps."""
    order = order_by_size(labels, n_clusters)
    number = np.zeros(n_clusters, dtype=np.int32)
    number[order] = np.arange(len(order))
    return number[labels]
