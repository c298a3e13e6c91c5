# SPDX-License-Identifier: BSD-3-Clause
"""An ensemble that arrives in blocks of rows: what is kept of it does not grow with their number.

Overlaps are sums over objects, so a block adds its own to them, and entropies and weights are those of all rows seen.
Of the rows themselves a uniform random sample of their codes is kept, for the k-means of the embedding. The degrees
d_x in the reduced graph depend on the weights, which change with every block; as long as the sample holds all rows the
graph is made from it exactly, and afterwards every 1 / d_x is replaced by its mean over clusters (see
:func:`mean_degree_graph`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._discretise import MAX_KMEANS_ROWS
from ._ensemble import Ensemble
from ._graph import cluster_overlap, reduced_graph
from ._labels import LabelCoder, code_labels, has_label
from ._parts import LocalParts


def mean_degree_graph(overlap: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reduced graph from overlaps alone, ``E_ij = w_i w_j G_ij / sqrt(d_i d_j)``, shape (q, q).

    d_i is the mean degree of the members of cluster i, ``d_i = sum_l w_l G_il / G_ii``: a cluster's members differ
    little in how much weight the other clusterings give them. Exact where all degrees are equal.
    """
    size = np.diagonal(overlap).astype(np.float64)
    degree = np.divide(overlap @ weights, size, out=np.ones(len(size)), where=size > 0)
    scaled = weights / np.sqrt(np.maximum(degree, 1e-300))
    return overlap * scaled[:, None] * scaled


@dataclass(frozen=True)
class RunningEnsemble:
    """What is kept of the blocks seen so far.

    Attributes
    ----------
    coder : LabelCoder
        Labels of each clustering, new ones added as they come.
    overlap : ndarray of shape (q, q), int64
        Overlaps of all rows.
    n_seen : int
        Rows seen, those without any label included.
    sample : ndarray of shape (M, at most MAX_KMEANS_ROWS)
        Codes of a random sample of the rows with a label.
    keys : ndarray of shape (rows of the sample,)
        Random keys of its rows: those of the smallest keys are kept.
    n_labelled : int
        Rows with a label.
    """

    coder: LabelCoder
    overlap: NDArray[np.int64]
    n_seen: int
    sample: NDArray
    keys: NDArray[np.float64]
    n_labelled: int

    def add(self, base_labels: NDArray, seed: int) -> "RunningEnsemble":
        """The ensemble after another block of rows (n, M)."""
        coder, place = self.coder.extended(base_labels)
        codes = coder.encode(base_labels)
        overlap = np.zeros((int(coder.sizes.sum()),) * 2, dtype=np.int64)
        overlap[np.ix_(place, place)] = self.overlap
        overlap += cluster_overlap(codes, coder.sizes)
        known = has_label(codes, coder.sizes)
        keys = np.random.default_rng([seed, self.n_seen]).random(len(base_labels))[known]
        sample = np.concatenate([recode(self.sample, self.coder, coder, place), codes[:, known]], axis=1)
        keys = np.concatenate([self.keys, keys])
        if len(keys) > MAX_KMEANS_ROWS:
            kept = np.sort(np.argpartition(keys, MAX_KMEANS_ROWS - 1)[:MAX_KMEANS_ROWS])
            sample, keys = sample[:, kept], keys[kept]
        seen = self.n_seen + len(base_labels)
        return RunningEnsemble(
            coder, overlap, seen, np.ascontiguousarray(sample), keys, self.n_labelled + int(known.sum())
        )

    def graph(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Reduced graph of all rows seen: exact while the sample holds them all, or if all weights are equal."""
        ensemble = Ensemble(LocalParts(np.empty(self.n_labelled, dtype=bool)), self.coder, [])
        exact = ensemble.equal_weight_graph(self.overlap, weights)
        if exact is not None:
            return exact
        if self.n_labelled == self.sample.shape[1]:
            return reduced_graph(self.sample, self.coder.sizes, weights)
        return mean_degree_graph(self.overlap, weights)


def start_running(base_labels: NDArray) -> RunningEnsemble:
    """An ensemble that knows the labels of a first block, but none of its rows yet."""
    coder, codes = code_labels(base_labels)
    q = int(coder.sizes.sum())
    return RunningEnsemble(coder, np.zeros((q, q), dtype=np.int64), 0, codes[:, :0], np.empty(0), 0)


def recode(codes: NDArray, old: LabelCoder, new: LabelCoder, place: NDArray[np.int64]) -> NDArray:
    """Codes after their coder has learned more labels: ``place[old cluster]`` is the new number of a cluster."""
    dtype = np.min_scalar_type(int(new.sizes.max()))
    out = np.empty(codes.shape, dtype=dtype)
    before = np.concatenate([[0], np.cumsum(old.sizes)])
    after = np.concatenate([[0], np.cumsum(new.sizes)])
    for m, (size, row) in enumerate(zip(old.sizes, codes, strict=True)):
        table = np.append(place[before[m] : before[m] + size] - after[m], new.sizes[m])  # the last stands for missing
        out[m] = table.astype(dtype)[row]
    return out
