# SPDX-License-Identifier: BSD-3-Clause
"""The graph that joins objects to their nearest representatives, and clusterings cut from it.

One graph serves any number of clusterings: representatives, table of neighbours and eigenvectors are made once,
what remains of each clustering is a k-means in its leading eigenvectors and one pass over the table.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..consensus._discretise import distinct_points, kmeans_centres, nearest
from ..consensus._exact_sums import fixed_point_scale, sum_of_bins
from ..consensus._parts import n_rows, sample_rows, split, take, total
from ..consensus._spectrum import column_scales, graph_from_lower
from ._affinity import (
    Table,
    TableEmbedding,
    column_counts,
    column_maxima,
    distance_bins,
    find_neighbours,
    graph_units,
    make_scorer,
    rename,
    to_affinity,
)
from ._nearest import NeighbourLists, ProductSearch, make_search
from ._representatives import choose_representatives

MEMBER_ROWS = 20_000  # sample for the k-means of a base clustering


@dataclass(frozen=True)
class RepresentativeGraph:
    """What the affinity of a row to the representatives depends on.

    Attributes
    ----------
    representatives : ndarray of shape (p, d)
        Representatives in use.
    n_neighbors : int
        K.
    metric : {"euclidean", "cosine"}
        Metric.
    bandwidth : float or None
        sigma; None for one of each row's own.
    search : NeighbourLists or ProductSearch
        See :func:`~._nearest.make_search`.
    """

    representatives: NDArray
    n_neighbors: int
    metric: str
    bandwidth: float | None
    search: NeighbourLists | ProductSearch

    def table(self, X: NDArray) -> Table:
        """Affinities of the rows of `X` to their nearest representatives."""
        table = find_neighbours(
            X,
            representatives=self.representatives,
            n_neighbors=self.n_neighbors,
            unit=self.metric == "cosine",
            search=self.search,
        )
        return to_affinity(table, metric=self.metric, bandwidth=self.bandwidth)


def build_graph(
    parts: Any,
    *,
    n_representatives: int,
    n_neighbors: int,
    metric: str,
    bandwidth: str,
    dtype: type,
    seed: int,
    weights: NDArray[np.float64] | None = None,
) -> tuple[RepresentativeGraph, list, NDArray[np.float64], float]:
    """Steps 1 to 3 of U-SPEC, and the reduced graph of step 4.

    Parameters
    ----------
    parts : LocalParts or DaskParts of arrays (n, d)
        Data.
    n_representatives, n_neighbors : int
        p and K.
    metric : {"euclidean", "cosine"}
    bandwidth : {"global", "local"}
    dtype : type
        float32 or float64, of the representatives.
    seed : int
        Seed of the representatives.
    weights : ndarray of shape (n,), optional
        Weights of the rows.

    Returns
    -------
    graph : RepresentativeGraph
    tables : list
        Table of each part.
    E : ndarray of shape (p, p)
        ``B^T D_X^-1 B``.
    mean_distance : float
        Mean of all n K distances.
    """
    unit = metric == "cosine"
    representatives = choose_representatives(parts, n_representatives, seed, dtype, unit, weights)
    search = make_search(representatives)
    cut = split(parts, weights)
    n = n_rows(parts) if weights is None else float(weights.sum())
    while True:
        k = min(n_neighbors, len(representatives))
        tables = parts.map(
            find_neighbours, parts.data, representatives=representatives, n_neighbors=k, unit=unit, search=search
        )
        count = sum(parts.collect(parts.map(column_counts, tables, cut, n_columns=len(representatives))))
        used = count > 0  # a column sum of 0 cannot be divided by
        if used.all():
            break
        representatives, count = np.ascontiguousarray(representatives[used]), count[used]
        search = make_search(representatives)
        if weights is None:  # nobody named them, so that the neighbours stay the same
            tables = parts.update(rename, tables, place=np.maximum(np.cumsum(used) - 1, 0))
            break
    mean_distance = sum_of_bins(total(parts, distance_bins, tables, cut)) / (n * k)
    sigma = mean_distance if bandwidth == "global" and metric != "cosine" else None
    tables = parts.update(to_affinity, tables, metric=metric, bandwidth=sigma)
    largest = np.max(parts.collect(parts.map(column_maxima, tables, n_columns=len(representatives))), axis=0)
    scale = column_scales(np.ceil(count * (1 - 1e-9)), largest)
    units = total(parts, graph_units, tables, cut, column_scale=scale)
    graph = RepresentativeGraph(representatives, k, metric, sigma, search)
    return graph, tables, graph_from_lower(units, scale), mean_distance


def label_part(table: Table, weights, *, scorer, scale: float) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Index of the nearest centre of each row of a part, and the weight of each centre's rows, in fixed point."""
    label = scorer.label(table)
    k = int(np.isfinite(scorer.half_norm).sum())
    if weights is None:
        return label, np.bincount(label, minlength=k)
    mass = np.rint(weights * scale).astype(np.int64)
    size = np.zeros(k, dtype=np.int64)
    np.add.at(size, label, mass)
    return label, size


def label_rows(
    parts: Any, tables: list, vectors: NDArray, centres: NDArray, weights: NDArray | None
) -> tuple[NDArray, list, NDArray[np.int64]]:
    """Nearest non-empty centre of every row: the centres left, the labels of each part, the size of each cluster."""
    scale = 1.0 if weights is None else fixed_point_scale(float(weights.sum()))
    while True:
        scorer = make_scorer(vectors, centres)
        results = parts.map(label_part, tables, split(parts, weights), scorer=scorer, scale=scale)
        size = sum(parts.collect(parts.map(second, results)))
        if (size > 0).all():
            return centres, parts.map(first, results), size
        centres = centres[size > 0]


def first(pair):
    """The first of two."""
    return pair[0]


def second(pair):
    """The second of two."""
    return pair[1]


def embed_sample(table, rows, *, embed):
    """Embedding of single rows of a part."""
    return embed.rows(table, rows)


def member_centres(
    points: NDArray[np.float64],
    weights: NDArray | None,
    n_clusters: int,
    *,
    n_init: int,
    max_iter: int,
    seed: int,
) -> tuple[NDArray[np.float64], int, float]:
    """k-means centres of the leading eigenvectors of sampled rows, iterations, and mean squared distance to them."""
    leading = points[:, :n_clusters]
    length = np.linalg.norm(leading, axis=1, keepdims=True)
    leading = np.ascontiguousarray(leading / np.where(length > 0, length, 1.0))
    distinct, mass = distinct_points(leading, weights)
    centres, n_iter = kmeans_centres(distinct, min(n_clusters, len(distinct)), mass, n_init, max_iter, seed)
    return centres, n_iter, float(np.average(nearest(distinct, centres)[1], weights=mass))


def sample_embedding(
    parts: Any, tables: list, vectors: NDArray[np.float64], weights: NDArray | None, seed: int
) -> tuple[NDArray[np.float64], NDArray | None]:
    """Embedded rows of a random sample for the k-means of base clusterings, and their weights."""
    rows = sample_rows(n_rows(parts), MEMBER_ROWS, seed)
    points = take(parts, embed_sample, rows, tables, embed=TableEmbedding(vectors))
    return points, None if weights is None else weights[rows]


def mean_squared_distance(points: NDArray[np.float64], centres: NDArray[np.float64], weights: NDArray | None) -> float:
    """Weighted mean of the squared distances of embedded rows to their nearest centres."""
    distinct, mass = distinct_points(points, weights)
    return float(np.average(nearest(distinct, centres)[1], weights=mass))
