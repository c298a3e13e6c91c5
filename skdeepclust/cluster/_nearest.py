# SPDX-License-Identifier: BSD-3-Clause
"""The K nearest representatives of every object, exactly, and each row's independently of the others.

The U-SPEC paper (IEEE TKDE 32(6), 2020, section 3.1.2) finds them approximately: the nearest of sqrt(p) groups of
representatives, the nearest representative in it, the best of that one's 10 K neighbours. Its own ablation rates
exact neighbours as good or better. Two exact ways are used:

* few features: from a representative near the row (the nearest of sqrt(p) scattered ones, then downhill over
  neighbours) its neighbours are tried in the order of their distance to it. By the triangle inequality no
  further one can be among the K nearest once that distance exceeds the sum of the row's distances to the
  representative and to the K-th best so far. A few dozen distances instead of p;
* many features: candidates from a matrix product in float32, measured in float64 and proved by a bound on the
  rounding error; where the proof fails, all p are measured.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from ..consensus._jit import CACHE, kernel

PRODUCT_ROWS = 512  # a table of that many rows of products stays near the second cache level
LIST_ROWS = 8192
SPARE_CANDIDATES = 11
LANES = 64
MAX_LIST_FEATURES = 3  # above, one matrix product is faster than lists of neighbours
LIST_LENGTH = 256
DESCENT_NEIGHBOURS = 9
MARGIN = 1.0 + 1e-6  # covers the rounding of the lengths that are compared


@numba.njit(nogil=True, cache=CACHE, error_model="numpy", fastmath={"reassoc", "contract"})
def partial_distance(points, i, centres, j, first, last):
    """``sum_c (points[i, c] - centres[j, c])^2`` over features first .. last - 1 in float64, in vector registers."""
    total = 0.0
    for c in range(first, last):
        difference = np.float64(points[i, c]) - np.float64(centres[j, c])
        total += difference * difference
    return total


@kernel
def squared_distance(points, i, centres, j, limit):
    """The same over all features; may stop early once it is above `limit`."""
    n_features = points.shape[1]
    if n_features <= 64:
        return partial_distance(points, i, centres, j, 0, n_features)
    total = 0.0
    for first in range(0, n_features, 64):
        total += partial_distance(points, i, centres, j, first, min(first + 64, n_features))
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
def best_products(products, centre_norm, names, rough):
    """Names and values (n, c) of the c smallest ``centre_norm - 2 products`` of each row, ascending; all are finite.

    The values are laid out in lines of LANES; the c-th smallest of the minima over each column of that table is a
    bound that only c values and a few more pass, and just those are sorted. Indices that count from 0 keep the
    loops in vector registers.
    """
    n, p = products.shape
    c = names.shape[1]
    lanes = max(LANES, 2 * c)
    lines = -(-p // lanes)
    flat = np.empty(lines * lanes, dtype=np.float32)
    flat[:] = np.float32(np.inf)
    table = flat.reshape(lines, lanes)
    minima = np.empty(lanes, dtype=np.float32)
    least = np.empty(c, dtype=np.float32)
    for i in range(n):
        for j in range(p):
            flat[j] = centre_norm[j] - np.float32(2.0) * products[i, j]
        minima[:] = np.float32(np.inf)
        for line in range(lines):
            for lane in range(lanes):
                here = table[line, lane]
                minima[lane] = here if here < minima[lane] else minima[lane]
        for t in range(c):
            least[t] = np.float32(np.inf)
            names[i, t] = p
            rough[i, t] = np.float32(np.inf)
        for lane in range(lanes):
            here = minima[lane]
            if here < least[c - 1]:
                t = c - 1
                while t > 0 and least[t - 1] > here:
                    least[t] = least[t - 1]
                    t -= 1
                least[t] = here
        limit = least[c - 1]
        for line in range(lines):
            hits = 0
            for lane in range(lanes):
                hits += np.int64(table[line, lane] <= limit)
            if hits == 0:
                continue
            for lane in range(lanes):
                here = table[line, lane]
                if here <= limit and here < rough[i, c - 1]:
                    t = c - 1
                    while t > 0 and rough[i, t - 1] > here:
                        rough[i, t] = rough[i, t - 1]
                        names[i, t] = names[i, t - 1]
                        t -= 1
                    rough[i, t] = here
                    names[i, t] = line * lanes + lane


@kernel
def nearest_of_candidates(points, centres, names, bound, index, distance):
    """Exact K nearest centres of all rows, given candidates found by an inexact method.

    The candidates ``names[i]`` (p = none) are measured with :func:`squared_distance` in turn, as long as the next
    one may be nearer than the K-th so far: its squared distance is at least ``bound[i, s]``, ascending, and that of
    a centre that is no candidate at least ``bound[i, -1]``. If the candidates do not suffice, all centres are
    measured. So the result depends on the row alone, not on how the candidates were found.

    points : (n, d); centres : (p, d), same float type; names : (n, c) int32; bound : (n, c) float64;
    index : (n, K) int32 and distance : (n, K) float64 are written: squared, ascending, ties by index.
    """
    p = centres.shape[0]
    k = index.shape[1]
    last = names.shape[1] - 1
    for i in range(points.shape[0]):
        nearest, measured = index[i], distance[i]
        nearest[:] = p
        measured[:] = np.inf
        for s in range(last + 1):
            if bound[i, s] > measured[k - 1]:
                break
            if names[i, s] < p:
                exact = squared_distance(points, i, centres, names[i, s], measured[k - 1])
                insert_sorted(measured, nearest, exact, names[i, s])
        if not measured[k - 1] < bound[i, last]:
            nearest[:] = p
            measured[:] = np.inf
            for j in range(p):
                exact = squared_distance(points, i, centres, j, measured[k - 1])
                insert_sorted(measured, nearest, exact, np.int32(j))


@kernel
def nearest_by_lists(points, centres, scattered, order, reach, index, distance):
    """Exact K nearest centres of all rows from lists of neighbours, see the module.

    points : (n, d); centres : (p, d); scattered : (z,) names of centres; order : (p, L) the neighbours of each
    centre by ascending distance, itself first; reach : (p, L) those distances; index (n, K) and distance (n, K)
    float64 are written: squared, ascending, ties by index.
    """
    p, length = order.shape
    k, d = index.shape[1], points.shape[1]
    for i in range(points.shape[0]):
        pivot, best = scattered[0], np.inf
        for s in range(scattered.shape[0]):
            here = partial_distance(points, i, centres, scattered[s], 0, d)
            if here < best:
                pivot, best = scattered[s], here
        moved = True
        while moved:
            moved = False
            previous = pivot
            for s in range(1, min(DESCENT_NEIGHBOURS, length)):
                here = partial_distance(points, i, centres, order[previous, s], 0, d)
                if here < best:
                    pivot, best = order[previous, s], here
                    moved = True
        nearest, measured = index[i], distance[i]
        nearest[:] = p
        measured[:] = np.inf
        to_pivot, limit, proved = math.sqrt(best), np.inf, length == p
        for s in range(length):
            if reach[pivot, s] > limit:
                proved = True
                break
            here = partial_distance(points, i, centres, order[pivot, s], 0, d)
            if here <= measured[k - 1]:
                insert_sorted(measured, nearest, here, order[pivot, s])
                limit = (to_pivot + math.sqrt(measured[k - 1])) * MARGIN
        if not proved:
            nearest[:] = p
            measured[:] = np.inf
            for j in range(p):
                insert_sorted(measured, nearest, squared_distance(points, i, centres, j, np.inf), np.int32(j))


@dataclass(frozen=True)
class NeighbourLists:
    """What :func:`nearest_by_lists` needs of the representatives.

    Attributes
    ----------
    scattered : ndarray of shape (about sqrt(p),), int32
        Representatives far from each other, chosen greedily.
    order : ndarray of shape (p, L), int32
        Neighbours of each by ascending distance, itself first.
    reach : ndarray of shape (p, L), float64
        Their distances.
    """

    scattered: NDArray[np.int32]
    order: NDArray[np.int32]
    reach: NDArray[np.float64]


def neighbour_lists(representatives: NDArray) -> NeighbourLists | None:
    """Lists of neighbours where they pay, None where a matrix product is faster."""
    p, d = representatives.shape
    if d > MAX_LIST_FEATURES:
        return None
    centres = representatives.astype(np.float64)
    length = min(p, LIST_LENGTH)
    order, reach = np.empty((p, length), dtype=np.int32), np.empty((p, length))
    with np.errstate(over="ignore", invalid="ignore"):
        for r in range(p):
            lengths = np.sqrt(((centres - centres[r]) ** 2).sum(axis=1))
            lengths[r] = -1.0
            found = np.argpartition(lengths, length - 1)[:length] if length < p else np.arange(p)
            found = found[np.argsort(lengths[found], kind="stable")]
            order[r], reach[r] = found, np.maximum(lengths[found], 0.0)
        scattered = [0]
        gap = ((centres - centres[0]) ** 2).sum(axis=1)
        for _ in range(min(p, math.isqrt(p)) - 1):
            scattered.append(int(np.argmax(gap)))
            gap = np.minimum(gap, ((centres - centres[scattered[-1]]) ** 2).sum(axis=1))
    return NeighbourLists(np.array(scattered, dtype=np.int32), order, reach)


def candidates_by_products(points: NDArray, centres: NDArray, n_candidates: int) -> tuple[NDArray, NDArray]:
    """Candidates (n, c) int32, and lower bounds (n, c) of their squared distances, ascending.

    No other centre can undercut the last bound. One matrix product in float32, both sides shifted by the mean of the
    centres; the bounds take off the largest possible rounding error, ``2 (d + 8) eps (|x| + max |r|)^2``.
    """
    middle = centres.mean(axis=0, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # values beyond float32 prove nothing and are measured
        middle = middle.astype(points.dtype)  # any shift will do
        near, far = (points - middle).astype(np.float32), (centres - middle).astype(np.float32)
        products = near @ far.T
        point_norm = np.einsum("ij,ij->i", near, near).astype(np.float64)
        centre_norm = np.einsum("ij,ij->i", far, far, dtype=np.float64)
        reach = np.sqrt(point_norm) + math.sqrt(centre_norm.max())
        slack = (points.shape[1] + 8) * float(np.finfo(np.float32).eps) * reach**2
        centre_norm = centre_norm.astype(np.float32)
    names = np.empty((len(points), n_candidates), dtype=np.int32)
    rough = np.empty((len(points), n_candidates), dtype=np.float32)
    if not np.isfinite(centre_norm).all():
        names[:] = len(centres)
        return names, np.full(names.shape, -np.inf)
    best_products(products, centre_norm, names, rough)
    bound = rough + (point_norm - 2 * slack)[:, None]
    return names, np.where(np.isfinite(bound), bound, -np.inf)


def nearest_representatives(
    points: NDArray, representatives: NDArray, n_neighbors: int, lists: NeighbourLists | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Exact `n_neighbors` nearest representatives of a block of rows, on the calling thread.

    Parameters
    ----------
    points : ndarray of shape (n, d), float32 or float64
        A block of rows; a table (n, p) of float32 products is made of it at once.
    representatives : ndarray of shape (p, d), same type
        Representatives.
    n_neighbors : int
        K, at most p.
    lists : NeighbourLists, optional
        From :func:`neighbour_lists`.

    Returns
    -------
    index : ndarray of shape (n, K), int32
        Nearest first; equal distances in the order of the index.
    distance : ndarray of shape (n, K), float64
        Squared distances.
    """
    index = np.empty((len(points), n_neighbors), dtype=np.int32)
    distance = np.empty((len(points), n_neighbors))
    if lists is not None:
        nearest_by_lists(points, representatives, lists.scattered, lists.order, lists.reach, index, distance)
    else:
        n_candidates = min(n_neighbors + SPARE_CANDIDATES, len(representatives))
        names, bound = candidates_by_products(points, representatives, n_candidates)
        nearest_of_candidates(points, representatives, names, bound, index, distance)
    return index, distance
