# SPDX-License-Identifier: BSD-3-Clause
"""The consensus of the layers of a network, and whether its cluster head has a vote in it."""

import logging

import numpy as np
from sklearn.metrics import normalized_mutual_info_score

logger = logging.getLogger("skdeepclust")

HEAD_AGREEMENT = 0.95  # benchmarks/quality/head_and_consensus.py shows what heads on both sides of it are worth


def fit_layer_consensus(consensus, base_labels, groups, score_groups):
    """Fit `consensus` on the clusterings of the layers, and once more with the head's where that is confirmed.

    A cluster head has seen all clusters in every step of the training, and knows where a piece of a cluster belongs
    that the fine clusterings of the layers leave hanging between two. But a head may also have split one cluster and
    merged two others. So it votes only where it says nearly the same as the layers do without any head: where the
    normalized mutual information of the two is 0.95 or more. A head that uses one cluster for everything never votes.

    Parameters
    ----------
    consensus : EntropyWeightedConsensus
        Fitted in place; its `groups` are set if ``weighting="cross_group"``.
    base_labels : ndarray of shape (n_samples, n_estimators)
        Base clusterings of all layers.
    groups : ndarray of shape (n_estimators,)
        The layer of each.
    score_groups : sequence of int
        Layers that hold scores of clusters, as a head gives them.

    Returns
    -------
    votes : ndarray of shape (n_estimators,), bool
        Base clusterings that `consensus` was fitted on.
    voting : ndarray of shape (n_samples, number of votes)
        Their columns of `base_labels`.
    """
    votes = ~np.isin(groups, score_groups)
    voting = _fit(consensus, base_labels, groups, votes)
    confirmed = []
    for group in score_groups:
        head = base_labels[:, np.flatnonzero(groups == group)[0]]
        agreement = normalized_mutual_info_score(consensus.labels_, head)
        logger.info("cluster head and layers agree by %.3f (NMI); from %.2f on it votes", agreement, HEAD_AGREEMENT)
        if agreement >= HEAD_AGREEMENT:
            confirmed.append(group)
    if confirmed:
        votes |= np.isin(groups, confirmed)
        voting = _fit(consensus, base_labels, groups, votes)
    return votes, voting


def _fit(consensus, base_labels, groups, votes):
    if consensus.weighting == "cross_group":
        consensus.set_params(groups=groups[votes])
    voting = base_labels if votes.all() else np.asfortranarray(base_labels[:, votes])
    consensus.fit(voting)
    return voting
