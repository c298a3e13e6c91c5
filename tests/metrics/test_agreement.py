# SPDX-License-Identifier: BSD-3-Clause
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_mutual_info_score, homogeneity_score, mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from skdeepclust.metrics import ensemble_agreement
from skdeepclust.metrics._agreement import _expected_mutual_information

ensembles = arrays(np.int64, (12, 4), elements=st.integers(-1, 4)).filter(lambda b: (b >= 0).any())
consensus = arrays(np.int64, 12, elements=st.integers(0, 3))


def agreement_by_permuting(labels, base):
    """The definition, with the expectation as a plain mean over all permutations."""
    mutual = mutual_info_score(labels, base)
    chance = np.mean([mutual_info_score(labels, p) for p in permutations(base)])
    return (mutual - chance) / (mutual_info_score(labels, labels) - chance)


@pytest.mark.parametrize("base", [[0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 0, 0], [0, 1, 2, 0, 1, 2]])
def test_equals_the_definition(base):
    labels = np.array([0, 0, 0, 1, 1, 2])
    assert ensemble_agreement(labels, np.array(base)[:, None]) == pytest.approx(agreement_by_permuting(labels, base))


def test_lies_beside_the_scores_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=500)
    base = np.where(rng.uniform(size=500) < 0.5, labels, rng.integers(4, size=500))
    score = ensemble_agreement(labels, base[:, None])
    # Without the adjustment it is the homogeneity of the base clusters; of equal entropies, it is AMI.
    assert score == pytest.approx(homogeneity_score(labels, base), abs=0.02)
    assert score == pytest.approx(adjusted_mutual_info_score(labels, base), abs=0.01)


@given(consensus, ensembles)
def test_is_blind_to_names_and_order(labels, base):
    score = ensemble_agreement(labels, base)
    assert score <= 1.0
    order = np.random.default_rng(0).permutation(12)
    renamed = np.where(base >= 0, 7 - base, -1)[:, ::-1]
    assert ensemble_agreement(-3 * labels[order], renamed[order]) == pytest.approx(score, abs=1e-9)


@given(consensus, ensembles)
def test_is_a_mean_over_columns_each_without_its_missing_rows(labels, base):
    alone = [
        ensemble_agreement(labels[column >= 0], column[column >= 0, None]) for column in base.T if (column >= 0).any()
    ]
    assert ensemble_agreement(labels, base) == pytest.approx(np.mean(alone))


@pytest.mark.parametrize("concentration", [0.3, 1.0, 1e6])
def test_expectation_for_many_samples_is_close_to_the_exact_one(concentration):
    rng = np.random.default_rng(0)
    n_samples = 100_000
    labels = rng.choice(10, n_samples, p=rng.dirichlet(np.full(10, concentration)))
    base = rng.choice(60, n_samples, p=rng.dirichlet(np.full(60, concentration)))
    table = contingency_matrix(labels, base)
    exact = expected_mutual_information(table, n_samples)
    assert abs(_expected_mutual_information(table, n_samples) - exact) < 1e-3


def test_labels_far_from_zero_to_k_are_the_same_labels():
    base = np.array([[0, 10**15], [0, 10**15], [1, 5], [2, 5], [2, 5]])
    small = np.array([[0, 1], [0, 1], [1, 0], [2, 0], [2, 0]])
    assert ensemble_agreement([0, 0, 1, 1, 2], base) == ensemble_agreement([0, 0, 1, 1, 2], small)


def test_any_merging_of_base_clusters_is_perfect():
    base = np.repeat(np.arange(8), 5)
    for merged in (base // 2, base // 4, base % 3):
        assert ensemble_agreement(merged, base[:, None]) == pytest.approx(1.0)


@pytest.mark.parametrize("n_base", [2, 20, 60])
@pytest.mark.parametrize("n_clusters", [2, 10])
def test_is_zero_by_chance_whatever_the_numbers_of_clusters(n_base, n_clusters):
    rng = np.random.default_rng(0)
    labels = rng.integers(n_clusters, size=300)
    base = rng.integers(n_base, size=(300, 200))
    assert ensemble_agreement(labels, base) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("labels", [np.zeros(6, int), np.arange(6)], ids=["one cluster", "all singletons"])
def test_trivial_consensus_scores_zero(labels):
    assert ensemble_agreement(labels, np.array([[0], [0], [1], [1], [2], [2]])) == 0.0


def test_base_clusters_of_one_sample_each_tell_nothing():
    assert ensemble_agreement([0, 0, 1, 1], np.arange(4)[:, None]) == 0.0


def test_falls_beyond_the_true_number_of_clusters():
    X, _ = make_blobs(400, centers=[[0, 0], [9, 0], [0, 9], [9, 9]], random_state=0)
    base = np.stack([KMeans(20 + s, n_init=1, random_state=s).fit_predict(X) for s in range(5)], axis=1)
    score = {k: ensemble_agreement(KMeans(k, n_init=5, random_state=0).fit_predict(X), base) for k in (4, 6, 8, 12)}
    assert score[4] == pytest.approx(1.0)
    assert score[4] - 0.02 > score[6] > score[8]
    assert score[4] - 0.02 > score[12]


@pytest.mark.parametrize(
    ("labels", "base", "error", "message"),
    [
        ([0, 1], [0, 1], ValueError, r"base_labels must have shape \(n_samples, n_estimators\)"),
        ([0, 1], np.zeros((2, 0), int), ValueError, "base_labels must have shape"),
        ([0, 1, 1], [[0], [1]], ValueError, "2 rows and 3 labels"),
        ([0, 1], [[0.0], [1.0]], TypeError, "base_labels must be integers.*float64"),
        ([0, 1], [[0], [-2]], ValueError, "base_labels must be >= 0.*-2"),
        ([0, 1], [[-1], [-1]], ValueError, "base_labels holds -1 only"),
        ([[0], [1]], [[0], [1]], ValueError, "labels must be one-dimensional"),
    ],
)
def test_refuses_bad_input(labels, base, error, message):
    with pytest.raises(error, match=message):
        ensemble_agreement(labels, base)
