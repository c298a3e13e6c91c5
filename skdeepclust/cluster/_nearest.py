# SPDX-License-Identifier: BSD-3-Clause
"""The K nearest representatives of every object, exactly, and each row's independently of the others.

The U-SPEC paper (IEEE TKDE 32(6), 2020, section 3.1.2) finds them approximately: the nearest of sqrt(p) groups of
representatives, the nearest representative in it, the best of that one's 10 K neighbours. Its own ablation rates
exact neighbours as good or better. Two exact ways are used:

* few features: from a representative near the row (the nearest of sqrt(p) scattered ones, then downhill over
  neighbours) its neighbours are tried in the order of their distance to it. By the triangle inequality no
  further one can be among the K nearest once that distance exceeds the sum of the row's distances to the
  representative and to the K-th best so far. A few dozen distances instead of p;
* more features: a matrix product in float32 gives lower bounds of all distances; centres are measured in float64 in
  the order of their bounds until the next bound exceeds the K-th distance. Where leading principal axes of the
  representatives hold most of their spread, the product runs over those alone, and the bound adds what the parts
  of row and centre beyond the axes must differ at least, ``(|x'| - |r'|)^2``. The bounds take off the largest
  possible rounding error, so that the result is exact and does not depend on how the product was computed.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..consensus._jit import kernel, one_thread, summing_kernel
from ._principal_axes import N_AXES, principal_axes

PRODUCT_ROWS = 512  # a table of that many rows of products stays near the second cache level
LIST_ROWS = 8192
SPARE_CANDIDATES = 11
LANES = 64
MAX_LIST_FEATURES = 3  # above, one matrix product is faster than lists of neighbours
LIST_LENGTH = 256
DESCENT_NEIGHBOURS = 9
MAX_FEATURES = 128  # above, products run over principal axes
MIN_SHARE = 0.7  # of the spread of the representatives that they must hold
MARGIN = 1.0 + 1e-6  # covers the rounding of the lengths that are compared


@summing_kernel
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
def best_products(bounds, names):
    """Names (n, c) of the c smallest entries of each row of `bounds` (n, p) float32, ascending; all are finite.

    The values are laid out in lines of LANES; the c-th smallest of the minima over each column of that table is a
    bound that only c values and a few more pass, and just those are sorted. Indices that count from 0 keep the
    loops in vector registers.
    """
    n, p = bounds.shape
    c = names.shape[1]
    rough = np.empty(c, dtype=np.float32)
    lanes = max(LANES, 2 * c)
    lines = -(-p // lanes)
    flat = np.empty(lines * lanes, dtype=np.float32)
    flat[:] = np.float32(np.inf)
    table = flat.reshape(lines, lanes)
    minima = np.empty(lanes, dtype=np.float32)
    least = np.empty(c, dtype=np.float32)
    for i in range(n):
        for j in range(p):
            flat[j] = bounds[i, j]
        minima[:] = np.float32(np.inf)
        for line in range(lines):
            for lane in range(lanes):
                here = table[line, lane]
                minima[lane] = here if here < minima[lane] else minima[lane]
        for t in range(c):
            least[t] = np.float32(np.inf)
            names[i, t] = p
            rough[t] = np.float32(np.inf)
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
                if here <= limit and here < rough[c - 1]:
                    t = c - 1
                    while t > 0 and rough[t - 1] > here:
                        rough[t] = rough[t - 1]
                        names[i, t] = names[i, t - 1]
                        t -= 1
                    rough[t] = here
                    names[i, t] = line * lanes + lane


@kernel
def lower_bounds(products, norm, residual, row_residual, out):
    """``norm_j - 2 products_ij + (residual_j - row_residual_i)^2``, (n, p) float32, in place of the products."""
    for i in range(products.shape[0]):
        own = row_residual[i]
        for j in range(products.shape[1]):
            gap = residual[j] - own
            out[i, j] = norm[j] - np.float32(2.0) * products[i, j] + gap * gap


@kernel
def nearest_by_bounds(points, centres, bounds, shift, names, index, distance):
    """Exact K nearest centres of all rows by lower bounds of their squared distances.

    ``bounds[i, j] + shift[i]`` is at most the squared distance of row i and centre j; ``names[i]`` are the centres
    with the smallest bounds, ascending. They are measured in turn while the next one may be nearer than the K-th so
    far; if all of them were, every other centre whose bound allows it is measured as well. With a shift of minus
    infinity all centres are.

    points : (n, d); centres : (p, d), same float type; bounds : (n, p) float32; shift : (n,) float64; names : (n, c)
    int32; index : (n, K) int32 and distance : (n, K) float64 are written: squared, ascending, ties by index.
    """
    p = centres.shape[0]
    k = index.shape[1]
    n_names = names.shape[1]
    for i in range(points.shape[0]):
        nearest, measured = index[i], distance[i]
        nearest[:] = p
        measured[:] = np.inf
        proved = False
        if shift[i] > -np.inf:
            for s in range(n_names):
                j = names[i, s]
                if np.float64(bounds[i, j]) + shift[i] > measured[k - 1]:
                    proved = True
                    break
                insert_sorted(measured, nearest, squared_distance(points, i, centres, j, measured[k - 1]), j)
        if proved or (n_names == p and shift[i] > -np.inf):
            continue
        limit = measured[k - 1]
        nearest[:] = p
        measured[:] = np.inf
        for j in range(p):
            if not np.float64(bounds[i, j]) + shift[i] > limit:
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

    def nearest(self, points: NDArray, centres: NDArray, index: NDArray[np.int32], distance: NDArray) -> None:
        """K nearest of `centres` of `points` into `index` and `distance` (n, K)."""
        nearest_by_lists(points, centres, self.scattered, self.order, self.reach, index, distance)


def neighbour_lists(representatives: NDArray) -> NeighbourLists:
    """:class:`NeighbourLists` of some representatives."""
    p = len(representatives)
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


@dataclass(frozen=True)
class ProductSearch:
    """What a search by matrix products needs of the representatives.

    Attributes
    ----------
    middle : ndarray of shape (d,), float64
        Origin of everything below, the mean of the representatives: rounding errors grow with distance from it.
    axes : ndarray of shape (d, r), float64, or None
        Orthonormal axes of the product; None for all features.
    reduced : ndarray of shape (r, p), float32
        Coordinates of the representatives.
    norm : ndarray of shape (p,), float32
        Their squared lengths.
    residual : ndarray of shape (p,), float32
        Lengths of their parts beyond the axes.
    reach : float
        Largest distance of a representative from the middle.
    """

    middle: NDArray[np.float64]
    axes: NDArray[np.float64] | None
    reduced: NDArray[np.float32]
    norm: NDArray[np.float32]
    residual: NDArray[np.float32]
    reach: float

    def nearest(self, points: NDArray, centres: NDArray, index: NDArray[np.int32], distance: NDArray) -> None:
        """K nearest of `centres` of a block of `points` into `index` and `distance` (n, K)."""
        p = len(centres)
        names = np.empty((len(points), min(index.shape[1] + SPARE_CANDIDATES, p)), dtype=np.int32)
        with np.errstate(over="ignore", invalid="ignore"):  # values beyond float32 prove nothing and are measured
            if self.axes is None:  # in float32 where the data are: what is lost is a share of the length
                rows = points - self.middle.astype(points.dtype)
                length = np.einsum("ij,ij->i", rows, rows).astype(np.float64)
                row_residual = np.zeros(len(rows), dtype=np.float32)
            else:
                rows = points - self.middle
                length = np.einsum("ij,ij->i", rows, rows)
                rows = rows @ self.axes
                row_residual = _rest(length, np.einsum("ij,ij->i", rows, rows))
            bounds = rows.astype(np.float32, copy=False) @ self.reduced
            lower_bounds(bounds, self.norm, self.residual, row_residual, bounds)
            # |x|^2 within the axes is what the bounds lack; rounding errors are at most this share of (|x| + |r|)^2
            slack = 4 * (len(self.reduced) + 8) * np.finfo(np.float32).eps * (np.sqrt(length) + self.reach) ** 2
            shift = length - row_residual.astype(np.float64) ** 2 - slack
            finite = np.isfinite(shift) & np.isfinite(slack) & (slack < 1e37) & np.isfinite(self.reach)
        shift[~finite] = -np.inf
        bounds[~finite] = 0.0
        best_products(bounds, names)
        nearest_by_bounds(points, centres, bounds, shift, names, index, distance)


def _rest(whole, part):
    """Length of what is left of a vector: ``sqrt(whole - part)`` of squared lengths, float32."""
    return np.sqrt(np.maximum(whole - part, 0.0)).astype(np.float32)


def product_search(representatives: NDArray) -> ProductSearch:
    """:class:`ProductSearch` for some representatives, along their principal axes where those hold their spread."""
    with np.errstate(over="ignore", invalid="ignore"):
        middle = representatives.mean(axis=0, dtype=np.float64)
        middle = middle.astype(representatives.dtype).astype(np.float64)  # so that rows can be shifted in their type
        centres = representatives - middle
        length = np.einsum("ij,ij->i", centres, centres)
        axes, reduced, residual = None, centres, np.zeros(len(centres), dtype=np.float32)
        if centres.shape[1] > MAX_FEATURES and len(centres) > 2 * N_AXES and np.isfinite(length.sum()):
            axes = np.linalg.qr(principal_axes(centres.astype(np.float32), N_AXES).astype(np.float64))[0]
            part = centres @ axes
            within = np.einsum("ij,ij->i", part, part)
            if within.sum() > MIN_SHARE * length.sum():
                reduced, residual = part, _rest(length, within)
            else:
                axes = None
        norm = np.einsum("ij,ij->i", reduced, reduced).astype(np.float32)
        columns = np.ascontiguousarray(reduced.T, dtype=np.float32)
        return ProductSearch(middle, axes, columns, norm, residual, float(np.sqrt(length.max())))


def make_search(representatives: NDArray) -> NeighbourLists | ProductSearch:
    """The faster way to search in these representatives."""
    if representatives.shape[1] <= MAX_LIST_FEATURES:
        return neighbour_lists(representatives)
    with one_thread():
        return product_search(representatives)


def nearest_representatives(
    points: NDArray, representatives: NDArray, n_neighbors: int, search: NeighbourLists | ProductSearch
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Exact `n_neighbors` nearest representatives of a block of rows, on the calling thread.

    Parameters
    ----------
    points : ndarray of shape (n, d), float32 or float64
        A block of rows; a table (n, p) of float32 products may be made of it at once.
    representatives : ndarray of shape (p, d), same type
        Representatives.
    n_neighbors : int
        K, at most p.
    search : NeighbourLists or ProductSearch
        From :func:`make_search`.

    Returns
    -------
    index : ndarray of shape (n, K), int32
        Nearest first; equal distances in the order of the index.
    distance : ndarray of shape (n, K), float64
        Squared distances.
    """
    index = np.empty((len(points), n_neighbors), dtype=np.int32)
    distance = np.empty((len(points), n_neighbors))
    search.nearest(points, representatives, index, distance)
    return index, distance
