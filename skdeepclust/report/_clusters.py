# SPDX-License-Identifier: BSD-3-Clause
"""What the report says of each cluster."""

from dataclasses import dataclass, field

import numpy as np

from ..plotting._montage import choose_members
from ..plotting._palette import cluster_colors

_N_FEATURES = 6  # shown of a table
_MAX_VALUES = 50_000_000  # of a table that is looked at as a whole


@dataclass
class Cluster:
    """One cluster.

    Attributes
    ----------
    number : int
    color : str
    size : int
    share : float
        Of all rows.
    certainty : float
        Mean over the members; NaN if there are none.
    certain, uncertain : ndarray of int
        Rows of the most and the least certain members; none is in both.
    true_class, purity : str, float
        The commonest known class of the members and its share of them, where classes are known.
    profile : list of (str, float, float, float)
        Of a table: name, mean in the cluster, mean of all rows and their difference in standard deviations, for the
        features that differ most.
    """

    number: int
    color: str
    size: int
    share: float
    certainty: float
    certain: np.ndarray
    uncertain: np.ndarray
    true_class: str | None = None
    purity: float = float("nan")
    profile: list = field(default_factory=list)


def describe_clusters(labels, certainty, n_clusters, n_certain, n_uncertain, labels_true=None):
    """List of :class:`Cluster` in the order of their numbers, empty ones included."""
    clusters = []
    for number, color in enumerate(cluster_colors(n_clusters)):
        members = np.flatnonzero(labels == number)
        certain, uncertain = choose_members(members, certainty, n_certain, n_uncertain)
        mean = float(certainty[members].mean()) if len(members) else float("nan")
        cluster = Cluster(number, color, len(members), len(members) / len(labels), mean, certain, uncertain)
        if labels_true is not None:
            known = labels_true[members][known_classes(labels_true[members])]
            if len(known):
                values, counts = np.unique(known, return_counts=True)
                cluster.true_class = str(values[counts.argmax()])
                cluster.purity = float(counts.max() / len(known))
        clusters.append(cluster)
    return clusters


def known_classes(labels_true):
    """Where a class is known: not -1."""
    return labels_true != -1 if labels_true.dtype.kind in "if" else np.ones(len(labels_true), dtype=bool)


def add_profiles(clusters, labels, X, names):
    """Add the features by which each cluster differs most from all rows; not for very large tables.

    Parameters
    ----------
    clusters : list of Cluster
    labels : ndarray of shape (n_samples,)
    X : ndarray of shape (n_samples, n_features)
    names : sequence of str or None
        Of the features; None takes their numbers.
    """
    if X.size > _MAX_VALUES:
        return
    X = X.astype(float)
    names = [f"feature {i}" for i in range(X.shape[1])] if names is None else names
    mean, spread = X.mean(axis=0), X.std(axis=0)
    for cluster in clusters:
        if cluster.size:
            own = X[labels == cluster.number].mean(axis=0)
            differs = np.where(spread > 0, (own - mean) / np.where(spread > 0, spread, 1.0), 0.0)
            most = np.argsort(-np.abs(differs), kind="stable")[:_N_FEATURES]
            cluster.profile = [(str(names[j]), float(own[j]), float(mean[j]), float(differs[j])) for j in most]
