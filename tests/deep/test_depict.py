# SPDX-License-Identifier: BSD-3-Clause
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import DEPICT, DeepClusterEnsemble
from skdeepclust._support._warnings import ClusterCollapseWarning, TrainingInterruptedWarning, UniformTargetWarning
from skdeepclust.deep._initial_head import initial_head
from skdeepclust.metrics import clustering_accuracy
from skdeepclust.nn.depict_network import LAYERS

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "depict_mnist_test.npz"
IMAGES, DIGITS = load_digits().images[:200], load_digits().target[:200]
BLOBS, Y = make_blobs(150, centers=3, n_features=6, cluster_std=0.5, random_state=1)
quiet = pytest.mark.filterwarnings(
    "ignore::skdeepclust._support._warnings.ClusterCollapseWarning",
    "ignore::skdeepclust._support._warnings.UniformTargetWarning",
)


def small(n_clusters=4, **parameters):
    defaults = {"hidden_sizes": (8, 8), "max_epochs": 6, "batch_size": 32, "device": "cpu", "random_state": 0}
    return DEPICT(n_clusters, **{**defaults, **parameters})


@pytest.fixture(scope="module")
def fitted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusterCollapseWarning)
        return small(layers=LAYERS).fit(IMAGES)


@quiet
def test_labels_of_the_training_rows(fitted):
    assert fitted.labels_.dtype == np.int32
    assert (np.diff(np.bincount(fitted.labels_)) <= 0).all()
    np.testing.assert_array_equal(fitted.predict(IMAGES), fitted.labels_)
    np.testing.assert_array_equal(small(layers=LAYERS).fit_predict(IMAGES), fitted.labels_)


def test_membership(fitted):
    p = fitted.predict_proba(IMAGES)
    assert p.shape == (200, fitted.n_clusters_)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(p.argmax(axis=1), fitted.labels_)
    np.testing.assert_array_equal(fitted.predict_proba(IMAGES[7:9]), p[7:9])


def test_layers(fitted):
    """Tiny images are doubled: 16 pixels, 7 and 4 a side."""
    assert fitted.layer_sizes_ == (8 * 4 * 4, 10, 4)
    assert fitted.score_groups_ == (2,)
    Z = fitted.transform(IMAGES)
    assert Z.shape == (200, 128 + 10 + 4)
    assert fitted.get_feature_names_out()[[127, 128, 141]].tolist() == ["hidden_127", "embedding_0", "cluster_3"]
    np.testing.assert_array_equal(Z[:, 138:].argmax(axis=1), fitted.heads_[fitted.labels_])


def test_pickle(fitted):
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict_proba(IMAGES), fitted.predict_proba(IMAGES))


def test_history(fitted):
    assert [record["epoch"] for record in fitted.history_] == list(range(1, 7))
    joint = [record["cluster_loss"] > 0 for record in fitted.history_]
    assert joint == sorted(joint)
    assert 0 < sum(joint) < 6
    assert len(fitted.confidence_) >= sum(joint)
    assert fitted.initial_labels_.shape == (200,)


def test_clusters_of_tables():
    model = small(3, max_epochs=20).fit(BLOBS)
    assert normalized_mutual_info_score(Y, model.labels_) > 0.95
    assert normalized_mutual_info_score(Y, model.initial_labels_) > 0.95
    assert model.confidence_[-1] > 0.9


def test_images_of_digits():
    """Far above k-means of the pixels, 0.80."""
    images, digits = load_digits(n_class=5, return_X_y=True)
    model = DEPICT(5, max_epochs=24, batch_size=64, device="cpu", random_state=0).fit(images.reshape(-1, 8, 8))
    assert normalized_mutual_info_score(digits, model.labels_) > 0.85


@pytest.mark.parametrize("initializer", ["path_integral", "kmeans"])
def test_pretraining_alone(initializer):
    """The labels are the initial clusters, as far as a linear head can tell them."""
    model = small(3, pretraining=1.0, initializer=initializer).fit(BLOBS)
    assert model.confidence_ == []
    assert clustering_accuracy(model.initial_labels_, model.labels_) > 0.98


@quiet
def test_the_published_target_ends_in_a_warning():
    with pytest.warns(UniformTargetWarning, match=r"target='dec' \(it is 'paper'\)"):
        model = small(target="paper", dropout=0.5, pretraining=0.1, n_rounds=1, max_epochs=60, learning_rate=1e-2).fit(
            IMAGES
        )
    assert model.n_iter_ < 60
    assert model.labels_.shape == (200,)


@quiet
def test_ctrl_c_in_the_first_phase_leaves_clusters():
    calls = []

    def interrupting(x):
        calls.append(len(x))
        if len(calls) == 8:
            raise KeyboardInterrupt
        return x

    with pytest.warns(TrainingInterruptedWarning):
        model = small(augmentation=interrupting).fit(IMAGES)
    assert model.was_interrupted_
    assert model.predict(IMAGES[:3]).shape == (3,)


@quiet
def test_checkpoint(tmp_path):
    """A training that fails in the second phase goes on from there to the labels of one that did not."""
    whole = small(augmentation=Failing()).fit(IMAGES)
    augmentation = Failing(at=25)
    model = small(augmentation=augmentation, checkpoint_dir=tmp_path, checkpoint_every=0)
    with pytest.raises(RuntimeError, match="broken"):
        model.fit(IMAGES)
    model.fit(IMAGES)
    assert augmentation.n_calls < 2 * 6 * 6
    np.testing.assert_array_equal(model.predict_proba(IMAGES), whole.predict_proba(IMAGES))
    before = augmentation.n_calls
    again = small(augmentation=augmentation, checkpoint_dir=tmp_path).fit(IMAGES)  # is complete: returned at once
    assert augmentation.n_calls == before
    np.testing.assert_array_equal(again.labels_, whole.labels_)


class Failing:
    """The identity as augmentation, that fails at one of its calls."""

    def __init__(self, at=None):
        self.at, self.n_calls = at, 0

    def __call__(self, x):
        self.n_calls += 1
        if self.n_calls == self.at:
            raise RuntimeError("broken")
        return x


@quiet
def test_as_encoder_of_the_ensemble():
    model = DeepClusterEnsemble(4, encoder=small(layers=LAYERS), n_estimators=6, random_state=0).fit(IMAGES)
    assert model.encoder_.layer_sizes_ == (128, 10, 4)
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)


@quiet
def test_an_ensemble_watches_it():
    encoder = small(max_epochs=120, layers=("embedding",))
    model = DeepClusterEnsemble(4, encoder=encoder, n_estimators=4, stop_agreement=0.0, random_state=0).fit(IMAGES)
    assert any("agreement" in record for record in model.history_)
    assert model.n_iter_ < 120


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"hidden_sizes": ()}, TypeError, "hidden_sizes"),
        ({"hidden_sizes": "wide"}, ValueError, "hidden_sizes"),
        ({"hidden_sizes": (8, 0)}, ValueError, "hidden_sizes"),
        ({"embedding_dim": 0}, ValueError, "embedding_dim"),
        ({"embedding_dim": "all"}, ValueError, "embedding_dim"),
        ({"dropout": 0.95}, ValueError, "dropout"),
        ({"target": "idec"}, ValueError, "target"),
        ({"initializer": "ward"}, ValueError, "initializer"),
        ({"reconstruction_weight": -1}, ValueError, "reconstruction_weight"),
        ({"pretraining": 1.5}, ValueError, "pretraining"),
        ({"n_rounds": 0}, ValueError, "n_rounds"),
        ({"max_epochs": 0}, ValueError, "max_epochs"),
        ({"max_time": 0}, ValueError, "max_time"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"learning_rate": 0}, ValueError, "learning_rate"),
        ({"precision": "float16"}, ValueError, "precision"),
        ({"layers": ("backbone",)}, ValueError, "layers"),
        ({"augmentation": "table"}, ValueError, "augmentation"),
        ({"n_clusters": 201}, ValueError, "n_clusters"),
    ],
)
def test_bad_parameters(parameters, error, message):
    calls = []
    with pytest.raises(error, match=message):
        small(**{"augmentation": calls.append, **parameters}).fit(IMAGES)
    assert calls == []


@quiet
def test_rows_of_which_there_are_four():
    rows = np.tile(BLOBS[:4], (10, 1))
    model = small(6).fit(rows)
    assert np.isfinite(model.predict_proba(rows)).all()
    assert model.n_clusters_ <= 6


@pytest.mark.parametrize("n_found", [1, 2, 3])
def test_a_head_tells_the_clusters_that_were_found(n_found):
    z, classes = make_blobs(60, centers=n_found, n_features=4, cluster_std=0.1, random_state=0)
    labels, weight, bias = initial_head(z, n_found, "kmeans", 0)
    assert (weight.shape, bias.shape) == ((n_found, 4), (n_found,))
    np.testing.assert_array_equal((z @ weight.T + bias).argmax(axis=1), labels)
    assert clustering_accuracy(classes, labels) == 1.0


def test_a_head_for_more_clusters_than_there_are():
    z = np.repeat(np.eye(3), 10, axis=0)
    labels, weight, bias = initial_head(z, 5, "kmeans", 0)
    np.testing.assert_array_equal((z @ weight.T + bias).argmax(axis=1), labels)


@pytest.mark.skipif(not GOLDEN.exists(), reason="golden data not at hand")
def test_a_head_on_the_published_embedding():
    """Logistic regression tells 0.92 of MNIST's test digits, unit centroids 0.88."""
    with np.load(GOLDEN) as golden:
        z, y = golden["z"], golden["y_true"]
    labels, weight, bias = initial_head(z, 10, "path_integral", 0)
    assert clustering_accuracy(y, labels) == pytest.approx(0.9333, abs=1e-3)
    head = (z @ weight.T + bias).argmax(axis=1)
    assert clustering_accuracy(y, head) == pytest.approx(0.9205, abs=0.01)
