# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust.cluster import USENC
from skdeepclust.consensus import ensemble_cluster_index

X, Y = make_blobs(150, centers=3, n_features=5, random_state=0)


def test_blobs_and_the_contract():
    model = USENC(3, n_estimators=5, random_state=0).fit(X)
    assert adjusted_rand_score(model.labels_, Y) > 0.99
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal([model.predict(x[None])[0] for x in X[:40]], model.labels_[:40])
    P = model.predict_proba(X)
    np.testing.assert_array_equal(P.argmax(axis=1), model.labels_)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    assert model.n_clusters_ == 3
    assert model.base_labels_.shape == (150, 5)


def test_digits_in_the_published_range():
    digits, classes = load_digits(return_X_y=True)
    model = USENC(10, n_representatives=300, random_state=0).fit(digits)
    assert normalized_mutual_info_score(classes, model.labels_) > 0.85


def test_weights_and_workers():
    weighted = USENC(3, n_estimators=4, theta=0.4, random_state=0).fit(X)
    weights = ensemble_cluster_index(weighted.base_labels_, 0.4)  # as published, whatever the consensus's default
    np.testing.assert_allclose(weighted.consensus_.cluster_weights_, weights, atol=1e-12)
    assert weights.min() < 1
    assert weighted.consensus_.method == "transfer_cut"
    other = USENC(3, n_estimators=4, theta=0.4, random_state=0, n_jobs=2).fit(X)
    np.testing.assert_array_equal(other.labels_, weighted.labels_)


@pytest.mark.parametrize("k", [0, 151])
def test_bad_number_of_clusters(k):
    with pytest.raises(ValueError, match="n_clusters"):
        USENC(k).fit(X)
