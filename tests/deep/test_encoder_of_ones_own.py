# SPDX-License-Identifier: BSD-3-Clause
"""Ensembles over the layers of a network that is not trained, or trained on the features of one."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skdeepclust.cluster import BaseClusterings
from skdeepclust.consensus import EntropyWeightedConsensus
from skdeepclust.deep import DEPICT, DeepClusterEnsemble, IcicleGCN
from skdeepclust.deep._prepared_encoder import encoder_branches, encoder_layers, prepare_encoder
from skdeepclust.encoders import ContrastiveEncoder, FrozenEncoder

quiet = pytest.mark.filterwarnings(
    "ignore::skdeepclust._support._warnings.ClusterCollapseWarning",
    "ignore::skdeepclust._support._warnings.UniformTargetWarning",
)
BYTES = (load_digits().images[:120] * (255 / 16)).astype(np.uint8)


class Counting(nn.Sequential):
    """Counts its passes, those of all its copies together."""

    passes = 0

    def forward(self, x):
        Counting.passes += 1
        return super().forward(x)


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Counting(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 10, 3), nn.ReLU())


def frozen(network, **parameters):
    return FrozenEncoder(network, ("1", "3"), device="cpu", **parameters)


def ensemble(encoder, **parameters):
    return DeepClusterEnsemble(
        4, encoder=encoder, random_state=0, **{"n_estimators": 4, "base_n_clusters": (5, 8), **parameters}
    )


def test_each_layer_of_a_frozen_network_is_clustered(network):
    model = ensemble(frozen(network)).fit(BYTES)
    assert model.encoder_.image_shape_ == (8, 8, 1)
    assert [e.n_features_in_ for e in model.base_clusterings_.estimators_] == [6, 6, 10, 10]
    assert model.history_ == []
    np.testing.assert_array_equal(model.predict(BYTES), model.labels_)
    parts = make_pipeline(
        frozen(network),
        BaseClusterings(4, group_sizes=(6, 10), base_n_clusters=(5, 8), random_state=0),
        EntropyWeightedConsensus(4, theta=0.6, random_state=0),
    )
    np.testing.assert_array_equal(parts.fit_predict(BYTES), model.labels_)


def test_features_on_disk_give_the_same_labels(network, tmp_path):
    expected = ensemble(frozen(network)).fit(BYTES).labels_
    model = ensemble(frozen(network, features_dir=tmp_path)).fit(BYTES)
    np.testing.assert_array_equal(model.labels_, expected)
    assert len(list(tmp_path.glob("features-*.npy"))) == 1


def test_the_cache_knows_an_equal_network(network, tmp_path):
    first = ensemble(frozen(network), memory=str(tmp_path)).fit(BYTES)
    passes = Counting.passes
    again = ensemble(frozen(network), memory=str(tmp_path)).fit(BYTES)  # cloned anew, at another place in memory
    assert Counting.passes == passes
    np.testing.assert_array_equal(again.labels_, first.labels_)
    other = FrozenEncoder(network, ("3",), device="cpu")
    ensemble(other, memory=str(tmp_path)).fit(BYTES)
    assert Counting.passes > passes


@pytest.fixture(scope="module")
def on_frozen_features(network):
    heads = ContrastiveEncoder(
        4, layers=("instance", "cluster_hidden", "cluster"), max_epochs=1, batch_size=32, device="cpu"
    )
    return ensemble(make_pipeline(frozen(network), heads)).fit(BYTES)


def test_heads_are_trained_on_frozen_features(on_frozen_features):
    first, last = on_frozen_features.encoder_
    assert first.image_shape_ == (8, 8, 1)
    assert last.image_shape_ is None  # features are a table
    assert last.random_state == 0
    assert last.n_features_in_ == 16
    assert on_frozen_features.history_ == last.history_
    assert on_frozen_features.n_iter_ == 1
    np.testing.assert_array_equal(on_frozen_features.predict(BYTES), on_frozen_features.labels_)


def test_the_last_step_says_what_the_layers_are(on_frozen_features):
    base = on_frozen_features.base_clusterings_
    assert base.group_sizes == on_frozen_features.encoder_[-1].layer_sizes_
    assert base.score_groups == (2,)  # the cluster head is read, not clustered
    assert len(np.unique(base.groups_)) == 3


def test_pipelines_of_scikit_learn(network):
    rows = BYTES.reshape(120, 64).astype(float)
    model = ensemble(make_pipeline(StandardScaler(), PCA(5)), verbose=1).fit(rows)
    assert [e.n_features_in_ for e in model.base_clusterings_.estimators_] == [5] * 4
    np.testing.assert_array_equal(model.predict(rows), model.labels_)


def test_steps_of_nested_pipelines():
    scaler, pca, heads = StandardScaler(), PCA(3), ContrastiveEncoder(4)
    pipeline = make_pipeline(scaler, "passthrough", make_pipeline(pca, heads))
    assert encoder_branches(pipeline) == [[scaler, pca, heads]]
    (prepared,) = encoder_branches(prepare_encoder(pipeline, (8, 8, 1), 7))
    assert [step.get_params().get("random_state") for step in prepared] == [None, 7, 7]
    assert prepared[2].image_shape is None
    assert prepare_encoder(make_pipeline(heads), (8, 8, 1), 7)[0].image_shape == (8, 8, 1)
    assert heads.random_state is None


def test_a_union_at_the_end_of_a_pipeline():
    scaler, pca, first, second = StandardScaler(), PCA(3), ContrastiveEncoder(4), ContrastiveEncoder(4)
    union = FeatureUnion([("a", first), ("none", "drop"), ("b", make_pipeline(pca, second))])
    assert encoder_branches(make_pipeline(scaler, union)) == [[scaler, first], [scaler, pca, second]]


@quiet
def test_a_frozen_estimator_is_not_trained_again():
    network = DEPICT(4, hidden_sizes=(8,), max_epochs=3, batch_size=32, random_state=0).fit(BYTES)
    before = network.transform(BYTES)
    model = ensemble(FrozenEstimator(network), n_estimators=6).fit(BYTES)
    assert model.encoder_.estimator is network
    np.testing.assert_array_equal(network.transform(BYTES), before)
    assert model.base_clusterings_.group_sizes == network.layer_sizes_
    graph = IcicleGCN(4, encoder=FrozenEstimator(network), hidden_sizes=(8,), max_iter=4, random_state=0).fit(BYTES)
    assert graph.encoder_.estimator is network


@quiet
def test_layers_of_several_networks():
    """Each network is seeded on its own, told the shape of images, and clustered layer by layer; each head is read."""
    network = ContrastiveEncoder(4, layers=("instance", "cluster"), projection_dim=16, max_epochs=2, batch_size=32)
    other = DEPICT(4, hidden_sizes=(8,), max_epochs=3, batch_size=32)
    union = FeatureUnion([("a", network), ("pca", PCA(5)), ("b", clone(network)), ("c", other)])
    model = ensemble(union, n_estimators=9).fit(BYTES)
    assert encoder_layers(model.encoder_) == ((16, 4, 5, 16, 4, 10, 4), (1, 4, 6))
    assert model.base_clusterings_.group_sizes == (16, 4, 5, 16, 4, 10, 4)
    first, _, second, third = (part for _, part in model.encoder_.transformer_list)
    assert first.image_shape_ == second.image_shape_ == third.image_shape_ == (8, 8, 1)
    assert not np.array_equal(first.transform(BYTES), second.transform(BYTES))
    np.testing.assert_array_equal(model.predict(BYTES), model.labels_)
    again = ensemble(union, n_estimators=9).fit(BYTES)
    np.testing.assert_array_equal(again.labels_, model.labels_)


def test_a_pipeline_cannot_be_watched(network):
    encoder = make_pipeline(frozen(network), ContrastiveEncoder(4))
    with pytest.raises(ValueError, match="stop_agreement=0.9 needs an encoder of this package.*encoder=Pipeline"):
        ensemble(encoder, stop_agreement=0.9).fit(BYTES)
