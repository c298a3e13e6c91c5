# SPDX-License-Identifier: BSD-3-Clause
"""Representatives of a data set and the affinity of objects to the nearest of them (first half of U-SPEC).

Source: D. Huang, C.-D. Wang, J.-S. Wu, J.-H. Lai, C.-K. Kwoh, "Ultra-scalable spectral clustering and ensemble
clustering", IEEE TKDE 32(6), 2020, section 3.1. The paper finds the K nearest representatives approximately;
here they are exact, which its own ablation (table of section 4.6) rates as good or better.
"""

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from ..consensus._discretise import kmeans_centres
from ..consensus._jit import for_each, kernel, row_blocks

BLOCK_ROWS = 4096
SAMPLE_FACTOR = 10
KMEANS_ITERATIONS = 10
SPARE_CANDIDATES = 11


@kernel
def squared_distance(points, i, centres, j, limit):
    """``sum_c (points[i, c] - centres[j, c])^2`` in float64; may stop early once it is above `limit`."""
    total = 0.0
    n_features = points.shape[1]
    for first in range(0, n_features, 32):
        for c in range(first, min(first + 32, n_features)):
            difference = np.float64(points[i, c]) - np.float64(centres[j, c])
            total += difference * difference
        if total > limit:
            break
    return total


@kernel
def insert_sorted(distance, index, value, name):
    """Insert (value, name) into ascending `distance`, `index`, dropping the last; ties stay in order of name."""
    k = distance.shape[0]
    if value > distance[k - 1] or (value == distance[k - 1] and name > index[k - 1]):
        return
    s = k - 1
    while s > 0 and (distance[s - 1] > value or (distance[s - 1] == value and index[s - 1] > name)):
        distance[s] = distance[s - 1]
        index[s] = index[s - 1]
        s -= 1
    distance[s] = value
    index[s] = name


@kernel
def nearest_from_products(points, centres, products, point_norm, centre_norm, slack, start, stop, index, distance):
    """Exact K nearest centres of rows start .. stop - 1, from approximate inner products.

    ``centre_norm - 2 products`` ranks the centres up to rounding. The best K + 11 are measured again with
    :func:`squared_distance`. If even the next centre, at its most favourable rounding (`slack`), could not be
    among the K nearest, the answer is proved; otherwise all centres are measured. So the result depends on the
    row alone, not on how the products were computed or what else was in their block.

    Parameters
    ----------
    points : (n, d); centres : (p, d), same float type
    products : (n, p) float32, of points and centres both shifted by the mean of the centres
    point_norm : (n,) float64; centre_norm : (p,) float32, squared norms after the shift
    slack : (n,) float64, bound on the rounding error of a squared distance from `products`
    index : (n, K) int32, distance : (n, K) float64, written; squared distances, ascending, ties by index
    """
    p = centres.shape[0]
    k = index.shape[1]
    n_candidates = min(k + SPARE_CANDIDATES, p)
    rough = np.empty(n_candidates, dtype=np.float32)
    name = np.empty(n_candidates, dtype=np.int32)
    for i in range(start, stop):
        rough[:] = np.inf
        name[:] = p
        for j in range(p):
            value = centre_norm[j] - np.float32(2.0) * products[i, j]
            if value < rough[n_candidates - 1]:
                insert_sorted(rough, name, value, np.int32(j))
        distance[i, :] = np.inf
        index[i, :] = p
        for s in range(n_candidates):
            if name[s] < p:
                exact = squared_distance(points, i, centres, name[s], distance[i, k - 1])
                insert_sorted(distance[i], index[i], exact, name[s])
        proved = distance[i, k - 1] < np.float64(rough[n_candidates - 1]) + point_norm[i] - slack[i]
        if n_candidates < p and not proved:
            distance[i, :] = np.inf
            index[i, :] = p
            for j in range(p):
                exact = squared_distance(points, i, centres, j, distance[i, k - 1])
                insert_sorted(distance[i], index[i], exact, np.int32(j))


@kernel
def nearest_by_scan(points, centres, start, stop, index, distance):
    """Exact K nearest centres of rows start .. stop - 1 by measuring all of them."""
    k = index.shape[1]
    for i in range(start, stop):
        distance[i, :] = np.inf
        index[i, :] = centres.shape[0]
        for j in range(centres.shape[0]):
            exact = squared_distance(points, i, centres, j, distance[i, k - 1])
            insert_sorted(distance[i], index[i], exact, np.int32(j))


@kernel
def gaussian_affinity(distance, bandwidth, out):
    """``exp(-d^2 / (2 bandwidth^2))`` of squared distances, float32; an underflow becomes machine epsilon."""
    for i in range(distance.shape[0]):
        for s in range(distance.shape[1]):
            value = np.float32(math.exp(-distance[i, s] / (2.0 * bandwidth * bandwidth)) if bandwidth > 0.0 else 1.0)
            out[i, s] = value if value > 0.0 else np.float32(2.0**-52)


@kernel
def cosine_affinity(distance, out):
    """``1 - d^2 / 2`` of squared distances between unit vectors, float32, at least machine epsilon."""
    for i in range(distance.shape[0]):
        for s in range(distance.shape[1]):
            out[i, s] = np.float32(max(1.0 - 0.5 * distance[i, s], 2.0**-52))


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
    """Rows of `X` (a slice or indices) as a contiguous float array; of a memory map only these rows are read."""
    block = np.array(X[rows], dtype=dtype, order="C")
    if unit:
        scale_to_unit(block)
    return block


def choose_representatives(X: NDArray, n_representatives: int, seed: int, dtype, unit: bool = False) -> NDArray:
    """Hybrid selection: p k-means centres of a random sample of 10 p rows; distinct, at most p.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    n_representatives : int
        p; at most n are taken.
    seed : int
        Seed of sample and initial centres.
    dtype : type
        float32 or float64.
    unit : bool, default=False
        Scale rows and representatives to unit length (cosine metric).

    Returns
    -------
    representatives : ndarray of shape (at most p, d)
    """
    rng = check_random_state(seed)
    p = min(n_representatives, X.shape[0])
    chosen = np.sort(rng.choice(X.shape[0], min(SAMPLE_FACTOR * p, X.shape[0]), replace=False))
    sample = read_rows(X, chosen, dtype, unit)
    if len(sample) > p:
        start = sample[rng.choice(len(sample), p, replace=False)]
        sample, _ = kmeans_centres(sample, p, None, 1, KMEANS_ITERATIONS, rng.randint(2**31 - 1), init=start)
        sample = np.ascontiguousarray(sample, dtype=dtype)
        if unit:
            scale_to_unit(sample)
    return np.unique(sample, axis=0)


def nearest_representatives(
    points: NDArray, representatives: NDArray, n_neighbors: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Exact `n_neighbors` nearest representatives of a block of rows.

    Parameters
    ----------
    points : ndarray of shape (n, d), float32 or float64
    representatives : ndarray of shape (p, d), same type
    n_neighbors : int
        K, at most p.

    Returns
    -------
    index : ndarray of shape (n, K), int32
        Nearest first; equal distances in the order of the index.
    distance : ndarray of shape (n, K), float64
        Squared distances.
    """
    n, d = points.shape
    index = np.empty((n, n_neighbors), dtype=np.int32)
    distance = np.empty((n, n_neighbors))
    if d <= 4:
        for_each(
            lambda r: nearest_by_scan(points, representatives, *r, index, distance), row_blocks(n, BLOCK_ROWS // 8)
        )
        return index, distance
    middle = representatives.mean(axis=0, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # values beyond float32 end in the full scan
        near = (points - middle).astype(np.float32)
        centred = (representatives - middle).astype(np.float32)
        products = near @ centred.T
        point_norm = np.einsum("ij,ij->i", near, near, dtype=np.float64)
        centre_norm = np.einsum("ij,ij->i", centred, centred, dtype=np.float64)
        reach = np.sqrt(point_norm) + math.sqrt(centre_norm.max())
        slack = (d + 8) * float(np.finfo(np.float32).eps) * reach**2
        centre_norm = centre_norm.astype(np.float32)

    def block(rows):
        nearest_from_products(points, representatives, products, point_norm, centre_norm, slack, *rows, index, distance)

    for_each(block, row_blocks(n, BLOCK_ROWS // 8))
    return index, distance
