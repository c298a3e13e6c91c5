# SPDX-License-Identifier: BSD-3-Clause
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from path_integral_twin import graph, merge
from sklearn.datasets import make_blobs, make_circles
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust._support._warnings import ClusterCollapseWarning, FallbackWarning
from skdeepclust.cluster import PathIntegralClustering
from skdeepclust.metrics import clustering_accuracy

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "depict_mnist_test.npz"


def blobs(n=300, centers=4, seed=0, d=6):
    return make_blobs(n, centers=centers, n_features=d, random_state=seed)


def same_partition(a, b):
    pairs = set(zip(a.tolist(), b.tolist(), strict=True))
    return len(pairs) == len(set(a.tolist())) == len(set(b.tolist()))


@pytest.mark.skipif(not GOLDEN.exists(), reason="golden data not at hand")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("min_cluster_size", [1, 0.1])
def test_golden_labels(dtype, min_cluster_size):
    golden = np.load(GOLDEN, allow_pickle=False)
    z = golden["z"].astype(dtype)
    z.flags.writeable = False
    model = PathIntegralClustering(10, min_cluster_size=min_cluster_size).fit(z)
    assert same_partition(model.labels_, golden["acpic_labels"])
    assert model.kernel_width_ == pytest.approx(0.128336, abs=5e-7)
    assert model.initial_labels_.max() + 1 == 2196
    assert clustering_accuracy(golden["y_true"], model.labels_) == pytest.approx(0.9333, abs=5e-5)
    assert normalized_mutual_info_score(golden["y_true"], model.labels_) == pytest.approx(0.8645428, abs=5e-7)
    np.testing.assert_array_equal(model.predict(z), model.labels_)


@pytest.mark.parametrize("seed", range(4))
def test_the_published_steps(seed):
    rng = np.random.default_rng(seed)
    X = np.concatenate([rng.normal(size=(60, 3)), 0.6 * rng.normal(size=(70, 3)) + 2.5])
    P, initial = graph(X, K=10, scale=0.7)
    labels, pairs, found = merge(P, initial, 3)
    model = PathIntegralClustering(3, n_neighbors=10, scale=0.7, min_cluster_size=1).fit(X)
    np.testing.assert_array_equal(model.initial_labels_, initial)
    assert model.n_merges_ == len(pairs)
    np.testing.assert_array_equal(model.children_[: len(pairs)], pairs)
    np.testing.assert_allclose(model.affinities_[: len(pairs)], found, rtol=1e-12)
    assert same_partition(model.labels_, labels)
    assert model.children_.shape == (initial.max(), 2)


@pytest.mark.parametrize("d", [2, 6, 40])  # by a tree, and by products
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blobs_and_the_contract(d, dtype):
    X, y = blobs(d=d)
    X = X.astype(dtype)
    model = PathIntegralClustering(4).fit(X)
    assert adjusted_rand_score(model.labels_, y) > (0.99 if d > 2 else 0.8)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal([model.predict(x[None])[0] for x in X[:50]], model.labels_[:50])
    new = (X[:100] + X[100:200]) / 2
    P = model.predict_proba(np.concatenate([new, X]))
    np.testing.assert_array_equal(P.argmax(axis=1), model.predict(np.concatenate([new, X])))
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_array_equal(np.vstack([model.predict_proba(x[None]) for x in new[:20]]), P[:20])
    assert np.bincount(model.labels_).tolist() == sorted(np.bincount(model.labels_), reverse=True)
    assert model.labels_.dtype == np.int32
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(new), model.predict(new))


def test_new_rows_get_the_weights_of_their_neighbours():
    X, _ = blobs(d=2)
    model = PathIntegralClustering(4, n_neighbors=7).fit(X)
    new = np.random.default_rng(1).uniform(X.min(), X.max(), (50, 2))
    D = ((new[:, None] - X[None]) ** 2).sum(axis=2)
    for row, shares in zip(D, model.predict_proba(new), strict=True):
        near = np.argsort(row)[:7]
        weights = np.exp(-(row[near] - row.min()) / model.kernel_width_)
        expected = np.bincount(model.labels_[near], weights=weights, minlength=4) / weights.sum()
        np.testing.assert_allclose(shares, expected, atol=1e-12)


def test_rings_and_the_order_of_rows():
    X, y = make_circles(1500, factor=0.5, noise=0.04, random_state=0)
    model = PathIntegralClustering(2).fit(X)
    assert adjusted_rand_score(y, model.labels_) == 1
    order = np.random.default_rng(0).permutation(len(X))
    model = PathIntegralClustering(5).fit(X)
    other = PathIntegralClustering(5).fit(X[order])
    assert same_partition(other.labels_, model.labels_[order])
    np.testing.assert_allclose(other.affinities_, model.affinities_, rtol=1e-9)


def test_layout_and_storage_do_not_matter():
    X, _ = blobs()
    expected = PathIntegralClustering(4).fit_predict(X)
    stored = X.copy()
    stored.flags.writeable = False
    for other in (np.asfortranarray(X), stored, X.tolist(), np.repeat(X, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(PathIntegralClustering(4).fit_predict(other), expected)


@pytest.mark.parametrize("k", [1, 2, 3, 30])
def test_equal_rows_stay_together(k):
    X = np.repeat(np.random.default_rng(0).normal(size=(30, 3)), 35, axis=0)  # more copies than neighbours
    X = X[np.random.default_rng(1).permutation(len(X))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackWarning)  # no edge leaves a row and its copies
        model = PathIntegralClustering(k).fit(X)
    assert model.n_clusters_ == k
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert len(np.unique(np.column_stack([X, model.labels_]), axis=0)) == 30


def test_fewer_distinct_rows_than_clusters():
    X = np.repeat(np.eye(3), 20, axis=0)
    with pytest.warns(ClusterCollapseWarning, match="n_clusters=5"):
        model = PathIntegralClustering(5).fit(X)
    assert model.n_clusters_ == 3
    assert same_partition(model.labels_, np.repeat(np.arange(3), 20))
    with pytest.warns(ClusterCollapseWarning, match="n_clusters=2"):
        assert PathIntegralClustering(2).fit(np.ones((20, 2))).n_clusters_ == 1


@pytest.mark.parametrize("k", [40, 59, 60])
def test_more_clusters_than_groups_of_neighbours(k):
    X, _ = blobs(60)
    with pytest.warns(FallbackWarning, match="started from single rows"):
        model = PathIntegralClustering(k).fit(X)
    assert model.n_clusters_ == k
    np.testing.assert_array_equal(np.unique(model.labels_), np.arange(k))
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal(model.initial_labels_, np.arange(60))


def test_parts_without_an_edge_between_them():
    rng = np.random.default_rng(0)
    centres = np.array([0.0, 1.0, 3.0, 7.0])  # neighbours at distances 1, 2 and 4
    X = np.repeat(centres, 30)[:, None] + rng.uniform(-0.1, 0.1, (120, 2))
    y = np.repeat(np.arange(4), 30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same_partition(PathIntegralClustering(4, n_neighbors=5).fit_predict(X), y)
    for k, joined in ((3, [0, 0, 1, 2]), (2, [0, 0, 0, 1]), (1, [0, 0, 0, 0])):
        with pytest.warns(FallbackWarning, match=f"{4 - k} because their centres are near"):
            model = PathIntegralClustering(k, n_neighbors=5).fit(X)
        assert same_partition(model.labels_, np.array(joined)[y])
        assert not model.affinities_[-3:].any()


def test_a_table_with_few_distinct_rows():
    """No edge leaves a row and its copies; the distinct rows make up a graph of their own."""
    distinct, y = make_blobs(120, centers=3, n_features=6, cluster_std=2.5, random_state=0)
    X, y = np.repeat(distinct, 25, axis=0), np.repeat(y, 25)
    with pytest.warns(FallbackWarning, match="because their centres are near"):
        assert adjusted_rand_score(PathIntegralClustering(3).fit_predict(X), y) > 0.9


def test_edges_in_one_direction():
    """A pair whose neighbours do not look back at it is nearer to them than the far part."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(40, 2)), rng.normal(size=(40, 2)) + 40, [[9.0, 0.0], [9.1, 0.0]]])
    with pytest.warns(FallbackWarning, match="1 were merged along edges in one direction, 0 because"):
        labels = PathIntegralClustering(2, n_neighbors=5, min_cluster_size=1).fit_predict(X)
    assert same_partition(labels, np.repeat([0, 1, 0], [40, 40, 2]))


def test_outliers_are_no_clusters_of_their_own():
    X, y = blobs(600, centers=3, d=3)
    X = np.concatenate([X, X.mean(axis=0) + np.array([[60.0, 0, 0], [60.1, 0, 0], [0, 80.0, 0], [0, 80.1, 0]])])
    plain = PathIntegralClustering(3, n_neighbors=15, min_cluster_size=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackWarning)
        assert np.bincount(plain.fit_predict(X)).min() == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = PathIntegralClustering(3, n_neighbors=15).fit(X)
        np.testing.assert_array_equal(
            PathIntegralClustering(3, n_neighbors=15, min_cluster_size=10).fit_predict(X), model.labels_
        )
    assert adjusted_rand_score(model.labels_[:600], y) > 0.98
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_a_least_size_that_cannot_be_had_is_lowered():
    X, y = blobs(100, centers=4)
    model = PathIntegralClustering(4, min_cluster_size=90).fit(X)
    assert same_partition(model.labels_, y)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"n_clusters": 301}, ValueError),
        ({"n_clusters": "auto"}, TypeError),
        ({"n_neighbors": 0}, ValueError),
        ({"scale": 0.0}, ValueError),
        ({"scale": "1"}, TypeError),
        ({"min_cluster_size": 0}, ValueError),
        ({"min_cluster_size": 1.5}, ValueError),
        ({"min_cluster_size": None}, TypeError),
    ],
)
def test_messages_name_the_parameter(parameters, error):
    with pytest.raises(error, match=next(iter(parameters))):
        PathIntegralClustering(**{"n_clusters": 4, **parameters}).fit(blobs()[0])


@pytest.mark.parametrize("d", [3, 40])
def test_overflow_is_named(d):
    X, _ = blobs(d=d)
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="overflow"):
        PathIntegralClustering(4).fit(X * 1e200)
    P = PathIntegralClustering(4).fit(X).predict_proba(np.full((2, d), 1e200))  # as far from one row as from another
    np.testing.assert_allclose(P.sum(axis=1), 1)


def test_nothing_is_random_and_nothing_is_warned_of_on_ordinary_data():
    X, _ = blobs()
    before = np.random.get_state()  # noqa: NPY002 - the global generator is what this is about
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels = PathIntegralClustering(4).fit_predict(X)
    np.testing.assert_array_equal(PathIntegralClustering(4).fit_predict(X), labels)
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
