# SPDX-License-Identifier: BSD-3-Clause
import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits, make_blobs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdeepclust import DeepClusterEnsemble, IcicleGCN
from skdeepclust.cluster._graph_cut import normalised_cut
from skdeepclust.deep._label_monitor import LabelMonitor
from skdeepclust.metrics import clustering_accuracy

X, Y = load_digits(n_class=4, return_X_y=True)
X, Y = X[:160], Y[:160]
NEW = X[:40] + 0.1 * np.random.default_rng(0).normal(size=(40, 64))
quiet = pytest.mark.filterwarnings("ignore::skdeepclust._support._warnings.ClusterCollapseWarning")


def model(n_clusters=4, **parameters):
    defaults = {
        "encoder": "passthrough",
        "hidden_sizes": (24,),
        "n_components": 16,
        "max_iter": 60,
        "device": "cpu",
        "random_state": 0,
    }
    return IcicleGCN(n_clusters, **{**defaults, **parameters})


@pytest.fixture(scope="module", params=["layers", "linear"])
def fitted(request):
    return model(propagation=request.param).fit(X)


def test_labels(fitted):
    assert fitted.labels_.dtype == np.int32
    np.testing.assert_array_equal(fitted.predict(X), fitted.labels_)
    assert (np.diff(np.bincount(fitted.labels_)) <= 0).all()
    assert clustering_accuracy(Y, fitted.labels_) > 0.9
    assert fitted.encoder_labels_ is None
    p = fitted.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(p.argmax(axis=1), fitted.labels_)


def test_the_guard_takes_the_lesser_cut(fitted):
    for name in ("network", "spectral"):
        labels = getattr(fitted, f"{name}_labels_")
        assert fitted.cuts_[name] == pytest.approx(normalised_cut(fitted.graphs_[1], labels, 4))
    assert fitted.cuts_[fitted.chosen_] == min(fitted.cuts_.values())
    np.testing.assert_array_equal(fitted.labels_, getattr(fitted, f"{fitted.chosen_}_labels_"))


def test_a_row_has_the_same_answer_in_any_company(fitted):
    p, layers = fitted.predict_proba(NEW), fitted.transform(NEW)
    for rows in (slice(0, 1), slice(7, 8), slice(3, 30), slice(None, None, -1)):
        np.testing.assert_array_equal(fitted.predict_proba(NEW[rows]), p[rows])
        np.testing.assert_array_equal(fitted.transform(NEW[rows]), layers[rows])


def test_layers(fitted):
    layers = fitted.transform(X)
    assert fitted.layer_sizes_ == (24, 4, 24, 4)
    assert fitted.score_groups_ == (3,)
    assert layers.shape == (160, 56)
    assert list(fitted.get_feature_names_out()[[0, 24, 28, 55]]) == [
        "hidden_0",
        "bottleneck_0",
        "graph_hidden_0",
        "graph_3",
    ]
    memberships = np.exp(layers[:, -4:])
    np.testing.assert_allclose(memberships.sum(axis=1), 1, atol=1e-5)
    assert clustering_accuracy(memberships.argmax(axis=1), fitted.network_labels_) == 1
    near = fitted.transform(X + 1e-4)
    assert np.abs(near - layers).mean() < 0.3 * layers.std()


def test_pickle(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.transform(NEW), fitted.transform(NEW))
    np.testing.assert_array_equal(copy.predict_proba(NEW), fitted.predict_proba(NEW))


@quiet
def test_the_network_alone():
    found = model(labels_from="network", max_iter=5).fit(X)
    assert found.chosen_ == "network"
    np.testing.assert_array_equal(found.labels_, found.network_labels_)
    np.testing.assert_array_equal(found.predict(X), found.labels_)


@quiet
@pytest.mark.parametrize("published", [{"bottleneck": "softmax"}, {"start": "kmeans"}, {"normalization": "row"}])
def test_published_choices_matter(published, fitted):
    assert not np.array_equal(model(**published).fit(X).transform(NEW), fitted.transform(NEW))


def test_a_graph_of_the_user():
    """Two blocks that the features know nothing of."""
    hidden = np.arange(160) % 2
    drawn = np.random.default_rng(0).random((2, 160, 160))
    W = scipy.sparse.coo_array(np.where(drawn[0] < 0.2, drawn[1], 0.0))
    same = hidden[W.coords[0]] == hidden[W.coords[1]]
    graph = scipy.sparse.coo_array((W.data[same], (W.coords[0][same], W.coords[1][same])), shape=W.shape)
    found = model(2, max_iter=10).fit(X, graph=graph)
    assert clustering_accuracy(hidden, found.labels_) == 1
    np.testing.assert_array_equal(found.fit_predict(X, graph=[graph, graph]), found.labels_)
    np.testing.assert_array_equal(found.predict(X), found.labels_)


@quiet
def test_equal_rows_have_equal_labels():
    rows = np.repeat(make_blobs(20, n_features=5, centers=3, random_state=0)[0], 6, axis=0)
    found = model(3, max_iter=10, n_neighbors=(2, 3), labels_from="network").fit(rows)
    np.testing.assert_array_equal(found.predict(rows), found.labels_)
    assert (found.labels_.reshape(20, 6) == found.labels_[::6, None]).all()


@quiet
def test_contrastive_encoder_and_images():
    images = X.reshape(-1, 8, 8)
    found = model(encoder=None, backbone="mlp", max_epochs=2, batch_size=40, max_iter=10, hidden_sizes=(8,)).fit(images)
    assert found.encoder_labels_.shape == (160,)
    assert sorted(found.cuts_) == ["encoder", "network", "spectral", "spread"]
    assert len(found.node_features_.columns) == found.encoder_.layer_sizes_[0]
    np.testing.assert_array_equal(found.predict(X), found.labels_)
    assert found.history_[0].keys() >= {"reconstruction", "bottleneck_loss", "graph_a_loss", "graph_b_loss"}


class Scored(TransformerMixin, BaseEstimator):
    """The rows as they are, and beside them the scores of a head that takes rows for `labels`."""

    def __init__(self, labels):
        self.labels = labels

    def fit(self, X, y=None):
        self.layer_sizes_, self.score_groups_ = (X.shape[1], 4), (1,)
        return self

    def transform(self, X):
        return np.hstack([X, np.eye(4)[self.labels[: len(X)]]])


def test_a_head_that_the_graph_confirms_is_the_start():
    spectral = model(max_iter=1).fit(X).spectral_labels_
    labels = spectral.copy()
    labels[::20] = (labels[::20] + 1) % 4  # wrong here and there
    found = model(encoder=Scored(labels), max_iter=1).fit(X)
    assert clustering_accuracy(labels, found.encoder_labels_) == 1
    assert clustering_accuracy(spectral, found.spread_labels_) > 0.98
    assert found.chosen_ == "spread"  # a single step leaves the network far behind
    np.testing.assert_array_equal(found.labels_, found.spread_labels_)
    np.testing.assert_array_equal(found.predict(X), found.labels_)
    assert found.cuts_["spread"] < found.cuts_["network"]
    assert model(encoder=Scored(labels), max_iter=1, start="spectral").fit(X).chosen_ == "spectral"


def test_a_head_that_cuts_the_graph_better_than_spectral_clustering_is_the_start(monkeypatch):
    monkeypatch.setattr("skdeepclust.deep._graph_start.spectral_labels", lambda A, k, seed: np.arange(160) % k)
    found = model(encoder=Scored(Y), max_iter=1).fit(X)
    assert found.chosen_ == "spread"
    assert found.cuts_["spread"] < found.cuts_["spectral"]


def test_the_head_of_the_last_step_of_a_pipeline():
    found = model(encoder=make_pipeline(StandardScaler(), Scored(Y)), max_iter=1).fit(X)
    assert clustering_accuracy(Y, found.encoder_labels_) == 1
    assert len(found.node_features_.columns) == 64


@pytest.mark.parametrize("case", ["splits one, merges two", "never uses one"])
def test_a_head_that_the_graph_does_not_confirm_is_not(case):
    half = np.where(Y == 3, 2, Y)  # 2 and 3 are one
    if case == "splits one, merges two":
        half[Y == 0] = np.where(X[Y == 0, 20] > np.median(X[Y == 0, 20]), 0, 3)
    found = model(encoder=Scored(half), max_iter=1).fit(X)
    assert found.chosen_ == "spectral"
    assert found.spread_labels_.shape == (160,)


@quiet
def test_as_encoder_of_an_ensemble():
    found = DeepClusterEnsemble(4, encoder=model(max_iter=20), n_estimators=8, random_state=0).fit(X)
    np.testing.assert_array_equal(found.predict(X), found.labels_)
    assert found.base_clusterings_.score_groups == (3,)
    assert found.predict(NEW).shape == (40,)


@quiet
def test_checkpoint_and_callbacks(tmp_path):
    class StopAt:
        def __init__(self, epoch, error=None):
            self.epoch, self.error = epoch, error

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, metadata=None, fitted_estimator=None):
            if metadata is None or metadata["record"]["epoch"] != self.epoch:
                return False
            assert fitted_estimator.predict(NEW).shape == (40,)
            if self.error is not None:
                raise self.error
            return True

    stopped = model().set_callbacks(StopAt(7)).fit(X)
    assert stopped.n_iter_ == 7
    short = {"max_iter": 12, "checkpoint_dir": tmp_path, "checkpoint_every": 0}
    with pytest.raises(RuntimeError, match="broken"):
        model(**short).set_callbacks(StopAt(9, RuntimeError("broken"))).fit(X)
    rest, whole = model(**short).fit(X), model(max_iter=12).fit(X)
    assert rest.n_iter_ == 12
    np.testing.assert_array_equal(rest.transform(NEW), whole.transform(NEW))
    with pytest.raises(ValueError, match="another training: .*fusion"):
        model(**short, fusion=(1, 0, 0)).fit(X)


@quiet
def test_the_clock():
    found = model(max_iter=10**6, max_time=0.3, tol=0.0).fit(X)
    assert found.history_[-1]["seconds"] >= 0.3
    assert found.n_iter_ < 10**6


def test_training_ends_when_labels_are_calm():
    class Training:
        is_started, notes, history = True, {}, list(range(10))

        class labels:
            @staticmethod
            def cpu():
                import torch

                return torch.arange(10)

    monitor, training = LabelMonitor(0.05), Training()
    assert monitor(training) == {}
    assert monitor(training) == {"label_change": 0.0, "cool_down": False}
    assert monitor(training) == {"label_change": 0.0, "cool_down": True}
    training.history = list(range(11))
    assert monitor(training) == {}


def test_one_cluster():
    found = model(1, max_iter=3).fit(X)
    assert (found.labels_ == 0).all()
    np.testing.assert_array_equal(found.predict_proba(NEW), np.ones((40, 1)))


def test_a_transformer_makes_the_features():
    found = model(encoder=StandardScaler(), max_iter=3).fit(X)
    assert isinstance(found.encoder_, StandardScaler)
    np.testing.assert_array_equal(found.predict(X), found.labels_)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_neighbors": 5}, TypeError, "n_neighbors must be a pair"),
        ({"n_neighbors": (0, 5)}, ValueError, "n_neighbors"),
        ({"hidden_sizes": ()}, TypeError, "hidden_sizes must be a tuple"),
        ({"hidden_sizes": (0,)}, ValueError, "hidden_sizes"),
        ({"fusion": (0.5, 0.5)}, TypeError, "fusion must be three numbers"),
        ({"loss_weights": (0.1, -1, 0)}, ValueError, "loss_weights"),
        ({"start": "head"}, ValueError, "start must be one of 'auto', 'spectral', 'kmeans'"),
        ({"labels_from": "spectral"}, ValueError, "labels_from"),
        ({"layers": ("backbone",)}, ValueError, "layers"),
        ({"max_time": 0}, ValueError, "max_time"),
        ({"learning_rate": 0}, ValueError, "learning_rate"),
    ],
)
def test_parameters_are_checked_before_anything_is_fitted(parameters, error, message):
    class Never(StandardScaler):
        def fit(self, X, y=None):
            raise AssertionError("too late")

    with pytest.raises(error, match=message):
        model(encoder=Never(), **parameters).fit(X)


def test_an_encoder_that_is_none():
    with pytest.raises(TypeError, match="encoder must be None or a transformer"):
        model(encoder="pca").fit(X)
    with pytest.raises(ValueError, match=r"graph must have the shape \(160, 160\)"):
        model().fit(X, graph=scipy.sparse.eye_array(5))
    with pytest.raises(ValueError, match="a pair of them.* got 3"):
        model().fit(X, graph=[scipy.sparse.eye_array(160)] * 3)
