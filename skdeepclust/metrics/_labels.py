# SPDX-License-Identifier: BSD-3-Clause
"""Turn labels of any kind into codes 0, 1, ..., and count how two labelings meet."""

import numpy as np
import numpy.typing as npt


def label_codes(name: str, labels: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Number the distinct values of a one-dimensional array of labels.

    Parameters
    ----------
    name : str
        What to call the array in an error message.
    labels : array-like of shape (n_samples,)
        Labels of one sortable type: integers (negative ones too), strings, booleans ...

    Returns
    -------
    ndarray of shape (n_samples,)
        The position of every label among the sorted distinct labels.
    """
    values = np.asarray(labels)
    if values.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, one label per sample; got shape {values.shape}.")
    if len(values) == 0:
        raise ValueError(f"{name} is empty; at least one label is needed.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinity; give every sample a label or leave the sample out.")
    try:
        return np.unique(values, return_inverse=True)[1]
    except TypeError as error:
        raise TypeError(f"{name} mixes labels that cannot be sorted ({error}); use one type for all.") from error


def contingency(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    """Count the samples of every pair of codes: the table of shape (max(rows) + 1, max(columns) + 1)."""
    n_rows, n_columns = int(rows.max()) + 1, int(columns.max()) + 1
    counts = np.bincount(rows * n_columns + columns, minlength=n_rows * n_columns)
    return counts.reshape(n_rows, n_columns).astype(np.int64)
