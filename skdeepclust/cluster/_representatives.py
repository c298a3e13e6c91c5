# SPDX-License-Identifier: BSD-3-Clause
"""Hybrid selection of representatives: k-means centres of a random sample.

Source: D. Huang, C.-D. Wang, J.-S. Wu, J.-H. Lai, C.-K. Kwoh, "Ultra-scalable spectral clustering and ensemble
clustering", IEEE TKDE 32(6), 2020, section 3.1.1: a sample of 10 p rows, p random ones of it as initial centres, ten
iterations of Lloyd's algorithm.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..consensus._discretise import distinct_points
from ..consensus._jit import for_each, kernel, one_thread, row_blocks
from ..consensus._parts import n_rows, sample_rows, take
from ._rows import read_rows, scale_to_unit

SAMPLE_FACTOR = 10
KMEANS_ITERATIONS = 10
BLOCK_ROWS = 512


@kernel
def best_product(products, centre_norm, label):
    """Index of the smallest ``centre_norm - 2 products`` of each row; products (n, p) float32."""
    for i in range(products.shape[0]):
        best, name = np.float32(np.inf), 0
        for j in range(products.shape[1]):
            here = centre_norm[j] - np.float32(2.0) * products[i, j]
            if here < best:
                best, name = here, j
        label[i] = name


@kernel
def add_rows(points, weights, label, sums, mass):
    """Add ``weights[i] * points[i]`` to ``sums[label[i]]`` (p, d) and the weight to `mass` (p,), in float64."""
    for i in range(points.shape[0]):
        row = sums[label[i]]
        for c in range(points.shape[1]):
            row[c] += weights[i] * points[i, c]
        mass[label[i]] += weights[i]


def lloyd_centres(sample: NDArray, weights: NDArray[np.float64], start: NDArray, n_iter: int) -> NDArray:
    """Centres after `n_iter` iterations of weighted k-means from `start`; an empty one stays where it is.

    The distances are one matrix product in float32 per block of rows: representatives need not be exact optima.

    Parameters
    ----------
    sample : ndarray of shape (m, d), float32 or float64
    weights : ndarray of shape (m,)
    start : ndarray of shape (p, d)
    n_iter : int

    Returns
    -------
    centres : ndarray of shape (p, d), type of `sample`
    """
    middle = sample.mean(axis=0, dtype=np.float64).astype(sample.dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32: centres stay near their start
        points, centres = sample - middle, start - middle
        rows = points.astype(np.float32)
        label = np.zeros(len(points), dtype=np.int32)
        for _ in range(n_iter):
            far = centres.astype(np.float32).T
            norm = np.einsum("ij,ij->j", far, far, dtype=np.float64).astype(np.float32)

            def assign(block, far=far, norm=norm):
                first, last = block
                best_product(rows[first:last] @ far, norm, label[first:last])

            for_each(assign, row_blocks(len(rows), BLOCK_ROWS))
            sums, mass = np.zeros(centres.shape), np.zeros(len(centres))
            add_rows(points, weights, label, sums, mass)
            filled = mass > 0
            centres[filled] = (sums[filled] / mass[filled, None]).astype(sample.dtype)
        return np.ascontiguousarray(centres + middle, dtype=sample.dtype)


def read_at(X, rows, *, dtype, unit):
    """Rows of a part."""
    return read_rows(X, rows, dtype, unit)


def weighted_rows(weights: NDArray[np.float64], size: int, seed: int) -> NDArray[np.int64]:
    """`size` row numbers without replacement, chance in proportion to the weights (Efraimidis and Spirakis 2006)."""
    with np.errstate(divide="ignore"):
        keys = np.log(np.random.default_rng(seed).random(len(weights))) / weights
    keys[weights == 0] = -np.inf
    return np.sort(np.argpartition(-keys, size - 1)[:size])


def choose_representatives(
    parts: Any,
    n_representatives: int,
    seed: int,
    dtype: type,
    unit: bool = False,
    weights: NDArray[np.float64] | None = None,
) -> NDArray:
    """Hybrid selection: p k-means centres of a random sample of 10 p rows; distinct, at most p.

    Where the sample is the whole data, equal rows are taken together and the order of the rows does not matter.

    Parameters
    ----------
    parts : LocalParts or DaskParts of arrays of shape (n, d)
        Data.
    n_representatives : int
        p; at most n are taken.
    seed : int
        Seed of sample and initial centres.
    dtype : type
        float32 or float64.
    unit : bool, default=False
        Scale rows and representatives to unit length (cosine metric).
    weights : ndarray of shape (n,), optional
        Weights of the rows.

    Returns
    -------
    representatives : ndarray of shape (at most p, d)
    """
    n = n_rows(parts) if weights is None else int(np.count_nonzero(weights))
    size = min(SAMPLE_FACTOR * min(n_representatives, n), n)
    if weights is None:
        chosen = sample_rows(n, size, seed)
    else:
        chosen = np.flatnonzero(weights) if size == n else weighted_rows(weights, size, seed)
    sample = take(parts, read_at, chosen, parts.data, dtype=dtype, unit=unit)
    if size == n:
        sample, mass = distinct_points(sample.astype(np.float64), None if weights is None else weights[chosen])
        sample = sample.astype(dtype)
    else:
        mass = np.ones(len(sample))  # the chance of being chosen was the weight
    if len(sample) > n_representatives:
        start = sample[np.random.default_rng([seed, 1]).choice(len(sample), n_representatives, replace=False)]
        with one_thread():
            sample = lloyd_centres(sample, mass, start, KMEANS_ITERATIONS)
        if unit:
            scale_to_unit(sample)
    return np.unique(sample, axis=0)
