# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from skdeepclust._support._warnings import ClusterCollapseWarning
from skdeepclust.consensus import _discretise as discretisation
from skdeepclust.consensus._code_rules import fit_transfer_cut
from skdeepclust.consensus._labels import code_labels
from skdeepclust.consensus._parts import LocalParts


class Rows:
    """The rows of an array as an embedding of themselves."""

    def length(self, X):
        return len(X)

    def __call__(self, X, start, stop):
        return X[start:stop]

    def rows(self, X, rows):
        return X[rows]


def points(seed=0, n=90):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, 2)) + 8 * rng.integers(0, 3, (n, 1))) / 30  # within [-1, 1]


def discretise(X, k, **parameters):
    return discretisation.discretise(LocalParts(X), [X], Rows(), k, **parameters)


def test_is_kmeans_with_labels_by_size():
    X = points()
    rule, labels = discretise(X, 3, seed=0)
    model = KMeans(3, n_init=3, max_iter=100, random_state=0).fit(X)
    assert rule.spread == pytest.approx(model.inertia_ / len(X))
    np.testing.assert_array_equal(np.unique(labels, return_counts=True)[1], np.sort(np.bincount(model.labels_))[::-1])
    np.testing.assert_array_equal(rule.labels(X), labels)


def test_multiplicities_equal_repeated_rows():
    X = points()
    counts = np.random.default_rng(0).integers(1, 4, len(X))
    rule, labels = discretise(X, 3, weights=counts.astype(float), seed=0)
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
    X = np.repeat([[0.0, 0], [0.5, 0.5]], [4, 6], axis=0)
    with pytest.warns(ClusterCollapseWarning, match="2 only"):
        rule, labels = discretise(X, 4, seed=0)
    np.testing.assert_array_equal(labels, np.repeat([1, 0], [4, 6]))
    assert rule.membership(X).shape == (10, 2)


@given(st.integers(0, 10_000), st.sampled_from([2.0**-20, 2.0**20, 1e-6, 3.0]))
@example(8192, 3.0)
def test_only_ratios_of_weights_matter(seed, factor):
    """To the bit where the factor is a power of two; with others the last bits differ, and with them a tie perhaps."""
    rng = np.random.default_rng(seed)
    truth = np.arange(60) % 3
    labels = np.stack([np.where(rng.random(60) < 0.1, rng.integers(0, 3, 60), truth) for _ in range(5)], axis=1)
    coder, codes = code_labels(labels)
    weights = 0.2 + rng.random(int(coder.sizes.sum()))
    parts = LocalParts(codes.T)
    _, once, mu = fit_transfer_cut(parts, [codes], coder.sizes, weights, 3)
    _, scaled, mu_scaled = fit_transfer_cut(parts, [codes], coder.sizes, factor * weights, 3)
    if np.log2(factor).is_integer():
        np.testing.assert_array_equal(once, scaled)
    assert adjusted_rand_score(once, scaled) > 0.9
    np.testing.assert_allclose(mu, mu_scaled, atol=1e-10)


def test_passes_over_all_rows_finish_what_the_sample_began(monkeypatch):
    X = points(n=3000)
    full, _ = discretise(X, 3, seed=0)
    monkeypatch.setattr(discretisation, "MAX_KMEANS_ROWS", 60)
    monkeypatch.setattr(discretisation, "LLOYD_PASSES", 0)
    rough, _ = discretise(X, 3, seed=0)
    monkeypatch.setattr(discretisation, "LLOYD_PASSES", 2)
    rule, labels = discretise(X, 3, seed=0)
    assert full.spread <= rule.spread < rough.spread
    assert rule.spread == pytest.approx(full.spread, rel=1e-6)
    np.testing.assert_array_equal(rule.labels(X), labels)


def test_one_pass_is_one_iteration_of_lloyd():
    X = points(n=5000)
    start = X[:3]
    label, sums = discretisation.sweep(X, None, embed=Rows(), centres=start, scale=2.0**40)
    model = KMeans(3, init=start, n_init=1, max_iter=1).fit(X)
    np.testing.assert_allclose(sums[:, :2] / sums[:, 2:3], model.cluster_centers_, atol=1e-9)
    expected = ((X[:, None] - start[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(label, expected.argmin(axis=1))
    assert sums[:, 3].sum() / 2.0**40 == pytest.approx(expected.min(axis=1).sum())


@given(st.integers(0, 10_000))
def test_order_and_repetition_of_rows_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    X = np.round(points(seed, 40), 1)
    counts = rng.integers(0, 4, 40)
    counts[0] += 1
    weighted, _ = discretise(X, 3, weights=counts.astype(float), seed=0)
    shuffled = rng.permutation(np.repeat(X, counts, axis=0))
    repeated, _ = discretise(shuffled, 3, seed=0)
    np.testing.assert_array_equal(weighted.centres, repeated.centres)
    np.testing.assert_array_equal(weighted.rank, repeated.rank)


def test_distinct_points_survive_a_hash_collision(monkeypatch):
    X = np.round(points(n=50), 1)
    distinct, mass = discretisation.distinct_points(X, None)
    expected, counts = np.unique(X, axis=0, return_counts=True)
    order = np.lexsort(distinct.T[::-1])
    np.testing.assert_array_equal(distinct[order], expected)
    np.testing.assert_array_equal(mass[order], counts)
    monkeypatch.setattr(discretisation, "hash_points", lambda bits, out: out.fill(0))
    collided, mass = discretisation.distinct_points(X, None)
    np.testing.assert_array_equal(collided, expected)
    np.testing.assert_array_equal(mass, counts)
