# SPDX-License-Identifier: BSD-3-Clause
"""The two consensus functions on label codes: weighted graph + transfer cut, weighted average linkage.

Each is a function that fits (``fit_transfer_cut``, ``fit_average``) and a frozen rule that labels codes, old or
new, object by object.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support._warnings import ClusterCollapseWarning
from ._discretise import BLOCK_ROWS, CentreRule, discretise, favour
from ._exact_sums import fixed_point_scale
from ._graph import (
    CodesEmbedding,
    code_hashes,
    distinct_objects,
    fixed_point,
    object_embedding,
    pad_table,
    padded_offsets,
    reduced_graph_of,
    same_rows,
)
from ._jit import for_each, kernel, row_blocks
from ._labels import has_label, order_by_size
from ._linkage import cluster_composition, cut_average_linkage, mean_association_table, sum_rows
from ._n_clusters import chosen_n_clusters, leading_vectors
from ._parts import n_rows, split, total
from ._spectrum import reduced_spectrum

LABEL_ROWS = 1 << 18  # embedded at a time
DIFFUSION_TIME = 10  # steps of the random walk on the clusters


@dataclass(frozen=True)
class TransferCutRule:
    """Label of an object from its clusters: unit row of ``sum_m w_m V_m``, then the nearest centre.

    Attributes
    ----------
    sizes : ndarray of shape (M,)
        Clusters per clustering.
    weights : ndarray of shape (q,)
        Cluster weights.
    vectors : ndarray of shape (q, c)
        Generalised eigenvectors V of the clusters.
    centres : CentreRule
        Centres and their labels.
    votes : ndarray of shape (q, n_clusters)
        Weight of each cluster times the share of its objects that went to each consensus cluster.
    """

    sizes: NDArray[np.int64]
    weights: NDArray[np.float64]
    vectors: NDArray[np.float64]
    centres: CentreRule
    votes: NDArray[np.float64]

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.centres.centres)

    @property
    def n_iter(self) -> int:
        """Iterations of the final k-means."""
        return self.centres.n_iter

    def labels(self, codes: NDArray) -> NDArray[np.int32]:
        """Label of each object of `codes` (M, n)."""
        out = np.empty(codes.shape[1], dtype=np.int32)
        for start, stop in row_blocks(len(out), LABEL_ROWS):
            block = object_embedding(codes[:, start:stop], self.sizes, self.weights, self.vectors)
            out[start:stop] = self.centres.labels(block)
        return out

    def membership(self, codes: NDArray) -> NDArray[np.float64]:
        """Membership (n, n_clusters): the weighted mean over an object's clusters of where their members went.

        Distances in the embedding would say nothing here: clusters that the ensemble agrees on are points in it, and
        a softmax of the distances is 0 or 1. Where the vote's winner is not the label, the two shares are exchanged.
        """
        return _shares(_sum_over_clusters(codes, self.sizes, self.votes), self.labels(codes))


def composition_part(codes, labels, value, *, sizes, n_clusters):
    """Objects of each base cluster in each consensus cluster, of one part."""
    return cluster_composition(codes, sizes, value, labels, n_clusters)


def fit_transfer_cut(
    parts: Any,
    codes: list,
    sizes: NDArray[np.int64],
    weights: NDArray[np.float64],
    n_clusters: int | str,
    *,
    graph: NDArray[np.float64] | None = None,
    multiplicity: NDArray[np.float64] | None = None,
    diffuse: bool = False,
    n_init: int = 3,
    max_iter: int = 100,
    seed: int = 0,
) -> tuple[TransferCutRule, NDArray[np.int32], NDArray[np.float64]]:
    """LWGP: transfer cut of the bipartite graph ``B = H diag(w)``.

    Parameters
    ----------
    parts : LocalParts or DaskParts
        Where the objects are.
    codes : list
        Codes (M, n) of each part; every object has at least one label.
    sizes : ndarray of shape (M,)
        Clusters per clustering.
    weights : ndarray of shape (q,)
        Cluster weights.
    n_clusters : int or "auto"
        Number of clusters.
    graph : ndarray of shape (q, q), optional
        E, where it is known already.
    multiplicity : ndarray of shape (n,), optional
        How often each object counts.
    diffuse : bool, default=False
        Cut in the diffusion map: twice as many eigenvectors, each scaled by mu ** DIFFUSION_TIME.
    n_init, max_iter, seed : int
        Restarts, iterations and seed of k-means.

    Returns
    -------
    rule : TransferCutRule
    labels : ndarray of shape (n,), int32
    mu : ndarray
        Leading eigenvalues of the reduced graph, descending.
    """
    if graph is None:
        graph = reduced_graph_of(parts, codes, sizes, weights, multiplicity)
    wanted = leading_vectors(n_clusters)
    vectors, mu = reduced_spectrum(graph, graph.sum(axis=1), 2 * wanted if diffuse else wanted)
    chosen = chosen_n_clusters(n_clusters, mu, n_rows(parts))
    vectors = np.ascontiguousarray(vectors[:, : 2 * chosen if diffuse else chosen])
    if diffuse:
        vectors *= np.clip(mu[: vectors.shape[1]], 0.0, 1.0) ** DIFFUSION_TIME
    embed = CodesEmbedding(sizes, weights, vectors)
    centres, labels = discretise(
        parts, codes, embed, chosen, weights=multiplicity, n_init=n_init, max_iter=max_iter, seed=seed
    )
    value = None
    if multiplicity is not None:
        value = fixed_point(multiplicity, fixed_point_scale(float(multiplicity.sum())))
    k = len(centres.centres)
    cut = (split(parts, labels), split(parts, value))
    members = total(parts, composition_part, codes, *cut, sizes=sizes, n_clusters=k)
    votes = weights[:, None] * members / np.maximum(members.sum(axis=1, keepdims=True), 1)
    return TransferCutRule(sizes, weights, vectors, centres, votes), labels, mu


@kernel
def shares_of_scores(scores, winner, start, stop):
    """Scores to shares in place, rows start .. stop - 1; the winner's share is made the largest of its row."""
    n_clusters = scores.shape[1]
    for i in range(start, stop):
        total, top = 0.0, 0
        for j in range(n_clusters):
            total += scores[i, j]
            if scores[i, j] > scores[i, top]:
                top = j
        scores[i, top], scores[i, winner[i]] = scores[i, winner[i]], scores[i, top]
        for j in range(n_clusters):
            scores[i, j] = scores[i, j] / total if total > 0.0 else 1.0 / n_clusters
        favour(scores, i, winner[i])


def _sum_over_clusters(codes: NDArray, sizes: NDArray[np.int64], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the rows of `table` (q, c) over the clusters of each object, (n, c); a missing label adds nothing."""
    return sum_rows(codes, padded_offsets(sizes), pad_table(table, sizes))


def _shares(scores: NDArray[np.float64], winner: NDArray[np.int32]) -> NDArray[np.float64]:
    """Scores as shares of 1, in place, the winner's the largest."""
    for_each(lambda r: shares_of_scores(scores, winner, *r), row_blocks(len(scores), BLOCK_ROWS))
    return scores


@dataclass(frozen=True)
class AverageRule:
    """Label of a known tuple from the tree; of a new one, the cluster with the highest mean co-association.

    Attributes
    ----------
    codes : ndarray of shape (M, u)
        Known tuples, in ascending order of their hash.
    hashes : ndarray of shape (u,), uint64
        Their hashes.
    known_labels : ndarray of shape (u,), int32
        Their labels.
    sizes : ndarray of shape (M,)
        Clusters per clustering.
    table : ndarray of shape (q, n_clusters)
        See :func:`~._linkage.mean_association_table`.
    """

    codes: NDArray
    hashes: NDArray[np.uint64]
    known_labels: NDArray[np.int32]
    sizes: NDArray[np.int64]
    table: NDArray[np.float64]

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return self.table.shape[1]

    @property
    def n_iter(self) -> int:
        """The tree is cut once."""
        return 1

    def _scores(self, codes):
        return _sum_over_clusters(codes, self.sizes, self.table)

    def _labels(self, codes, scores):
        hashes = code_hashes(codes)
        labels = scores.argmax(axis=1).astype(np.int32)
        place = np.searchsorted(self.hashes, hashes)
        for _ in range(2):  # two tuples in 2^64 may share a hash: the neighbour is looked at as well
            place = np.minimum(place, len(self.hashes) - 1)
            rows = np.flatnonzero(self.hashes[place] == hashes)
            rows = rows[same_rows(codes, rows, self.codes, place[rows])]
            labels[rows] = self.known_labels[place[rows]]
            place = place + 1
        return labels

    def labels(self, codes: NDArray) -> NDArray[np.int32]:
        """Label of each object of `codes` (M, n)."""
        return self._labels(codes, self._scores(codes))

    def membership(self, codes: NDArray) -> NDArray[np.float64]:
        """Mean co-association with each cluster, scaled to sum 1; the label's share is the largest.

        Where the tree decided against the highest mean co-association, the two shares are exchanged.
        """
        scores = self._scores(codes)
        return _shares(scores, self._labels(codes, scores))


def fit_average(
    codes: NDArray,
    multiplicity: NDArray[np.float64] | None,
    sizes: NDArray[np.int64],
    weights: NDArray[np.float64],
    n_clusters: int,
) -> tuple[AverageRule, NDArray[np.int32]]:
    """LWEA: average linkage on the weighted co-association matrix.

    Parameters
    ----------
    codes : ndarray of shape (M, n)
        Codes; every object has at least one label.
    multiplicity : ndarray of shape (n,) or None
        How often each object counts.
    sizes : ndarray of shape (M,)
        Clusters per clustering.
    weights : ndarray of shape (q,)
        Cluster weights.
    n_clusters : int
        Number of clusters.

    Returns
    -------
    rule : AverageRule
    labels : ndarray of shape (n,), int32
    """
    first, inverse, counts = distinct_objects(codes)
    if multiplicity is not None:
        mass = np.bincount(inverse, weights=multiplicity, minlength=len(first)).astype(np.float64)
        first, counts = first[mass > 0], fixed_point(mass[mass > 0], fixed_point_scale(float(mass.sum())))
    if len(first) < n_clusters:
        warnings.warn(
            f"n_clusters={n_clusters} clusters were asked for, but there are only {len(first)} distinct rows of base "
            f"labels; {len(first)} clusters were kept. Lower n_clusters, or add base clusterings, to avoid this.",
            ClusterCollapseWarning,
            stacklevel=3,
        )
        n_clusters = len(first)
    hashes = code_hashes(codes[:, first])
    order = np.argsort(hashes, kind="stable")  # an order that does not depend on that of the objects
    known, counts, hashes = np.ascontiguousarray(codes[:, first[order]]), counts[order], hashes[order]
    tree = cut_average_linkage(known, sizes, weights, counts, n_clusters)
    number = np.empty(n_clusters, dtype=np.int64)
    number[order_by_size(tree, n_clusters, counts)] = np.arange(n_clusters)
    labels = number[tree].astype(np.int32)
    table = mean_association_table(known, sizes, weights, counts, labels, n_clusters)
    rule = AverageRule(known, hashes, labels, sizes, table)
    return rule, rule.labels(codes)


def encode_and(base_labels, *, coder, function):
    """``function(codes)`` of a block of base labels."""
    return function(coder.encode(base_labels))


def labels_or_missing(rule, codes: NDArray, sizes: NDArray[np.int64]) -> NDArray[np.int32]:
    """Labels of `rule`, and -1 for an object without any label."""
    return np.where(has_label(codes, sizes), rule.labels(codes), -1).astype(np.int32)


def membership_or_uniform(rule, codes: NDArray, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Membership of `rule`, and equal shares for an object without any label."""
    shares = rule.membership(codes)
    shares[~has_label(codes, sizes)] = 1.0 / rule.n_clusters
    return shares
