# SPDX-License-Identifier: BSD-3-Clause
"""Reading rows of a data set: contiguous blocks of floats out of arrays of any type, memory maps and dask arrays."""

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from ..consensus._jit import kernel
from ..consensus._parts import check_dask_array, check_finite, is_dask_array


@kernel
def scale_to_unit(points):
    """Divide every row by its norm, in place; zero rows stay."""
    for i in range(points.shape[0]):
        total = 0.0
        for c in range(points.shape[1]):
            total += np.float64(points[i, c]) * np.float64(points[i, c])
        if total > 0.0:
            norm = math.sqrt(total)
            for c in range(points.shape[1]):
                points[i, c] = points[i, c] / norm


def working_dtype(X: NDArray) -> type:
    """float64 for float64 and wide integers, float32 for everything that float32 holds exactly."""
    return np.float32 if np.can_cast(X.dtype, np.float32) else np.float64


def read_rows(X: NDArray, rows, dtype, unit: bool = False) -> NDArray:
    """Rows of `X` (a slice or indices) as a contiguous float array; of a memory map only these rows are read.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    rows : slice or ndarray of indices
        Which rows.
    dtype : type
        float32 or float64.
    unit : bool, default=False
        Scale the rows to unit length (cosine metric).

    Raises
    ------
    ValueError
        If a value is not finite; arrays are checked beforehand, the chunks of a dask array when they are read.
    """
    block = np.array(X[rows], dtype=dtype, order="C")
    check_finite(block)
    if unit:
        scale_to_unit(block)
    return block


def validate_table(estimator, X, *, reset):
    """Check `X` like scikit-learn; a dask array is checked as far as its metadata go and left lazy.

    Parameters
    ----------
    estimator : estimator
        Receives ``n_features_in_`` (and feature names) with ``reset=True``, is asked for them otherwise.
    X : array-like or dask.array.Array of shape (n_samples, n_features)
        Data.
    reset : bool
        Whether this is ``fit``.

    Returns
    -------
    X : ndarray or dask.array.Array
    """
    if not is_dask_array(X):
        return validate_data(estimator, X, reset=reset, dtype="numeric", ensure_min_samples=2 if reset else 1)
    return check_dask_array(estimator, X, reset=reset)
