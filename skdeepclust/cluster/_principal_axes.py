# SPDX-License-Identifier: BSD-3-Clause
"""A few leading principal axes of many features, quickly: most of a distance lies along them."""

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

N_AXES = 64
MAX_ROWS = 1000


def principal_axes(sample: NDArray[np.float32], n_axes: int) -> NDArray[np.float32]:
    """Leading principal axes (d, n_axes) of centred rows, from the Gram matrix of at most MAX_ROWS of them.

    Parameters
    ----------
    sample : ndarray of shape (m, d)
        Finite rows, taken at equal steps where there are more than MAX_ROWS.
    n_axes : int
        Number of axes, less than m and d.
    """
    some = sample[:: -(-len(sample) // MAX_ROWS)]
    m = len(some)
    values, vectors = scipy.linalg.eigh(some @ some.T, subset_by_index=(m - n_axes, m - 1), check_finite=False)
    return (some.T @ (vectors / np.sqrt(np.maximum(values, np.finfo(np.float32).tiny)))).astype(np.float32)
