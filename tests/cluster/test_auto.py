# SPDX-License-Identifier: BSD-3-Clause
"""n_clusters="auto" in everything that ends in a transfer cut."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from skdeepclust.cluster import USENC, USPEC, BaseClusterings
from skdeepclust.consensus import EntropyWeightedConsensus, TransferCut, eigengap_n_clusters, transfer_cut

CENTRES = np.array([[0, 0], [9, 0], [0, 9], [9, 9], [18, 0]])
X, Y = make_blobs([160, 130, 100, 70, 40], centers=CENTRES, random_state=0)
PAIRED = np.eye(10)[2 * Y + np.arange(500) % 2] + np.eye(10)[2 * Y] + 0.001  # two columns per cluster
VOTES = BaseClusterings(12, base_n_clusters=(8, 14), random_state=0).fit_transform(X)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (USPEC("auto", n_representatives=100, random_state=0), X),
        (USENC("auto", n_estimators=8, n_representatives=100, random_state=0), X),
        (EntropyWeightedConsensus("auto", random_state=0), VOTES),
        (EntropyWeightedConsensus("auto", method="diffusion", random_state=0), VOTES),
        (TransferCut("auto", random_state=0), PAIRED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_five_blobs(model, data):
    model.fit(data)
    assert model.n_clusters_ == 5 == eigengap_n_clusters(model.spectrum_)
    assert adjusted_rand_score(Y, model.labels_) > 0.99
    np.testing.assert_array_equal(model.predict(data), model.labels_)
    assert model.predict_proba(data).shape == (500, 5)
    known = clone(model).set_params(n_clusters=5).fit(data)
    np.testing.assert_array_equal(known.labels_, model.labels_)
    assert len(model.transform(data)[0]) == 5


def test_function_and_partial_fit():
    assert len(np.unique(transfer_cut(PAIRED, "auto", random_state=0))) == 5
    model = EntropyWeightedConsensus("auto", random_state=0).partial_fit(VOTES[:300]).partial_fit(VOTES[300:])
    assert model.n_clusters_ == 5


@pytest.mark.parametrize("n", [2, 3, 12])
def test_few_rows(n):
    model = USPEC("auto", random_state=0).fit(X[:n])
    assert 1 <= model.n_clusters_ <= n
    np.testing.assert_array_equal(model.predict(X[:n]), model.labels_)


@pytest.mark.parametrize("model", [USPEC("many"), USENC(2.5), EntropyWeightedConsensus("many"), TransferCut(None)])
def test_messages(model):
    with pytest.raises(TypeError, match="n_clusters"):
        model.fit(np.abs(X).astype(int))


def test_the_tree_has_no_spectrum():
    with pytest.raises(ValueError, match="n_clusters='auto'"):
        EntropyWeightedConsensus("auto", method="average").fit(VOTES)
