# SPDX-License-Identifier: BSD-3-Clause
"""The most important numbers of a clustering."""

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from ..metrics import clustering_accuracy
from ._clusters import known_classes


def headline(model, labels, certainty, clusters, labels_true):
    """Return pairs (number, what it is), the most important first.

    Parameters
    ----------
    model : fitted clusterer
    labels, certainty : ndarray of shape (n_samples,)
    clusters : list of Cluster
    labels_true : ndarray of shape (n_samples,) or None
    """
    sizes = [cluster.size for cluster in clusters]
    facts = [
        (f"{certainty.mean():.2f}", "mean certainty"),
        (f"{100 * (certainty < 0.5).mean():.1f} %", "certain below 0.5"),
        (f"{min(sizes):,} to {max(sizes):,}", "cluster sizes"),
    ]
    if labels_true is not None:
        known = known_classes(labels_true)
        if known.any():
            truth, found = labels_true[known], labels[known]
            facts = [
                (f"{clustering_accuracy(truth, found):.3f}", "accuracy"),
                (f"{normalized_mutual_info_score(truth, found):.3f}", "NMI"),
                (f"{adjusted_rand_score(truth, found):.3f}", "adjusted Rand index"),
                *facts,
            ]
    history = getattr(model, "history_", None)
    if history:
        facts.append((f"{len(history):,}", "epochs"))
        if "seconds" in history[-1]:
            facts.append((_duration(history[-1]["seconds"]), "training"))
    votes = getattr(model, "votes_", None)
    if hasattr(model, "base_clusterings_"):
        n = len(model.base_clusterings_.groups_)
        voting = n if votes is None else int(np.sum(votes))
        facts.append((str(n) if voting == n else f"{voting} of {n}", "base clusterings vote"))
    return facts


def _duration(seconds):
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.0f} s"
