# SPDX-License-Identifier: BSD-3-Clause
"""Representatives of a data set and the affinity of objects to the nearest of them (first half of U-SPEC).

Source: D. Huang, C.-D. Wang, J.-S. Wu, J.-H. Lai, C.-K. Kwoh, "Ultra-scalable spectral clustering and ensemble
clustering", IEEE TKDE 32(6), 2020, section 3.1. The paper finds the K nearest representatives approximately;
here they are exact, which its own ablation (table of section 4.6) rates as good or better.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from sklearn.utils import check_random_state

from ..consensus._discretise import kmeans_centres
from ..consensus._jit import for_each, kernel, row_blocks

BLOCK_ROWS = 4096
SAMPLE_FACTOR = 10
KMEANS_ITERATIONS = 10
SPARE_CANDIDATES = 11
MAX_TREE_FEATURES = 8  # above, one matrix product is faster than a k-d tree
THREAD_ROWS = 512


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
def best_products(products, centre_norm, start, stop, names, rough):
    """Centres with the smallest ``centre_norm - 2 products``, rows start .. stop - 1, ascending.

    products : (n, p) float32; centre_norm : (p,) float32; names (n, c) int32 and rough (n, c) float32 are written.
    """
    last = names.shape[1] - 1
    for i in range(start, stop):
        name, value = names[i], rough[i]
        name[:] = products.shape[1]
        value[:] = np.inf
        for j in range(products.shape[1]):
            here = centre_norm[j] - np.float32(2.0) * products[i, j]
            if here < value[last]:
                insert_sorted(value, name, here, np.int32(j))


@kernel
def nearest_of_candidates(points, centres, names, bound, start, stop, index, distance):
    """Exact K nearest centres of rows start .. stop - 1, given candidates found by an inexact method.

    The candidates ``names[i]`` (p = none) are measured with :func:`squared_distance`. If the K-th of them is
    nearer than ``bound[i]``, below which no other centre can be, the answer is proved; otherwise all centres are
    measured. So the result depends on the row alone, not on how the candidates were found.

    points : (n, d); centres : (p, d), same float type; names : (n, c) int32; bound : (n,) float64;
    index : (n, K) int32 and distance : (n, K) float64 are written: squared, ascending, ties by index.
    """
    p = centres.shape[0]
    k = index.shape[1]
    for i in range(start, stop):
        nearest, measured = index[i], distance[i]
        nearest[:] = p
        measured[:] = np.inf
        for s in range(names.shape[1]):
            if names[i, s] < p:
                exact = squared_distance(points, i, centres, names[i, s], measured[k - 1])
                insert_sorted(measured, nearest, exact, names[i, s])
        if not measured[k - 1] < bound[i]:
            nearest[:] = p
            measured[:] = np.inf
            for j in range(p):
                exact = squared_distance(points, i, centres, j, measured[k - 1])
                insert_sorted(measured, nearest, exact, np.int32(j))


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


def candidates_by_tree(points: NDArray, centres: NDArray, n_candidates: int) -> tuple[NDArray, NDArray]:
    """Candidates (n, c) int32 and the squared distance (n,) that no other centre can undercut, by a k-d tree."""
    tree = KDTree(centres.astype(np.float64))
    names = np.empty((len(points), n_candidates), dtype=np.int32)
    bound = np.empty(len(points))

    def block(rows):
        start, stop = rows
        reach, found = tree.query(points[start:stop].astype(np.float64), k=[*range(1, n_candidates + 1)])
        names[start:stop] = found
        bound[start:stop] = (reach[:, -1] * (1 - 1e-9)) ** 2

    with np.errstate(over="ignore", invalid="ignore"):
        for_each(block, row_blocks(len(points), THREAD_ROWS))
    return names, np.where(np.isfinite(bound), bound, -np.inf)


def candidates_by_products(points: NDArray, centres: NDArray, n_candidates: int) -> tuple[NDArray, NDArray]:
    """The same by one matrix product in float32, both sides shifted by the mean of the centres.

    The bound takes off the largest possible rounding error, ``(d + 8) eps (|x| + max |r|)^2``.
    """
    middle = centres.mean(axis=0, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # values beyond float32 prove nothing and are measured
        near, far = (points - middle).astype(np.float32), (centres - middle).astype(np.float32)
        products = near @ far.T
        point_norm = np.einsum("ij,ij->i", near, near, dtype=np.float64)
        centre_norm = np.einsum("ij,ij->i", far, far, dtype=np.float64)
        reach = np.sqrt(point_norm) + math.sqrt(centre_norm.max())
        slack = (points.shape[1] + 8) * float(np.finfo(np.float32).eps) * reach**2
        centre_norm = centre_norm.astype(np.float32)
    names = np.empty((len(points), n_candidates), dtype=np.int32)
    rough = np.empty((len(points), n_candidates), dtype=np.float32)
    for_each(lambda r: best_products(products, centre_norm, *r, names, rough), row_blocks(len(points), THREAD_ROWS))
    bound = rough[:, -1] + point_norm - slack
    return names, np.where(np.isfinite(bound), bound, -np.inf)


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
    n, p = len(points), len(representatives)
    index = np.empty((n, n_neighbors), dtype=np.int32)
    distance = np.empty((n, n_neighbors))
    n_candidates = min(n_neighbors + SPARE_CANDIDATES, p)
    find = candidates_by_tree if points.shape[1] <= MAX_TREE_FEATURES else candidates_by_products
    names, bound = find(points, representatives, n_candidates)

    def block(rows):
        nearest_of_candidates(points, representatives, names, bound, *rows, index, distance)

    for_each(block, row_blocks(n, THREAD_ROWS))
    return index, distance
