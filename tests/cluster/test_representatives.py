# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
from sklearn.cluster import KMeans

from skdeepclust.cluster import _representatives as representatives
from skdeepclust.consensus._parts import LocalParts


def choose(X, p, dtype=np.float64, **parameters):
    return representatives.choose_representatives(LocalParts(X), p, 0, dtype, **parameters)


def test_distinct_and_at_most_p():
    X = np.repeat(np.eye(6), 30, axis=0)
    R = choose(X, 50)
    np.testing.assert_array_equal(R, np.eye(6)[::-1])
    few = choose(np.random.default_rng(0).normal(size=(500, 3)), 20, np.float32)
    assert few.shape == (20, 3)
    assert few.dtype == np.float32


def test_lloyd_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 7)).astype(np.float32) + 50
    weights = rng.integers(1, 4, 1500).astype(float)
    ours = representatives.lloyd_centres(X, weights, X[:40], 10)
    model = KMeans(40, init=X[:40], n_init=1, max_iter=10, tol=0, algorithm="lloyd").fit(X, sample_weight=weights)
    inertia = (weights * ((X[:, None].astype(float) - ours[None]) ** 2).sum(axis=2).min(axis=1)).sum()
    assert abs(inertia - model.inertia_) < 1e-3 * model.inertia_


def test_order_and_repetition_do_not_matter_where_the_sample_is_all():
    rng = np.random.default_rng(0)
    X, counts = rng.normal(size=(120, 3)), rng.integers(0, 4, 120)
    repeated = rng.permutation(np.repeat(X, counts, axis=0))
    np.testing.assert_array_equal(choose(X, 30, weights=counts.astype(float)), choose(repeated, 30))


def test_rows_of_no_weight_are_never_chosen_and_heavy_ones_more_often():
    weights = np.array([0.0] * 50 + [1.0] * 100 + [20.0] * 100)
    rows = np.concatenate([representatives.weighted_rows(weights, 40, seed) for seed in range(50)])
    assert rows.min() >= 50
    assert np.mean(rows >= 150) > 0.8
    assert len(np.unique(representatives.weighted_rows(weights, 200, 0))) == 200


def test_unit_rows():
    R = choose(np.random.default_rng(0).normal(size=(200, 4)) * 5, 10, unit=True)
    np.testing.assert_allclose(np.linalg.norm(R, axis=1), 1)
