# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA

from skdeepclust import ContrastiveEncoder, DeepClusterEnsemble

X, _ = make_blobs(64, centers=3, n_features=5, cluster_std=0.3, random_state=0)


def small(**parameters):
    parameters = {"n_estimators": 4, "batch_size": 16, "max_epochs": 200, "random_state": 0, **parameters}
    return DeepClusterEnsemble(3, precision="float32", device="cpu", **parameters)


def test_a_settled_consensus_ends_the_training():
    model = small(stop_agreement=0.5).fit(X)
    checks = [(r["epoch"], r["agreement"]) for r in model.history_ if "agreement" in r]
    assert [epoch for epoch, _ in checks[:2]] == [50, 75]  # four steps an epoch, a hundred steps between two checks
    assert all(agreement >= 0.5 for _, agreement in checks)
    # Two agreeing checks, then a quarter of the 300 steps made until then.
    assert model.n_iter_ == pytest.approx(75 * 1.25, abs=1)
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_checks_do_not_change_the_training():
    """A bar that is never reached twice in a row leaves the network as it is without checks."""
    watched = small(max_epochs=60, stop_agreement=1.0).fit(X)
    alone = small(max_epochs=60).fit(X)
    assert sum("agreement" in r for r in watched.history_) == 1
    np.testing.assert_array_equal(watched.encoder_.transform(X), alone.encoder_.transform(X))


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_values_out_of_range_are_refused(value):
    with pytest.raises(ValueError, match=r"stop_agreement must be a number >= 0 and <= 1"):
        small(stop_agreement=value).fit(X)


def test_another_encoder_cannot_be_watched():
    with pytest.raises(ValueError, match="stop_agreement=0.9 needs an encoder of this package"):
        small(stop_agreement=0.9, encoder=PCA(2)).fit(X)


def test_an_encoder_of_the_user_is_watched():
    encoder = ContrastiveEncoder(3, batch_size=16, max_epochs=200, backbone="mlp", device="cpu")
    assert small(stop_agreement=0.5, encoder=encoder).fit(X).n_iter_ < 100
