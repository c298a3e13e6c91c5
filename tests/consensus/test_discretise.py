# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from skdeepclust._support._warnings import ClusterCollapseWarning
from skdeepclust.consensus import _discretise as discretisation
from skdeepclust.consensus._code_rules import fit_transfer_cut
from skdeepclust.consensus._labels import code_labels


def points(seed=0, n=90):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) + 8 * rng.integers(0, 3, (n, 1))


def test_is_kmeans_with_labels_by_size():
    X = points()
    rule, labels = discretisation.discretise(lambda rows: X[rows], len(X), 3, seed=0)
    model = KMeans(3, n_init=3, max_iter=100, random_state=0).fit(X)
    assert rule.spread == pytest.approx(model.inertia_ / len(X))
    np.testing.assert_array_equal(np.unique(labels, return_counts=True)[1], np.sort(np.bincount(model.labels_))[::-1])
    np.testing.assert_array_equal(rule.labels(X), labels)


def test_multiplicities_equal_repeated_rows():
    X = points()
    counts = np.random.default_rng(0).integers(1, 4, len(X))
    rule, labels = discretisation.discretise(lambda rows: X[rows], len(X), 3, weights=counts, seed=0)
    model = KMeans(3, n_init=3, random_state=0).fit(np.repeat(X, counts, axis=0))
    assert rule.spread * counts.sum() == pytest.approx(model.inertia_)
    assert np.bincount(labels, weights=counts).tolist() == np.sort(np.bincount(model.labels_))[::-1].tolist()


@given(st.integers(0, 10_000), st.sampled_from([1e-30, 1e-3, 1.0, 1e6]))
def test_membership_agrees_with_labels_even_where_it_rounds_to_ties(seed, spread):
    rng = np.random.default_rng(seed)
    centres = rng.integers(-2, 3, (4, 2)).astype(float)
    X = rng.integers(-2, 3, (20, 2)) + rng.choice([0.0, 0.5, 1e-16], (20, 1))
    rule = discretisation.CentreRule(centres, rng.permutation(4), spread, 1)
    P = rule.membership(X)
    np.testing.assert_array_equal(P.argmax(axis=1), rule.labels(X))
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-12)


def test_collapse_is_said_and_numbers_stay_without_gaps():
    X = np.repeat([[0.0, 0], [5, 5]], [4, 6], axis=0)
    with pytest.warns(ClusterCollapseWarning, match="2 only"):
        rule, labels = discretisation.discretise(lambda rows: X[rows], 10, 4, seed=0)
    np.testing.assert_array_equal(labels, np.repeat([1, 0], [4, 6]))
    assert rule.membership(X).shape == (10, 2)


@given(st.integers(0, 10_000), st.sampled_from([1e-6, 3.0, 1e6]))
def test_only_ratios_of_weights_matter(seed, factor):
    rng = np.random.default_rng(seed)
    truth = np.arange(60) % 3
    labels = np.stack([np.where(rng.random(60) < 0.1, rng.integers(0, 3, 60), truth) for _ in range(5)], axis=1)
    coder, codes = code_labels(labels)
    weights = 0.2 + rng.random(int(coder.sizes.sum()))
    _, once, mu = fit_transfer_cut(codes, coder.sizes, weights, 3)
    _, scaled, mu_scaled = fit_transfer_cut(codes, coder.sizes, factor * weights, 3)
    np.testing.assert_array_equal(once, scaled)
    np.testing.assert_allclose(mu, mu_scaled, atol=1e-10)
