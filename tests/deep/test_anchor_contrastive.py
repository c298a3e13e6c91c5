# SPDX-License-Identifier: BSD-3-Clause
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import AnchorContrastiveClustering, ContrastiveEncoder, DeepClusterEnsemble
from skdeepclust._support._warnings import ClusterCollapseWarning, TrainingInterruptedWarning
from skdeepclust.deep._first_centers import consensus_centers, kmeans_centers
from skdeepclust.nn.anchor_network import LAYERS
from skdeepclust.nn.anchor_training import AnchorTraining

IMAGES = load_digits().images[:120]
BLOBS, Y = make_blobs(120, centers=3, n_features=6, cluster_std=0.5, random_state=1)
quiet = pytest.mark.filterwarnings("ignore::skdeepclust._support._warnings.ClusterCollapseWarning")


def small(n_clusters=4, **parameters):
    defaults = {"backbone": "mlp", "max_epochs": 4, "batch_size": 20, "device": "cpu", "random_state": 0}
    return AnchorContrastiveClustering(n_clusters, **{**defaults, **parameters})


@pytest.fixture(scope="module")
def fitted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusterCollapseWarning)
        return small(layers=LAYERS, projection_dim=16).fit(IMAGES)


class Counting:
    """The identity as augmentation, that fails at one of its calls."""

    def __init__(self, error=RuntimeError):
        self.error, self.fails_at, self.n_calls = error, None, 0

    def __call__(self, x):
        self.n_calls += 1
        if self.n_calls == self.fails_at:
            raise self.error("broken")
        return x


@quiet
def test_labels_of_the_training_rows(fitted):
    assert fitted.labels_.dtype == np.int32
    np.testing.assert_array_equal(fitted.predict(IMAGES), fitted.labels_)
    np.testing.assert_array_equal(small(layers=LAYERS, projection_dim=16).fit_predict(IMAGES), fitted.labels_)


@quiet
@pytest.mark.parametrize("labels_from", ["head", "kmeans"])
def test_both_readings_are_there(fitted, labels_from):
    model = small(layers=LAYERS, projection_dim=16, labels_from=labels_from).fit(IMAGES)
    np.testing.assert_array_equal(model.head_labels_, fitted.head_labels_)
    np.testing.assert_array_equal(model.kmeans_labels_, fitted.kmeans_labels_)
    np.testing.assert_array_equal(
        model.labels_, {"head": model.head_labels_, "kmeans": model.kmeans_labels_}[labels_from]
    )
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)
    p = model.predict_proba(IMAGES)
    assert p.shape == (120, model.n_clusters_)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(p.argmax(axis=1), model.labels_)
    for labels in (model.head_labels_, model.kmeans_labels_):
        assert (np.diff(np.bincount(labels)) <= 0).all()


def test_the_reading_stays_that_of_fit(fitted):
    """`labels_from` decides in `fit`; to change it afterwards must not tear predictions from `labels_`."""
    copy = pickle.loads(pickle.dumps(fitted)).set_params(labels_from="kmeans")
    np.testing.assert_array_equal(copy.predict(IMAGES), fitted.labels_)


@quiet
def test_head_and_kmeans_are_different_readings():
    model = small(4, max_epochs=3, centers_learning_rate=0.1).fit(IMAGES)
    assert (model.head_labels_ != model.kmeans_labels_).any()


def test_memberships_are_those_of_the_formula(fitted):
    h, log_c = np.split(fitted.transform(IMAGES)[:, np.r_[:256, -4:0]].astype(float), [256], axis=1)
    h /= np.linalg.norm(h, axis=1, keepdims=True)
    head = fitted.network_.cluster
    centers, scale, power = (value.detach().double().numpy() for value in (head.centers, head.scale, head.power))
    kernel = (1 + ((h[:, None] - centers) ** 2).sum(axis=2) / scale) ** -power
    c = kernel / kernel.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(log_c), c, rtol=1e-3)
    kept = c[:, fitted.heads_]
    np.testing.assert_allclose(fitted.predict_proba(IMAGES), kept / kept.sum(axis=1, keepdims=True), rtol=1e-3)


def test_a_row_has_the_same_answer_in_any_company(fitted):
    p, features = fitted.predict_proba(IMAGES), fitted.transform(IMAGES)
    for rows in (slice(0, 1), slice(119, 120), slice(3, 90), slice(None, None, -1)):
        np.testing.assert_array_equal(fitted.predict_proba(IMAGES[rows]), p[rows])
        np.testing.assert_array_equal(fitted.transform(IMAGES[rows]), features[rows])


def test_features(fitted):
    assert fitted.layer_sizes_ == (256, 256, 16, 4)
    assert fitted.score_groups_ == (3,)
    names = fitted.get_feature_names_out()
    assert names[[0, 256, 512, 528]].tolist() == ["backbone_0", "instance_hidden_0", "instance_0", "cluster_0"]
    assert fitted.transform(IMAGES).shape == (120, len(names))
    assert fitted.transform(IMAGES).dtype == np.float32


@quiet
def test_flattened_images_are_images(fitted):
    flat = IMAGES.reshape(120, -1)
    model = small(layers=LAYERS, projection_dim=16, image_shape=(8, 8)).fit(flat)
    np.testing.assert_array_equal(model.labels_, fitted.labels_)
    np.testing.assert_array_equal(fitted.predict(flat), fitted.labels_)


@pytest.mark.parametrize("labels_from", ["head", "kmeans"])
def test_blobs_are_found(labels_from):
    labels = small(3, max_epochs=12, batch_size=40, labels_from=labels_from).fit_predict(BLOBS)
    assert len(set(zip(labels.tolist(), Y.tolist(), strict=True))) == 3


@quiet
@pytest.mark.parametrize(
    ("initializer", "find"), [("consensus", consensus_centers), ("kmeans", kmeans_centers)], ids=["consensus", "kmeans"]
)
def test_centers_that_do_not_move_are_those_of_the_initializer(initializer, find):
    model = small(initializer=initializer, pretraining=1.0, layers=("backbone",)).fit(IMAGES)
    h = model.transform(IMAGES)
    expected = find(h / np.linalg.norm(h, axis=1, keepdims=True), 4, 0)
    np.testing.assert_allclose(model.network_.cluster.centers.detach(), expected, rtol=1e-6)


@quiet
def test_images_through_a_convolutional_network():
    model = small(backbone="compact", max_epochs=2, layers=("cluster", "backbone")).fit(IMAGES)
    assert model.layer_sizes_ == (4, 256)
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)


@quiet
def test_a_short_training_does_not_collapse():
    """Sixteen steps: running statistics of batch norm would be far from those that the centres are trained with."""
    images = load_digits().images[:200]
    model = small(10, backbone="compact", batch_size=50).fit(images)
    assert len(np.unique(model.head_labels_)) >= 8
    assert normalized_mutual_info_score(model.head_labels_, model.kmeans_labels_) > 0.75


def test_pickle(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(IMAGES), fitted.predict_proba(IMAGES))
    assert b"torch\ndevice" not in pickle.dumps(fitted, protocol=2)


def test_a_collapse_is_reported_and_survived():
    """Twenty different rows cannot fill forty clusters."""
    X = np.repeat(BLOBS[:20], 3, axis=0)
    with pytest.warns(ClusterCollapseWarning, match=r"\d+ of the 40 clusters asked for.*max_epochs"):
        model = small(40).fit(X)
    np.testing.assert_array_equal(np.unique(model.labels_), np.arange(model.n_clusters_))
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert model.predict_proba(10 * X).shape == (60, model.n_clusters_)


def test_one_cluster():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClusterCollapseWarning)
        model = small(1).fit(IMAGES)
    assert (model.labels_ == 0).all()
    np.testing.assert_array_equal(model.predict_proba(IMAGES), np.ones((120, 1)))


@quiet
def test_ensemble_of_its_layers():
    encoder = small(3, layers=("backbone", "instance", "cluster"), random_state=None)
    model = DeepClusterEnsemble(3, encoder=encoder, n_estimators=3, image_shape=(8, 8), random_state=0)
    model.fit(IMAGES.reshape(120, -1))
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)
    assert model.encoder_.layer_sizes_ == (256, 128, 3)
    assert model.encoder_.image_shape_ == (8, 8, 1)
    assert model.n_iter_ == 4
    # One of the base clusterings is the head itself, whose number of clusters is the encoder's own.
    base_labels, head = model.base_clusterings_.base_labels_, model.encoder_.head_labels_
    assert base_labels.shape == (120, 3)
    pairs = [set(zip(column.tolist(), head.tolist())) for column in base_labels.T]
    assert model.encoder_.n_clusters_ in [len(p) for p in pairs]
    other = DeepClusterEnsemble(5, encoder=encoder, n_estimators=3, image_shape=(8, 8), random_state=0)
    other.fit(IMAGES.reshape(120, -1))
    assert other.n_clusters_ == 5
    assert other.encoder_.n_clusters == 3


@quiet
def test_the_ensemble_watches_its_training(monkeypatch):
    monkeypatch.setattr("skdeepclust.deep._agreement_monitor._STEPS_APART", 4)
    encoder = small(3, max_epochs=12, batch_size=60)
    model = DeepClusterEnsemble(3, encoder=encoder, n_estimators=3, stop_agreement=0.0, random_state=0).fit(BLOBS)
    assert sum("agreement" in record for record in model.history_) >= 2
    assert model.n_iter_ < 12
    assert model.history_[-1]["anchor_loss"] > 0  # the joint phase comes, however short the training was made
    np.testing.assert_array_equal(model.encoder_.predict(BLOBS), model.encoder_.labels_)


def test_unknown_layers_are_refused_by_the_ensemble_too():
    with pytest.raises(ValueError, match="layers must be one or more different names from .*got .'cluster_hidden'"):
        DeepClusterEnsemble(3, encoder=small(layers=("cluster_hidden",))).fit(BLOBS)


@quiet
def test_callbacks_watch_the_training():
    class Recorder:
        tasks, shapes = [], []

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            self.tasks.append(context.task_name)

        def on_fit_task_end(self, estimator, context, *, X=None, metadata=None, fitted_estimator=None):
            if context.task_name == "epoch":
                self.shapes.append(fitted_estimator.transform(X).shape)
                return metadata["record"]["epoch"] == 3
            return False

    model = small(max_epochs=5).set_callbacks(Recorder()).fit(IMAGES)
    assert Recorder.tasks == ["fit", "epoch", "epoch", "epoch"]
    assert Recorder.shapes == [(120, 388)] * 3
    assert model.n_iter_ == 3
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)


@quiet
@pytest.mark.parametrize(("fails_at", "n_left"), [(8, 17 + 20), (27, 8 + 10)])
def test_the_same_call_goes_on(tmp_path, fails_at, n_left):
    """In either phase: 12 steps, 10 batches for batch norm, 12 steps, 10 batches."""
    augmentation = Counting()
    augmentation.fails_at = fails_at
    parameters = {"augmentation": augmentation, "checkpoint_dir": tmp_path, "checkpoint_every": 0}
    with pytest.raises(RuntimeError, match="broken"):
        small(**parameters).fit(IMAGES)
    augmentation.fails_at, augmentation.n_calls = None, 0
    model = small(**parameters).fit(IMAGES)
    assert augmentation.n_calls == n_left
    whole = small(augmentation=Counting()).fit(IMAGES)
    np.testing.assert_array_equal(model.predict_proba(IMAGES), whole.predict_proba(IMAGES))
    np.testing.assert_array_equal(model.kmeans_labels_, whole.kmeans_labels_)
    assert [r["loss"] for r in model.history_] == [r["loss"] for r in whole.history_]
    again = small(**parameters).fit(IMAGES)  # a complete training is not repeated
    assert augmentation.n_calls == n_left + 10
    np.testing.assert_array_equal(again.predict_proba(IMAGES), whole.predict_proba(IMAGES))


@quiet
def test_another_training_is_refused(tmp_path):
    small(checkpoint_dir=tmp_path).fit(IMAGES)
    with pytest.raises(ValueError, match="another training: anchor_weight=1.0 .now 2.0."):
        small(checkpoint_dir=tmp_path, anchor_weight=2.0).fit(IMAGES)
    encoder = ContrastiveEncoder(
        4, backbone="mlp", max_epochs=4, batch_size=20, checkpoint_dir=tmp_path, random_state=0
    )
    with pytest.raises(ValueError, match="another training: .*pretraining=0.5 .now None."):
        encoder.fit(IMAGES)


@quiet
@pytest.mark.parametrize(("fails_at", "n_steps"), [(8, 7), (27, 16)])
def test_ctrl_c_keeps_a_network_that_clusters(fails_at, n_steps):
    augmentation = Counting(KeyboardInterrupt)
    augmentation.fails_at = fails_at
    with pytest.warns(TrainingInterruptedWarning, match=f"after {n_steps} steps"):
        model = small(augmentation=augmentation).fit(IMAGES)
    assert model.was_interrupted_
    assert model.n_clusters_ > 1
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)


@quiet
def test_the_phases_follow_the_clock(monkeypatch):
    monkeypatch.setattr(AnchorTraining, "seconds", property(lambda training: training.step / 20))
    model = small(max_epochs="auto", max_time=1).fit(IMAGES)
    assert [record["balance"] > 0 for record in model.history_] == [False, True, True, True]  # from step 11 on
    assert model.history_[-1]["seconds"] == 1


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"pretraining": 1.5}, ValueError, "pretraining must be a number >= 0 and <= 1; got 1.5"),
        ({"pretraining": "half"}, TypeError, "pretraining"),
        ({"cluster_weight": -1}, ValueError, "cluster_weight must be a number >= 0; got -1"),
        ({"anchor_weight": np.nan}, ValueError, "anchor_weight"),
        ({"balance_weight": None}, TypeError, "balance_weight"),
        ({"target": "epoch"}, ValueError, "target must be one of 'global', 'batch'; got 'epoch'"),
        ({"centers_learning_rate": -0.1}, ValueError, "centers_learning_rate must be a number >= 0"),
        ({"initializer": "random"}, ValueError, "initializer must be one of 'kmeans', 'consensus'; got 'random'"),
        ({"labels_from": "softmax"}, ValueError, "labels_from must be one of 'head', 'kmeans'; got 'softmax'"),
        ({"layers": ("cluster_hidden",)}, ValueError, "layers must be one or more different names from"),
        ({"layers": ("kmeans",)}, ValueError, "layers"),
        ({"n_clusters": 121}, ValueError, "n_clusters=121 is more than the number of rows"),
        ({"batch_size": 1}, ValueError, "batch_size must be an integer >= 2; got 1"),
    ],
)
def test_bad_parameters_are_refused_before_training(parameters, error, message):
    augmentation = Counting()
    with pytest.raises(error, match=message):
        small(**{"augmentation": augmentation, **parameters}).fit(BLOBS)
    assert augmentation.n_calls == 0


SCRIPT = """
import os, sys
import numpy as np
from skdeepclust import AnchorContrastiveClustering

model = AnchorContrastiveClustering(
    3, backbone="mlp", augmentation="none", max_epochs=4, batch_size=16, device="cpu", precision="float32",
    random_state=0,
).fit(np.load(sys.argv[1]))
np.savez(
    os.path.join(sys.argv[2], f"{os.environ['RANK']}.npz"),
    labels=model.labels_,
    means=model.kmeans_labels_,
    losses=[record["loss"] for record in model.history_],
)
"""


@pytest.mark.slow
def test_two_ranks_make_what_one_process_makes(tmp_path):
    np.save(tmp_path / "X.npy", BLOBS[:96])
    (tmp_path / "script.py").write_text(SCRIPT)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = [str(tmp_path / name) for name in ("script.py", "X.npy", "")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(launch + arguments, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    alone = small(3, augmentation="none", batch_size=16, precision="float32").fit(BLOBS[:96])
    np.testing.assert_allclose(first["losses"], [record["loss"] for record in alone.history_], rtol=1e-3)
    np.testing.assert_array_equal(first["labels"], alone.labels_)
    np.testing.assert_array_equal(first["means"], alone.kmeans_labels_)
