# SPDX-License-Identifier: BSD-3-Clause
"""A cluster head votes where the layers confirm it, and nowhere else."""

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust.consensus import EntropyWeightedConsensus
from skdeepclust.deep._layer_consensus import HEAD_AGREEMENT, fit_layer_consensus

TRUTH = np.repeat([0, 1, 2], 40)
GROUPS, SCORE_GROUPS = np.array([0, 0, 1, 1, 2]), (2,)


def clusterings_of(head):
    """Four clusterings that split each class into two, each in another way, and the labels of a head."""
    rng = np.random.default_rng(0)
    fine = [2 * TRUTH + rng.integers(2, size=120) for _ in range(4)]
    return np.stack([*fine, head], axis=1).astype(np.int32)


@pytest.mark.parametrize(
    ("head", "votes"),
    [
        (TRUTH[::-1], True),
        (np.where(np.arange(120) == 5, 2, TRUTH), True),
        (np.where(TRUTH == 2, 1, TRUTH), False),  # merged two
        (np.zeros(120), False),  # collapsed
        (np.random.default_rng(1).integers(3, size=120), False),
    ],
)
@pytest.mark.parametrize("weighting", ["paper", "cross_group"])
def test_who_votes(head, votes, weighting):
    base_labels = clusterings_of(head)
    given = GROUPS if weighting == "cross_group" else None
    consensus = EntropyWeightedConsensus(3, weighting=weighting, groups=given, random_state=0)
    found, voting = fit_layer_consensus(consensus, base_labels, GROUPS, SCORE_GROUPS)
    np.testing.assert_array_equal(found, [True] * 4 + [votes])
    np.testing.assert_array_equal(voting, base_labels[:, found])
    groups = GROUPS[found] if weighting == "cross_group" else None
    alone = EntropyWeightedConsensus(3, weighting=weighting, groups=groups, random_state=0)
    np.testing.assert_array_equal(consensus.labels_, alone.fit_predict(voting))


def test_without_a_head_everybody_votes():
    base_labels = clusterings_of(TRUTH)
    consensus = EntropyWeightedConsensus(3, random_state=0)
    votes, voting = fit_layer_consensus(consensus, base_labels, GROUPS, ())
    assert votes.all()
    assert voting is base_labels


def test_every_head_is_held_against_the_layers_alone():
    heads = [np.where(np.arange(120) == wrong, (TRUTH + 1) % 3, TRUTH) for wrong in (5, 50)]
    apart = normalized_mutual_info_score(*heads)
    assert apart < HEAD_AGREEMENT < normalized_mutual_info_score(TRUTH, heads[0])
    base_labels = np.hstack([clusterings_of(TRUTH)[:, :4], np.repeat(np.stack(heads, axis=1), 10, axis=1)]).astype(int)
    groups = np.repeat([0, 1, 2, 3], [2, 2, 10, 10])
    consensus = EntropyWeightedConsensus(3, random_state=0)
    votes, _ = fit_layer_consensus(consensus, base_labels, groups, (2, 3))
    assert votes.all()
