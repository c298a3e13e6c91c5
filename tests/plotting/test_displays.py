# SPDX-License-Identifier: BSD-3-Clause
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import pairwise_distances

from skdeepclust import USENC, DeepClusterEnsemble, PathIntegralClustering, stability_curve
from skdeepclust.metrics import ensemble_agreement
from skdeepclust.plotting import (
    ClusterMontageDisplay,
    CoassociationDisplay,
    EmbeddingDisplay,
    LayerReliabilityDisplay,
    StabilityDisplay,
    TrainingHistoryDisplay,
    cluster_montage,
)
from skdeepclust.plotting._coassociation import coassociation_blocks
from skdeepclust.plotting._embedding import middle_point, planar_map
from skdeepclust.plotting._fitted import features_of
from skdeepclust.plotting._palette import cluster_colors
from skdeepclust.plotting._reliability import reliability_of
from skdeepclust.plotting._training_history import history_curves

plt = pytest.importorskip("matplotlib.pyplot")
colors = pytest.importorskip("matplotlib.colors")

X, Y = make_blobs(150, n_features=5, centers=3, random_state=0)
IMAGES = load_digits().images[:120] / 16


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def ensemble():
    return USENC(3, n_estimators=6, base_n_clusters=(4, 8), n_representatives=60, theta=0.5, random_state=0).fit(X)


@pytest.fixture(scope="module")
def network():
    model = DeepClusterEnsemble(
        3, n_estimators=8, max_epochs=2, batch_size=60, base_n_clusters=(4, 8), device="cpu", random_state=0
    )
    return model.fit(IMAGES)


# ---- the map


def test_map_keeps_groups_together_and_its_seed():
    points = planar_map(X, random_state=0)
    assert points.shape == (150, 2)
    assert np.linalg.norm(points, axis=1).max() == pytest.approx(1)
    nearest = np.argsort(pairwise_distances(points) + 9 * np.eye(150), axis=1)[:, :3]
    assert (Y[nearest] == Y[:, None]).mean() > 0.98
    np.testing.assert_array_equal(points, planar_map(X, random_state=0))


@pytest.mark.parametrize("features", [X[:1], X[:5], X[:20, :1], np.ones((20, 4))])
@pytest.mark.filterwarnings("error")
def test_map_of_little(features):
    points = planar_map(features)
    assert points.shape == (len(features), 2)
    assert np.isfinite(points).all()


def test_middle_point_is_a_member():
    points = np.array([[0, 0], [1, 0], [2, 0], [1, 0.1], [5, 5]])
    assert middle_point(points, np.array([True, True, True, False, False])) == 1


def test_features_are_layers_of_equal_say_without_the_head(network):
    features = features_of(network, IMAGES)
    assert network.encoder_.layer_sizes_ == (256, 128, 256, 3)
    assert features.shape == (120, 640)
    for layer in np.split(features, [256, 384], axis=1):
        np.testing.assert_allclose(layer.mean(axis=0), 0, atol=1e-6)
        assert (layer**2).sum(axis=1).mean() == pytest.approx(1)
    np.testing.assert_array_equal(features_of(PathIntegralClustering(3), X), X)


def test_embedding_of_a_model(ensemble):
    display = EmbeddingDisplay.from_estimator(ensemble, X, max_points=60)
    assert display.points.shape == (60, 2)
    assert len(set(display.rows)) == 60
    np.testing.assert_array_equal(display.labels, ensemble.labels_[display.rows])
    np.testing.assert_array_equal(display.certainty, ensemble.predict_proba(X[display.rows]).max(axis=1))
    assert {text.get_text() for text in display.ax_.texts} == {"0", "1", "2"}
    drawn = np.asarray(display.scatter_.get_offsets())
    order = [int(np.flatnonzero((display.points == point).all(axis=1))[0]) for point in drawn]
    wanted = colors.to_rgba_array(np.array(cluster_colors(3))[display.labels[order]])[:, :3]
    np.testing.assert_allclose(display.scatter_.get_facecolors()[:, :3], wanted)


def test_embedding_shows_doubt_and_missing_labels():
    labels, certainty = np.where(np.arange(150) < 50, -1, Y), np.linspace(0, 1, 150)
    ax = plt.figure().add_subplot()
    display = EmbeddingDisplay.from_predictions(X, labels, certainty, ax=ax)
    assert display.ax_ is ax
    sizes, alphas = display.scatter_.get_sizes(), display.scatter_.get_facecolors()[:, 3]
    assert (np.diff(sizes) < 0).all()  # the certain ones are drawn first, below the others
    assert (np.diff(alphas) < 0).all()
    gray = (display.scatter_.get_facecolors()[:, :3] == 128 / 255).all(axis=1)
    assert gray.sum() == 50


# ---- the montage


def test_montage_is_the_one_without_matplotlib(network):
    display = ClusterMontageDisplay.from_estimator(network, IMAGES, n_certain=4, n_uncertain=2)
    certainty = network.predict_proba(IMAGES).max(axis=1)
    wanted = cluster_montage(IMAGES[..., None], network.labels_, certainty, n_certain=4, n_uncertain=2)
    np.testing.assert_array_equal(display.image_.get_array(), wanted)
    sizes = np.bincount(network.labels_)
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == [f"{c}  ({n})" for c, n in enumerate(sizes)]
    flat = ClusterMontageDisplay.from_estimator(network, IMAGES.reshape(120, -1), n_certain=4, n_uncertain=2)
    np.testing.assert_array_equal(flat.picture, wanted)


def test_montage_needs_images(ensemble):
    with pytest.raises(ValueError, match=r"X must hold images.*got a table"):
        ClusterMontageDisplay.from_estimator(ensemble, X)


# ---- co-association


def test_blocks_are_means_of_shared_labels():
    rng = np.random.default_rng(0)
    base = np.column_stack([np.where(rng.random(40) < 0.2, rng.integers(4, size=40), Y[:40]) for _ in range(5)])
    base[3, 1] = -1
    labels = np.where(np.arange(40) == 7, -1, Y[:40])
    blocks, own = coassociation_blocks(base, labels, n_blocks=39)  # a block for every row with a label
    together = np.ones((40, 40))
    for i in range(40):
        for j in range(40):
            both = (base[i] != -1) & (base[j] != -1)
            if i != j:
                together[i, j] = (base[i] == base[j])[both].mean()
    assert sorted(own) == list(own)
    np.testing.assert_array_equal(np.bincount(own), np.bincount(labels[labels != -1]))
    kept = np.delete(np.delete(together, 7, 0), 7, 1)
    np.testing.assert_allclose(np.sort(blocks.ravel()), np.sort(kept.ravel()))
    np.testing.assert_allclose(blocks, blocks.T)

    coarse, own = coassociation_blocks(base, labels, n_blocks=1)  # but one for each cluster at the least
    np.testing.assert_array_equal(own, [0, 1, 2])
    members = [np.flatnonzero(labels == c) for c in range(3)]
    wanted = [[together[np.ix_(a, b)].mean() for b in members] for a in members]
    np.testing.assert_allclose(coarse, wanted)


def test_coassociation_of_a_model(ensemble):
    display = CoassociationDisplay.from_estimator(ensemble, max_samples=90, n_blocks=30)
    assert 25 < len(display.blocks) < 35
    inside = display.block_labels[:, None] == display.block_labels
    assert display.blocks[inside].mean() > 0.2
    assert display.blocks[~inside].mean() < 0.05
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["0", "1", "2"]
    with pytest.raises(TypeError, match=r"base_labels_ and labels_; got PathIntegralClustering"):
        CoassociationDisplay.from_estimator(PathIntegralClustering(3))
    with pytest.raises(ValueError, match=r"got \(150, 6\) and \(3,\)"):
        CoassociationDisplay.from_predictions(ensemble.base_labels_, [0, 1, 2])


# ---- reliability


def test_reliability_of_an_ensemble(ensemble):
    found = reliability_of(ensemble)
    base, weights = ensemble.base_labels_, ensemble.consensus_.cluster_weights_
    sizes = [len(np.unique(column)) for column in base.T]
    start = 0
    for m, size in enumerate(sizes):
        assert found.weight[m] == pytest.approx(np.mean([weights[start + label] for label in base[:, m]]))
        assert found.agreement[m] == ensemble_agreement(ensemble.labels_, base[:, [m]].astype(int))
        start += size
    np.testing.assert_array_equal(found.n_clusters, sizes)
    assert found.names == ("features",)


def test_reliability_tells_who_votes(network):
    found = reliability_of(network)
    np.testing.assert_array_equal(np.isnan(found.weight), ~network.votes_)
    assert not np.isnan(found.agreement).any()
    assert found.names == ("backbone", "instance", "cluster_hidden", "cluster")
    display = LayerReliabilityDisplay.from_estimator(network)
    assert [t.get_text() for t in display.ax_[0].get_yticklabels()] == list(found.names)
    drawn = np.concatenate([c.get_offsets() for c in display.ax_[1].collections if len(c.get_offsets())])
    assert set(found.agreement) <= set(np.asarray(drawn)[:, 0])


def test_reliability_of_any_scores():
    axes = plt.figure().subplots(1, 2)
    display = LayerReliabilityDisplay.from_predictions([0.5, 0.7, 0.9], [1.0, 0.8, np.nan], [0, 0, 1], ax=axes)
    assert list(display.ax_) == list(axes)
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["0", "1"]
    with pytest.raises(ValueError, match="one entry per base clustering"):
        LayerReliabilityDisplay.from_predictions([0.5], [1.0, 0.8], [0, 0])
    with pytest.raises(TypeError, match="fitted ensemble with base_clusterings_"):
        LayerReliabilityDisplay.from_estimator(PathIntegralClustering())


# ---- stability and training


def test_stability(ensemble):
    display = StabilityDisplay.from_estimator(ensemble, range(2, 5), n_resamples=3, random_state=0)
    curve = stability_curve(ensemble, range(2, 5), n_resamples=3, random_state=0)
    stability, agreement, chosen = display.lines_
    np.testing.assert_array_equal(stability.get_xydata(), np.column_stack([curve.n_clusters, curve.stability]))
    np.testing.assert_array_equal(agreement.get_ydata(), curve.agreement)
    assert set(chosen.get_xdata()) == {curve.best_n_clusters}
    again = StabilityDisplay.from_predictions(ensemble.base_labels_, range(2, 5), n_resamples=3, random_state=0)
    np.testing.assert_array_equal(again.curve.scores, curve.scores)


HISTORY = [
    {"epoch": 1, "loss": 3.0, "instance_loss": 2.0, "seconds": 0.5, "samples_per_second": 9.0},
    {"epoch": 2, "loss": 2.0, "instance_loss": 1.5, "seconds": 1.5, "agreement": 0.9, "cool_down": True},
]


def test_history_curves():
    losses, checks = history_curves(HISTORY, "seconds")
    assert list(losses) == ["loss", "instance_loss"]
    np.testing.assert_array_equal(losses["loss"], [[0.5, 1.5], [3.0, 2.0]])
    np.testing.assert_array_equal(checks["agreement"], [[1.5], [0.9]])


def test_training_display(network):
    display = TrainingHistoryDisplay(HISTORY).plot()
    assert [line.get_label() for line in display.lines_] == ["loss", "instance loss", "agreement"]
    assert display.lines_[2].axes is display.agreement_ax_
    np.testing.assert_array_equal(display.lines_[0].get_xydata(), [[1, 3], [2, 2]])
    of_model = TrainingHistoryDisplay.from_estimator(network, x="seconds")
    assert of_model.agreement_ax_ is None
    np.testing.assert_array_equal(of_model.lines_[0].get_xdata(), [r["seconds"] for r in network.history_])
    with pytest.raises(ValueError, match="x must be one of 'epoch', 'seconds'"):
        display.plot(x="steps")
    with pytest.raises(TypeError, match="PathIntegralClustering has none"):
        TrainingHistoryDisplay.from_estimator(PathIntegralClustering())


# ---- what all have in common


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"TrainingHistoryDisplay.plot.*pip install skdeepclust\[report\]"):
        TrainingHistoryDisplay(HISTORY).plot()


def test_a_model_without_memberships_is_refused():
    from sklearn.cluster import KMeans

    with pytest.raises(TypeError, match=r"predict_proba; got KMeans.*from_predictions"):
        EmbeddingDisplay.from_estimator(KMeans(2, n_init=1).fit(X), X)
