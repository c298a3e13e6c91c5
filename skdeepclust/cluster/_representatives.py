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
from ._principal_axes import N_AXES, principal_axes
from ._rows import read_rows, scale_to_unit

SAMPLE_FACTOR = 10
KMEANS_ITERATIONS = 10
MAX_FEATURES = 128  # above, k-means of the sample sees the leading principal components only
LANES = 64
BLOCK_ROWS = 512


@kernel
def best_product(products, centre_norm, label):
    """Index of the smallest ``centre_norm - 2 products`` of each row; products (n, p) float32, norms padded.

    The values are laid out in lines of LANES, whose columns are compared in vector registers; the best column then
    holds the best value. `centre_norm` is infinite beyond p.
    """
    n, p = products.shape
    flat = np.empty(centre_norm.shape[0], dtype=np.float32)
    flat[:] = np.float32(np.inf)
    lines = flat.shape[0] // LANES
    table = flat.reshape(lines, LANES)
    minima = np.empty(LANES, dtype=np.float32)
    for i in range(n):
        for j in range(p):
            flat[j] = centre_norm[j] - np.float32(2.0) * products[i, j]
        minima[:] = np.float32(np.inf)
        for line in range(lines):
            for lane in range(LANES):
                here = table[line, lane]
                minima[lane] = here if here < minima[lane] else minima[lane]
        column = 0
        for lane in range(1, LANES):
            if minima[lane] < minima[column]:
                column = lane
        row = 0
        for line in range(lines):
            if table[line, column] == minima[column]:
                row = line
                break
        label[i] = min(row * LANES + column, p - 1)


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
    Rows of more than MAX_FEATURES features are assigned by their leading principal components, which is where most of
    their distances lie, and the centres are the means of the full rows.

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
        rows, reduced = points.astype(np.float32), centres.astype(np.float32)
        project = sample.shape[1] > MAX_FEATURES and len(sample) > 4 * N_AXES and bool(np.isfinite(rows.sum()))
        if project:
            axes = principal_axes(rows, N_AXES)
            rows, reduced = rows @ axes, reduced @ axes
        label = np.zeros(len(points), dtype=np.int32)
        for step in range(n_iter):
            norm = np.full(-(-len(reduced) // LANES) * LANES, np.inf, dtype=np.float32)
            norm[: len(reduced)] = np.einsum("ij,ij->i", reduced, reduced, dtype=np.float64)
            far = np.ascontiguousarray(reduced.T)

            def assign(block, far=far, norm=norm):
                first, last = block
                best_product(rows[first:last] @ far, norm, label[first:last])

            for_each(assign, row_blocks(len(rows), BLOCK_ROWS))
            if step < n_iter - 1:
                move_centres(rows, weights, label, reduced)
        move_centres(points, weights, label, centres)
        return np.ascontiguousarray(centres + middle, dtype=sample.dtype)


def move_centres(points: NDArray, weights: NDArray[np.float64], label: NDArray, centres: NDArray) -> None:
    """Put every centre, in place, at the weighted mean of its rows; one without rows stays."""
    sums, mass = np.zeros(centres.shape), np.zeros(len(centres))
    add_rows(points, weights, label, sums, mass)
    filled = mass > 0
    centres[filled] = sums[filled] / mass[filled, None]


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
