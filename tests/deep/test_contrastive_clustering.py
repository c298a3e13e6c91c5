# SPDX-License-Identifier: BSD-3-Clause
import pickle
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs

from skdeepclust._support._warnings import ClusterCollapseWarning
from skdeepclust.deep import ContrastiveClustering
from skdeepclust.encoders import ContrastiveEncoder

IMAGES = load_digits().images[:120]
quiet = pytest.mark.filterwarnings("ignore::skdeepclust._support._warnings.ClusterCollapseWarning")


def small(n_clusters=4, **parameters):
    defaults = {"max_epochs": 10, "batch_size": 20, "device": "cpu", "random_state": 0}
    return ContrastiveClustering(n_clusters, **{**defaults, **parameters})


@pytest.fixture(scope="module")
def fitted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusterCollapseWarning)
        return small().fit(IMAGES)


def test_labels_of_the_training_rows(fitted):
    assert fitted.labels_.dtype == np.int32
    np.testing.assert_array_equal(fitted.predict(IMAGES), fitted.labels_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusterCollapseWarning)
        np.testing.assert_array_equal(small().fit_predict(IMAGES), fitted.labels_)


@quiet
@pytest.mark.parametrize("seed", range(4))
def test_labels_are_numbered_by_size(seed):
    X, _ = make_blobs([10, 40, 70], n_features=6, cluster_std=0.5, random_state=1)
    model = small(5, max_epochs=15, random_state=seed).fit(X)
    sizes = np.bincount(model.labels_)
    assert len(sizes) == model.n_clusters_ > 1
    assert sizes.min() > 0
    assert (np.diff(sizes) <= 0).all()


def test_memberships(fitted):
    p = fitted.predict_proba(IMAGES)
    assert p.shape == (120, fitted.n_clusters_)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(p.argmax(axis=1), fitted.labels_)
    np.testing.assert_array_equal(fitted.transform(IMAGES), p)


def test_labels_are_those_of_the_cluster_head(fitted):
    encoder = ContrastiveEncoder(4, layers=("cluster",), max_epochs=10, batch_size=20, device="cpu", random_state=0)
    logits = encoder.fit(IMAGES).transform(IMAGES).astype(float)
    winners = logits.argmax(axis=1)
    assert len(set(zip(winners.tolist(), fitted.labels_.tolist(), strict=True))) == fitted.n_clusters_
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if fitted.n_clusters_ == 4:
        np.testing.assert_allclose(fitted.predict_proba(IMAGES), softmax[:, fitted.heads_], rtol=1e-6)


def test_a_row_has_the_same_answer_in_any_company(fitted):
    p = fitted.predict_proba(IMAGES)
    for rows in (slice(0, 1), slice(50, 51), slice(119, 120), slice(3, 90), slice(None, None, -1)):
        np.testing.assert_array_equal(fitted.predict_proba(IMAGES[rows]), p[rows])


@quiet
def test_flattened_images_are_images(fitted):
    flat = IMAGES.reshape(120, -1)
    np.testing.assert_array_equal(small(image_shape=(8, 8)).fit(flat).labels_, fitted.labels_)
    np.testing.assert_array_equal(fitted.predict(flat), fitted.labels_)


def test_blobs_are_found():
    X, y = make_blobs(120, centers=3, n_features=6, cluster_std=0.5, random_state=1)
    labels = small(3, max_epochs=25, batch_size=40).fit_predict(X)
    assert len(set(zip(labels.tolist(), y.tolist(), strict=True))) == 3


def test_pickle(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(IMAGES), fitted.predict_proba(IMAGES))


def test_a_collapse_is_reported_and_survived():
    """Forty clusters are more than the head can tell apart in one epoch on forty rows of two dimensions."""
    X, _ = make_blobs(40, centers=2, random_state=0)
    with pytest.warns(ClusterCollapseWarning, match=r"uses \d+ of the 40 clusters asked for.*max_epochs"):
        model = small(40, max_epochs=1).fit(X)
    assert model.n_clusters_ < 40
    np.testing.assert_array_equal(np.unique(model.labels_), np.arange(model.n_clusters_))
    p = model.predict_proba(X)
    assert p.shape == (40, model.n_clusters_)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert model.predict(10 * X).max() < model.n_clusters_


def test_one_cluster():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClusterCollapseWarning)
        model = small(1).fit(IMAGES)
    assert (model.labels_ == 0).all()
    np.testing.assert_array_equal(model.predict_proba(IMAGES), np.ones((120, 1)))


def test_layers_is_no_parameter():
    with pytest.raises(TypeError, match="layers"):
        ContrastiveClustering(layers=("backbone",))
