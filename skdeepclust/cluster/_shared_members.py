# SPDX-License-Identifier: BSD-3-Clause
"""Several U-SPEC clusterings of one graph: shared representatives, neighbours and eigenvectors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..consensus._discretise import CentreRule, rank_by_size
from ..consensus._spectrum import reduced_spectrum
from ._affinity import make_scorer
from ._representative_graph import label_rows, member_centres, sample_embedding


def smallest_label_type(n_clusters: int) -> np.dtype:
    """Smallest signed integer type for labels 0 .. n_clusters - 1 and -1.

    Examples
    --------
    >>> smallest_label_type(128), smallest_label_type(129)
    (dtype('int8'), dtype('int16'))
    """
    return np.min_scalar_type(-max(n_clusters, 1))


def numbered_part(label, *, rank, dtype):
    """Labels of a part by their final numbers."""
    return rank.astype(dtype)[label]


def fit_members(
    parts: Any, members: list, dtype: type, label_dtype: type, weights: NDArray[np.float64] | None = None
) -> list:
    """Fit U-SPEC estimators that differ in ``n_clusters`` and ``random_state`` on one graph.

    The graph is that of the first member: its parameters, its seed. Each member keeps what ``predict`` needs, but no
    ``labels_``: those are returned.

    Parameters
    ----------
    parts : LocalParts or DaskParts of arrays (n, d)
        Data.
    members : list of USPEC
        Unfitted; they are fitted in place.
    dtype : type
        float32 or float64, of the representatives.
    label_dtype : type
        Of the labels.
    weights : ndarray of shape (n,), optional
        Weights of the rows.

    Returns
    -------
    labels : list over the members of lists over the parts
        Labels of the rows of each part.
    """
    lead = members[0]
    graph, tables, E, mean_distance = lead._build_graph(parts, dtype, lead.random_state, weights)
    vectors, spectrum = reduced_spectrum(E, E.sum(axis=1), max(member.n_clusters for member in members))
    points, mass = sample_embedding(parts, tables, vectors, weights, lead.random_state)
    out = []
    for member in members:
        own = np.ascontiguousarray(vectors[:, : member.n_clusters])
        centres, n_iter, spread = member_centres(
            points,
            mass,
            member.n_clusters,
            n_init=member.n_init,
            max_iter=member.max_iter,
            seed=member.random_state,
        )
        centres, labels, size = label_rows(parts, tables, own, centres, weights)
        member.graph_, member.representatives_, member.bandwidth_ = graph, graph.representatives, mean_distance
        member.column_vectors_, member.spectrum_, member.n_iter_ = own, spectrum, n_iter
        member.centre_rule_ = CentreRule(np.ascontiguousarray(centres), rank_by_size(size, centres), spread, n_iter)
        member.n_clusters_ = len(centres)
        member.n_features_in_ = graph.representatives.shape[1]
        out.append(parts.map(numbered_part, labels, rank=member.centre_rule_.rank, dtype=label_dtype))
    return out


def predict_members(X: NDArray, members: list, out: NDArray) -> None:
    """Labels of the rows of `X` by members that share a graph, into `out` (len(members), n)."""
    table = members[0].graph_.table(X)
    for member, row in zip(members, out, strict=True):
        scorer = make_scorer(member.column_vectors_, member.centre_rule_.centres)
        row[:] = member.centre_rule_.rank.astype(out.dtype)[scorer.label(table)]
