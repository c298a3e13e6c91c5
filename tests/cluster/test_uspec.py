# SPDX-License-Identifier: BSD-3-Clause
import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_circles
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust._support._warnings import ClusterCollapseWarning
from skdeepclust.cluster import USPEC


def blobs(n=300, centers=4, seed=0, d=6):
    return make_blobs(n, centers=centers, n_features=d, random_state=seed)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blobs_and_the_contract(metric, dtype):
    X, y = blobs()
    X = X.astype(dtype)
    model = USPEC(4, n_representatives=60, metric=metric, random_state=0).fit(X)
    assert adjusted_rand_score(model.labels_, y) > (0.99 if metric == "euclidean" else 0.95)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal([model.predict(x[None])[0] for x in X], model.labels_)
    P = model.predict_proba(X)
    np.testing.assert_array_equal(P.argmax(axis=1), model.labels_)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_array_equal(np.vstack([model.predict_proba(x[None]) for x in X[:20]]), P[:20])
    assert np.bincount(model.labels_).tolist() == sorted(np.bincount(model.labels_), reverse=True)
    assert model.labels_.dtype == np.int32


def test_circles():
    X, y = make_circles(50_000, factor=0.5, noise=0.03, random_state=0)
    model = USPEC(2, random_state=0).fit(X)
    assert normalized_mutual_info_score(y, model.labels_) > 0.99
    np.testing.assert_array_equal(model.predict(X[::-1]), model.labels_[::-1])


def test_layout_and_storage_do_not_matter(tmp_path):
    X, _ = blobs()
    X = X.astype(np.float32)
    expected = USPEC(4, n_representatives=60, random_state=0).fit_predict(X)
    file = np.memmap(tmp_path / "X.dat", dtype=np.float32, mode="w+", shape=X.shape)
    file[:] = X
    file.flush()
    stored = np.memmap(tmp_path / "X.dat", dtype=np.float32, mode="r", shape=X.shape)
    for other in (np.asfortranarray(X), stored, X.tolist()):
        other = np.asarray(other, dtype=np.float32) if isinstance(other, list) else other
        np.testing.assert_array_equal(USPEC(4, n_representatives=60, random_state=0).fit_predict(other), expected)


def test_images_as_bytes():
    X = np.random.default_rng(0).integers(0, 256, (100, 12), dtype=np.uint8)
    as_bytes = USPEC(3, random_state=0).fit_predict(X)
    np.testing.assert_array_equal(as_bytes, USPEC(3, random_state=0).fit_predict(X.astype(np.float32)))


@pytest.mark.parametrize(
    ("X", "k"),
    [
        (np.repeat(np.eye(3), 20, axis=0), 3),  # duplicated rows
        (np.hstack([blobs(60)[0], np.ones((60, 1))]), 4),  # constant feature
        (blobs(30)[0], 4),  # far fewer rows than representatives
        (blobs(5, centers=2)[0], 5),  # as many clusters as rows
        (blobs(40)[0][:, :1], 3),  # one feature
    ],
)
def test_small_and_degenerate_data(X, k):
    model = USPEC(k, random_state=0).fit(X)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert model.n_clusters_ == k


def test_constant_data_collapse_to_one_cluster():
    with pytest.warns(ClusterCollapseWarning, match="n_clusters=3"):
        model = USPEC(3, random_state=0).fit(np.ones((20, 2)))
    assert model.n_clusters_ == 1
    assert not model.labels_.any()


def test_idle_representatives_are_dropped():
    X, _ = blobs(2000)
    model = USPEC(4, n_representatives=150, n_neighbors=1, random_state=0).fit(X)
    assert np.isfinite(model.column_vectors_).all()
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_more_rows_than_kmeans_takes(monkeypatch):
    monkeypatch.setattr("skdeepclust.consensus._discretise.MAX_KMEANS_ROWS", 200)
    X, y = blobs(1000)
    model = USPEC(4, n_representatives=60, random_state=0).fit(X)
    assert adjusted_rand_score(model.labels_, y) > 0.99
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_global_generator_is_left_alone():
    before = np.random.get_state()  # noqa: NPY002 - the global generator is what this is about
    USPEC(3).fit(blobs(50)[0])
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(after[1], before[1])
    assert after[2:] == before[2:]


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"n_clusters": 301}, ValueError),
        ({"n_clusters": "4"}, TypeError),
        ({"n_representatives": 0}, ValueError),
        ({"n_neighbors": 0}, ValueError),
        ({"metric": "manhattan"}, ValueError),
        ({"n_init": 0}, ValueError),
        ({"max_iter": 0}, ValueError),
    ],
)
def test_messages_name_the_parameter(parameters, error):
    with pytest.raises(error, match=next(iter(parameters))):
        USPEC(**{"n_clusters": 4, **parameters}).fit(blobs()[0])


def test_no_warnings_on_ordinary_data():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        USPEC(4, random_state=0).fit(blobs()[0])


def test_a_memory_map_is_never_copied_whole(tmp_path):
    shape = (100_000, 100)
    file = np.memmap(tmp_path / "X.dat", dtype=np.uint8, mode="w+", shape=shape)
    file[:] = np.random.default_rng(0).integers(0, 40, shape, dtype=np.uint8)
    file[::2] += 100
    file.flush()
    stored = np.memmap(tmp_path / "X.dat", dtype=np.uint8, mode="r", shape=shape)
    USPEC(2, n_representatives=40, random_state=0).fit(stored[:500])  # compile
    tracemalloc.start()
    try:
        model = USPEC(2, n_representatives=40, random_state=0).fit(stored)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * stored.size  # what one float32 copy would take
    assert adjusted_rand_score(model.labels_, np.arange(len(stored)) % 2) == 1


def test_many_representatives_take_the_sparse_solver(monkeypatch):
    X, y = blobs(4000, d=2)
    expected = USPEC(4, n_representatives=900, random_state=0).fit(X)
    monkeypatch.setattr("skdeepclust.consensus._spectrum.MAX_DENSE_COLUMNS", 300)
    monkeypatch.setattr("scipy.linalg.eigh", None)  # must not be used
    model = USPEC(4, n_representatives=900, random_state=0).fit(X)
    np.testing.assert_allclose(model.spectrum_, expected.spectrum_, atol=1e-8)
    assert (model.labels_ == expected.labels_).mean() > 0.998  # the last digits of V decide on the border
