# SPDX-License-Identifier: BSD-3-Clause
"""Memberships of a consensus: where the other members of an object's clusters went, and what they are worth."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skdeepclust import EntropyWeightedConsensus
from skdeepclust.consensus._linkage import cluster_composition


def noisy_votes(n=400, n_clusterings=15, seed=0):
    """Three clusters of objects; each object has its own rate at which clusterings put it elsewhere."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    rate = rng.uniform(0.0, 0.75, n)
    elsewhere = rng.random((n, n_clusterings)) < rate[:, None]
    group = np.where(elsewhere, rng.integers(0, 3, (n, n_clusterings)), truth[:, None])
    return group * 4 + rng.integers(0, 4, (n, n_clusterings)), truth


@pytest.mark.parametrize("method", ["transfer_cut", "diffusion", "average"])
def test_certainty_ranks_right_labels_above_wrong_ones(method):
    votes, truth = noisy_votes()
    model = EntropyWeightedConsensus(3, method=method, random_state=0).fit(votes)
    majority = np.array([np.bincount(truth[model.labels_ == c]).argmax() for c in range(3)])
    right = majority[model.labels_] == truth
    assert 0.6 < right.mean() < 1.0
    assert roc_auc_score(right, model.predict_proba(votes).max(axis=1)) > 0.75


def test_membership_equals_the_definition():
    votes, _ = noisy_votes(n=60, n_clusterings=4)
    votes[::7, 1] = -1
    model = EntropyWeightedConsensus(3, random_state=0).fit(votes)
    weight = iter(model.cluster_weights_)
    expected = np.zeros((60, 3))
    for column in votes.T:
        for label in np.unique(column[column >= 0]):
            members = column == label
            expected[members] += next(weight) * np.bincount(model.labels_[members], minlength=3) / members.sum()
    expected /= expected.sum(axis=1, keepdims=True)
    agrees = expected.argmax(axis=1) == model.labels_  # elsewhere two shares are exchanged
    assert agrees.mean() > 0.8
    np.testing.assert_allclose(model.predict_proba(votes)[agrees], expected[agrees], atol=1e-12)


def test_composition_counts_objects_and_leaves_missing_labels_out():
    codes = np.array([[0, 1, 2, 1], [0, 0, 1, 1]])  # 2 is "missing" in the first clustering
    table = cluster_composition(codes, np.array([2, 2]), np.array([1, 2, 3, 4]), np.array([0, 1, 1, 0]), 2)
    np.testing.assert_array_equal(table, [[1, 0], [4, 2], [1, 2], [4, 3]])
