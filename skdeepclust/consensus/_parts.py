# SPDX-License-Identifier: BSD-3-Clause
"""Rows in parts: an array in this process is one part, a dask array has one part per chunk of rows.

A step of an algorithm is a function of one part that returns either what stays with the part (codes, tables of
neighbours) or a small statistic that is summed over the parts. The same functions serve both kinds, and since all
statistics are sums of integers (:mod:`._exact_sums`), both give the same result to the last bit.
"""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

FAN_IN = 4  # arrays added up at a time


class LocalParts:
    """One part: rows that this process holds or maps into memory.

    Parameters
    ----------
    rows : ndarray of shape (n, ...)
        The rows.

    Attributes
    ----------
    lengths : list of int
        Rows of each part.
    data : list
        The parts themselves.
    """

    def __init__(self, rows: Any):
        self.lengths = [len(rows)]
        self.data = [rows]

    def map(self, function: Callable, *states: list, **fixed: Any) -> list:
        """``function(part state, ..., **fixed)`` for every part; results stay where the part is."""
        return [function(*part, **fixed) for part in zip(*states, strict=True)]

    def update(self, function: Callable, states: list, **fixed: Any) -> list:
        """The same for a function that writes into the state of the part."""
        return self.map(function, states, **fixed)

    def total(self, function: Callable, *states: list, **fixed: Any) -> Any:
        """Sum over the parts of the arrays ``function(part state, ..., **fixed)``."""
        (result,) = self.map(function, *states, **fixed)
        return result

    def collect(self, states: list) -> list:
        """The results themselves, in the order of the parts."""
        return states

    def split(self, values: NDArray) -> list:
        """A per-row array cut like the parts."""
        return [values]


class DaskParts:
    """Chunks of rows of a dask array; the work runs on whatever dask scheduler is active.

    Parameters
    ----------
    rows : dask.array.Array of shape (n, d)
        Chunks along the second axis are joined, chunks without rows left out.
    """

    def __init__(self, rows: Any):
        rows = rows.rechunk({1: -1})
        chunks = [(int(n), chunk) for n, chunk in zip(rows.chunks[0], rows.to_delayed().reshape(-1), strict=True) if n]
        self.lengths = [n for n, _ in chunks]
        self.data = [chunk for _, chunk in chunks]
        self._sent: list = []

    def map(self, function: Callable, *states: list, **fixed: Any) -> list:
        """``function(part state, ..., **fixed)`` for every part; results stay on the workers."""
        import dask

        return list(dask.persist(*self._calls(function, *states, **fixed)))

    def update(self, function: Callable, states: list, **fixed: Any) -> list:
        """The same for a function that writes into the state of the part: into a copy, as a task may run again."""
        return self.map(on_copy, states, step=function, **fixed)

    def total(self, function: Callable, *states: list, **fixed: Any) -> Any:
        """Sum over the parts of the arrays ``function(part state, ..., **fixed)``, a few at a time on the workers."""
        import dask

        terms, add = self._calls(function, *states, **fixed), dask.delayed(add_up, pure=False)
        while len(terms) > 1:
            terms = [add(*terms[i : i + FAN_IN]) for i in range(0, len(terms), FAN_IN)]
        return dask.compute(*terms)[0]

    def collect(self, states: list) -> list:
        """The results themselves, in the order of the parts."""
        import dask

        return list(dask.compute(*states))

    def split(self, values: NDArray) -> list:
        """A per-row array cut like the parts: each piece is sent once and on its own, no graph holds all of them."""
        import dask

        for known, pieces in self._sent:
            if known is values:
                return pieces
        cut = np.split(values, np.cumsum(self.lengths)[:-1])
        pieces = [dask.delayed(piece, traverse=False).persist() for piece in cut]
        self._sent.append((values, pieces))
        return pieces

    def _calls(self, function: Callable, *states: list, **fixed: Any) -> list:
        """Delayed calls for all parts; what they share is one task, which each worker receives once."""
        import dask

        sent = {name: dask.delayed(value, traverse=False) for name, value in fixed.items()}
        call = dask.delayed(function, pure=False, traverse=False)
        return [call(*part, **sent) for part in zip(*states, strict=True)]


def on_copy(state: Any, *, step: Callable, **fixed: Any) -> Any:
    """``step(copy of the state, **fixed)``."""
    return step(copy.deepcopy(state), **fixed)


def add_up(*terms: NDArray) -> NDArray:
    """Sum of arrays."""
    return sum(terms[1:], start=terms[0])


def is_dask_array(X: Any) -> bool:
    """Whether `X` is a dask array, without importing dask."""
    return type(X).__module__.split(".")[0] == "dask" and hasattr(X, "rechunk") and hasattr(X, "chunks")


def parts_of(X: Any) -> Any:
    """`X` as :class:`LocalParts` or :class:`DaskParts`."""
    return DaskParts(X) if is_dask_array(X) else LocalParts(X)


def n_rows(parts: Any) -> int:
    """Rows of all parts."""
    return sum(parts.lengths)


def total(parts: Any, function: Callable, *states: list, **fixed: Any) -> Any:
    """Sum over the parts of the arrays ``function(part state, ..., **fixed)``."""
    return parts.total(function, *states, **fixed)


def split(parts: Any, values: NDArray | None) -> list:
    """A per-row array cut like the parts; None for each part where there is none."""
    return [None] * len(parts.lengths) if values is None else parts.split(values)


def take(parts: Any, function: Callable, rows: NDArray[np.int64], *states: list, **fixed: Any) -> NDArray:
    """``function(part state, ..., local rows, **fixed)`` for the ascending global `rows`, put together again."""
    edges = np.concatenate([[0], np.cumsum(parts.lengths)])
    cuts = np.searchsorted(rows, edges)
    local = [rows[cuts[i] : cuts[i + 1]] - edges[i] for i in range(len(parts.lengths))]
    return np.concatenate(parts.collect(parts.map(function, *states, local, **fixed)))


def sample_rows(n: int, size: int, seed: int) -> NDArray[np.int64]:
    """`size` of n row numbers without replacement, ascending; all of them if there are no more."""
    if size >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, size, replace=False, shuffle=False))


def map_rows(X: Any, function: Callable, dtype: type, n_columns: int | None = None) -> Any:
    """``function(X)``, row by row: at once for an array, lazily and chunk by chunk for a dask array.

    Parameters
    ----------
    X : ndarray or dask.array.Array of shape (n, d)
        Rows.
    function : callable
        From (m, d) to (m,), or to (m, n_columns).
    dtype : type
        Of its result.
    n_columns : int, optional
        Width of the result; None for one number per row.

    Returns
    -------
    ndarray or dask.array.Array of shape (n,) or (n, n_columns)
    """
    if not is_dask_array(X):
        return function(X)
    import dask

    X = X.rechunk({1: -1})
    empty: NDArray = np.empty((0,) if n_columns is None else (0, n_columns), dtype=dtype)
    axes = {"drop_axis": 1} if n_columns is None else {"chunks": (X.chunks[0], (n_columns,))}
    # As a task of its own the function, which holds the model, is sent once to each worker and not with every chunk.
    sent = dask.delayed(function, traverse=False)
    return X.map_blocks(on_chunk, function=sent, empty=empty, dtype=dtype, meta=empty, **axes)


def on_chunk(chunk: NDArray, *, function: Callable, empty: NDArray) -> NDArray:
    """``function(chunk)``, or `empty` for a chunk without rows.

    Raises
    ------
    ValueError
        If a value is not finite.
    """
    check_finite(chunk)
    return function(chunk) if len(chunk) else empty


def check_finite(rows: NDArray) -> None:
    """Check a block of rows, which the metadata of a dask array say nothing about.

    Raises
    ------
    ValueError
        If a value is not finite.
    """
    if rows.dtype.kind == "f" and not math.isfinite(rows.sum(dtype=np.float64)) and not np.isfinite(rows).all():
        raise ValueError("X contains NaN or infinity. Replace or drop the rows concerned.")


def check_dask_array(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Check a dask array as far as its metadata go, like scikit-learn's ``validate_data`` an array; it stays lazy.

    Parameters
    ----------
    estimator : estimator
        Receives ``n_features_in_`` with ``reset=True``, is asked for it otherwise.
    X : dask.array.Array
        Rows.
    reset : bool
        Whether this is ``fit``.

    Returns
    -------
    X : dask.array.Array of shape (n, d)

    Raises
    ------
    ValueError
        If X is not a table of numbers of known size, or does not fit the estimator.
    """
    name = type(estimator).__name__
    if X.ndim != 2:
        raise ValueError(f"{name} expects a dask array of two dimensions; got {X.ndim}. Reshape it to one row each.")
    if any(math.isnan(length) for lengths in X.chunks for length in lengths):
        raise ValueError(f"{name} got a dask array with unknown chunk lengths; call X.compute_chunk_sizes() first.")
    if X.dtype.kind not in "biuf":
        raise ValueError(f"{name} expects numbers; got a dask array of {X.dtype}. Convert it with X.astype(float).")
    if reset:
        if X.shape[0] < 2 or X.shape[1] < 1:
            raise ValueError(f"{name} needs at least 2 samples and 1 feature; got a dask array of shape {X.shape}.")
        estimator.n_features_in_ = int(X.shape[1])
        vars(estimator).pop("feature_names_in_", None)
    elif X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {name} is expecting {estimator.n_features_in_} features as input."
        )
    return X
