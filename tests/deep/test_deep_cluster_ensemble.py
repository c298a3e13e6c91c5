# SPDX-License-Identifier: BSD-3-Clause
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdeepclust._support._warnings import ClusterCollapseWarning
from skdeepclust.cluster import USPEC, BaseClusterings
from skdeepclust.consensus import EntropyWeightedConsensus
from skdeepclust.deep import DeepClusterEnsemble
from skdeepclust.deep import _layer_consensus as layer_consensus
from skdeepclust.encoders import ContrastiveEncoder
from skdeepclust.encoders import _network_encoder as encoder_module
from skdeepclust.metrics import ensemble_agreement

pytestmark = pytest.mark.filterwarnings("ignore:The rows of X look like flattened images")  # tables are meant

DIGITS = load_digits()
IMAGES, TRUTH = DIGITS.images[:160] / 16, DIGITS.target[:160]
FLAT = IMAGES.reshape(160, -1)
LAYERS = ("backbone", "instance")
TRAINING = {"max_epochs": 2, "batch_size": 64, "device": "cpu"}
quiet = pytest.mark.filterwarnings("ignore::skdeepclust._support._warnings.ClusterCollapseWarning")


def small(n_clusters=5, **parameters):
    defaults = {
        **TRAINING,
        "layers": LAYERS,
        "n_estimators": 4,
        "base_n_clusters": (6, 9),
        "theta": 1.0,
        "random_state": 0,
    }
    return DeepClusterEnsemble(n_clusters, **{**defaults, **parameters})


@pytest.fixture(scope="module")
def fitted():
    return small().fit(IMAGES)


@pytest.fixture
def trainings(monkeypatch):
    """Count the trainings."""
    calls = []

    def spy(*arguments, **named):
        calls.append(arguments)
        return original(*arguments, **named)

    original = encoder_module.run_training
    monkeypatch.setattr(encoder_module, "run_training", spy)
    return calls


def test_labels_of_the_training_rows(fitted):
    assert fitted.labels_.dtype == np.int32
    np.testing.assert_array_equal(fitted.predict(IMAGES), fitted.labels_)
    np.testing.assert_array_equal(small().fit_predict(IMAGES), fitted.labels_)


def test_labels_are_numbered_by_size(fitted):
    sizes = np.bincount(fitted.labels_)
    assert len(sizes) == fitted.n_clusters_ == 5
    assert (np.diff(sizes) <= 0).all()
    assert sizes.min() > 0


def test_memberships(fitted):
    p = fitted.predict_proba(IMAGES)
    assert p.shape == (160, 5)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(p.argmax(axis=1), fitted.labels_)
    np.testing.assert_array_equal(fitted.transform(IMAGES), p)
    new = load_digits().images[160:260] / 16
    np.testing.assert_array_equal(fitted.predict_proba(new).argmax(axis=1), fitted.predict(new))


def test_a_row_has_the_same_answer_in_any_company(fitted):
    X = DIGITS.images[140:200] / 16  # half of them new
    labels, p = fitted.predict(X), fitted.predict_proba(X)
    for i in range(0, 60, 7):
        assert fitted.predict(X[i : i + 1])[0] == labels[i]
        np.testing.assert_array_equal(fitted.predict_proba(X[i : i + 1])[0], p[i])
    np.testing.assert_array_equal(fitted.predict(X[::-1]), labels[::-1])
    np.testing.assert_array_equal(fitted.predict_proba(X[9:31]), p[9:31])


def test_attributes(fitted):
    assert fitted.base_labels_.shape == (160, 4)
    assert fitted.base_clusterings_.groups_.tolist() == [0, 0, 1, 1]
    assert [e.n_features_in_ for e in fitted.base_clusterings_.estimators_] == [256, 256, 128, 128]
    assert len(fitted.cluster_weights_) == sum(len(set(column)) for column in fitted.base_labels_.T)
    assert fitted.image_shape_ == (8, 8, 1)
    assert fitted.n_features_in_ == 64
    assert fitted.n_iter_ == len(fitted.history_) == 2
    np.testing.assert_array_equal(
        fitted.base_clusterings_.transform(fitted.encoder_.transform(IMAGES)), fitted.base_labels_
    )


def test_workers_do_not_change_the_result(fitted):
    np.testing.assert_array_equal(small(n_jobs=2).fit(IMAGES).labels_, fitted.labels_)


def test_seeds(fitted):
    assert (small(random_state=1).fit(IMAGES).base_labels_ != fitted.base_labels_).any()
    from_state = [small(random_state=np.random.RandomState(7)).fit(IMAGES) for _ in range(2)]
    np.testing.assert_array_equal(from_state[0].base_labels_, from_state[1].base_labels_)


def test_flattened_images_are_images(fitted):
    flat = small(image_shape=(8, 8)).fit(FLAT)
    np.testing.assert_array_equal(flat.labels_, fitted.labels_)
    np.testing.assert_array_equal(fitted.predict(FLAT), fitted.labels_)
    np.testing.assert_array_equal(flat.predict(IMAGES[..., None]), fitted.labels_)
    table = small().fit(FLAT)
    assert table.image_shape_ is None
    assert type(table.encoder_.network_.backbone) is not type(flat.encoder_.network_.backbone)


def test_score_is_the_agreement_with_the_base_clusterings(fitted):
    assert fitted.score(IMAGES) == pytest.approx(ensemble_agreement(fitted.labels_, fitted.base_labels_))


@quiet
def test_blobs_are_found():
    X, y = make_blobs(150, centers=3, n_features=6, cluster_std=0.5, random_state=1)
    assert adjusted_rand_score(y, small(3, max_epochs=8).fit_predict(X)) > 0.95


def test_pickle(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.encoder_.reader_.device is None
    np.testing.assert_array_equal(copy.predict_proba(IMAGES), fitted.predict_proba(IMAGES))


def test_a_pipeline_of_the_parts_is_the_ensemble(fitted):
    pipeline = Pipeline(
        [
            ("encode", ContrastiveEncoder(5, layers=LAYERS, **TRAINING, random_state=0)),
            ("base", BaseClusterings(4, base_n_clusters=(6, 9), group_sizes=(256, 128), random_state=0)),
            ("cut", EntropyWeightedConsensus(5, random_state=0)),
        ]
    )
    np.testing.assert_array_equal(pipeline.fit_predict(IMAGES), fitted.labels_)
    np.testing.assert_array_equal(pipeline.predict(IMAGES[:9]), fitted.labels_[:9])
    np.testing.assert_array_equal(pipeline["base"].base_labels_, fitted.base_labels_)


def test_the_cluster_head_has_a_tenth_of_the_votes(monkeypatch):
    monkeypatch.setattr(layer_consensus, "HEAD_AGREEMENT", 0.0)
    model = small(layers=(*LAYERS, "cluster"), n_estimators=22).fit(IMAGES)
    assert model.votes_.all()
    np.testing.assert_array_equal(np.bincount(model.base_clusterings_.groups_), [10, 10, 2])
    head = model.encoder_.transform(IMAGES)[:, -5:].argmax(axis=1)
    np.testing.assert_array_equal(model.base_labels_[:, -2:], np.stack([head, head], axis=1))
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)
    pipeline = make_pipeline(
        ContrastiveEncoder(5, layers=(*LAYERS, "cluster"), **TRAINING, random_state=0),
        BaseClusterings(22, base_n_clusters=(6, 9), group_sizes=(256, 128, 5), score_groups=(2,), random_state=0),
        EntropyWeightedConsensus(5, random_state=0),
    )
    np.testing.assert_array_equal(pipeline.fit_predict(IMAGES), model.labels_)


@pytest.mark.parametrize("weighting", ["paper", "cross_group"])
def test_a_cluster_head_that_disagrees_does_not_vote(weighting, monkeypatch):
    monkeypatch.setattr(layer_consensus, "HEAD_AGREEMENT", 1.01)
    model = small(layers=(*LAYERS, "cluster"), n_estimators=22, weighting=weighting).fit(IMAGES)
    np.testing.assert_array_equal(np.flatnonzero(~model.votes_), [20, 21])
    assert model.base_labels_.shape == (160, 20)
    assert len(model.base_clusterings_.estimators_) == 22
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)
    assert model.predict_proba(IMAGES[:3]).shape == (3, 5)
    assert np.isfinite(model.score(IMAGES))


def test_the_ensemble_ends_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), small()).fit(FLAT)
    np.testing.assert_array_equal(pipeline.predict(FLAT), pipeline[-1].labels_)


def test_an_encoder_of_the_users_own():
    pca = PCA(5)
    model = small(encoder=pca, layers=("nonsense", "is", "ignored")).fit(FLAT)
    assert not hasattr(pca, "components_")
    assert model.encoder_.random_state == 0  # seeded, since it had none
    assert model.history_ == []
    np.testing.assert_array_equal(model.base_clusterings_.groups_, 0)
    np.testing.assert_array_equal(model.predict(FLAT), model.labels_)
    parts = make_pipeline(
        PCA(5, random_state=0),
        BaseClusterings(4, base_n_clusters=(6, 9), random_state=0),
        EntropyWeightedConsensus(5, random_state=0),
    )
    np.testing.assert_array_equal(parts.fit_predict(FLAT), model.labels_)
    on_images = small(encoder=pca).fit(IMAGES)
    np.testing.assert_array_equal(on_images.labels_, model.labels_)


def test_a_contrastive_encoder_of_the_users_own(fitted):
    encoder = ContrastiveEncoder(5, layers=LAYERS, **TRAINING)
    model = small(encoder=encoder).fit(IMAGES)
    np.testing.assert_array_equal(model.labels_, fitted.labels_)
    assert encoder.random_state is None
    assert encoder.image_shape is None


def test_a_base_clusterer_of_the_users_own():
    model = small(base_clusterer=KMeans(n_init=1)).fit(IMAGES)
    assert all(type(e) is KMeans for e in model.base_clusterings_.estimators_)
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)


@pytest.mark.parametrize("weighting", ["paper", "cross_group", "debiased"])
def test_weightings(fitted, weighting):
    model = small(weighting=weighting).fit(IMAGES)
    np.testing.assert_array_equal(model.base_labels_, fitted.base_labels_)
    groups = [0, 0, 1, 1] if weighting == "cross_group" else None
    consensus = EntropyWeightedConsensus(5, weighting=weighting, groups=groups, random_state=0).fit(model.base_labels_)
    np.testing.assert_array_equal(model.labels_, consensus.labels_)
    np.testing.assert_array_equal(model.cluster_weights_, consensus.cluster_weights_)
    np.testing.assert_array_equal(model.predict(IMAGES), model.labels_)
    assert clone(model).weighting == weighting


def test_cross_group_weights_need_an_encoder_of_several_layers():
    """Whether a transformer of the user's returns several layers shows after its fit only; it is kept."""
    model = small(encoder=PCA(4), weighting="cross_group")
    with pytest.raises(ValueError, match="weighting='cross_group' needs at least two different groups"):
        model.fit(FLAT)
    assert model.encoder_.transform(FLAT).shape == (160, 4)


def test_equal_weights():
    np.testing.assert_array_equal(small(theta=None).fit(IMAGES).cluster_weights_, 1)


def test_one_cluster():
    assert (small(1).fit_predict(IMAGES) == 0).all()


def test_a_collapse_is_reported_and_survived():
    """Three different rows cannot make eight clusters."""
    X = np.repeat(np.eye(3), 20, axis=0)
    with pytest.warns(ClusterCollapseWarning):
        model = small(8, base_n_clusters=(2, 3), backbone="mlp").fit(X)
    assert 1 <= model.n_clusters_ < 8
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_a_late_error_loses_no_training(monkeypatch):
    def broken(self, X, y=None):
        raise RuntimeError("late")

    model = small().fit(IMAGES[:100])  # a fit that must not be mixed with the next one
    monkeypatch.setattr(EntropyWeightedConsensus, "fit", broken)
    with pytest.raises(RuntimeError, match="late"):
        model.fit(IMAGES)
    assert model.encoder_.transform(IMAGES).shape == (160, 384)
    assert len(model.history_) == 2
    assert model.base_labels_.shape == (160, 4)
    monkeypatch.undo()
    with pytest.raises(NotFittedError):
        model.predict(IMAGES)


GRID = {"n_estimators": [2, 4], "theta": [0.3, None], "base_n_clusters": [(4, 6), (6, 9)]}


@quiet
@pytest.mark.parametrize("scoring", [None, "adjusted_rand_score"])
def test_a_grid_behind_the_network_trains_once_per_split(tmp_path, trainings, scoring):
    search = GridSearchCV(small(memory=str(tmp_path), backbone="mlp"), GRID, cv=2, scoring=scoring, error_score="raise")
    search.fit(IMAGES, TRUTH if scoring else None)
    assert len(trainings) == 3  # two splits and the refit on all rows
    assert len(search.cv_results_["params"]) == 8
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    np.testing.assert_array_equal(search.predict(IMAGES), search.best_estimator_.labels_)
    without_cache = clone(search.best_estimator_).set_params(memory=None).fit(IMAGES)
    np.testing.assert_array_equal(without_cache.labels_, search.best_estimator_.labels_)
    assert len(trainings) == 4
    # Split by split the scores are those of ensembles fitted by hand.
    half = np.arange(80)
    by_hand = clone(search.estimator).set_params(**search.cv_results_["params"][3]).fit(IMAGES[80:])
    score = adjusted_rand_score(TRUTH[half], by_hand.predict(IMAGES[half])) if scoring else by_hand.score(IMAGES[half])
    assert search.cv_results_["split0_test_score"][3] == pytest.approx(score)
    assert len(trainings) == 4  # out of the cache


def test_the_cache_knows_seeds_networks_and_data(tmp_path, trainings):
    def fit(X=FLAT, **parameters):
        small(memory=str(tmp_path), backbone="mlp", **parameters).fit(X)
        return len(trainings)

    assert fit() == 1
    assert fit(verbose=1, n_jobs=1, weighting="debiased", n_estimators=4) == 1
    assert fit(random_state=1) == 2
    assert fit(max_epochs=1) == 3
    assert fit(X=FLAT[:100]) == 4
    assert fit() == 4


BAD_PARAMETERS = [
    ({"n_clusters": 0}, ValueError, "n_clusters must be an integer >= 1; got 0"),
    ({"n_clusters": 161}, ValueError, "n_clusters=161 is more than the number of rows"),
    ({"n_clusters": "5"}, TypeError, "n_clusters"),
    ({"image_shape": (7, 8)}, ValueError, "image_shape"),
    ({"image_shape": (8, 8, 2)}, ValueError, "image_shape"),
    ({"layers": ("backbone", "head")}, ValueError, "layers must be one or more different names"),
    ({"layers": None}, TypeError, "layers"),
    ({"layers": ("cluster",)}, ValueError, "leave at least one of the 1 to be clustered"),
    ({"backbone": "vgg"}, ValueError, "backbone must be one of"),
    ({"backbone": "resnet18"}, ValueError, "backbone='resnet18' needs images"),
    ({"augmentation": "flip"}, ValueError, "augmentation must be one of"),
    ({"augmentation": "color"}, ValueError, "augmentation='color' needs images"),
    ({"max_epochs": 0}, ValueError, "max_epochs"),
    ({"batch_size": 1}, ValueError, "batch_size"),
    ({"learning_rate": -1.0}, ValueError, "learning_rate must be a number > 0; got -1.0"),
    ({"device": "gpu"}, ValueError, "device='gpu' cannot be used here"),
    ({"precision": "double"}, ValueError, "precision must be one of"),
    ({"n_estimators": 0}, ValueError, "n_estimators must be an integer >= 1; got 0"),
    ({"n_estimators": 1}, ValueError, "n_estimators must be at least the number of feature blocks, 2.*got 1"),
    ({"n_estimators": 2.5}, TypeError, "n_estimators"),
    ({"base_n_clusters": (5, 161)}, ValueError, "base_n_clusters .*There are 160 rows"),
    ({"base_n_clusters": (9, 5)}, ValueError, "base_n_clusters"),
    ({"base_n_clusters": 9}, TypeError, "base_n_clusters"),
    ({"base_clusterer": "kmeans"}, TypeError, "base_clusterer"),
    ({"base_clusterer": KMeans}, TypeError, "base_clusterer"),
    ({"theta": 0}, ValueError, "theta must be a number > 0; got 0"),
    ({"theta": -0.4}, ValueError, "theta"),
    ({"theta": "low"}, TypeError, "theta"),
    ({"weighting": "entropy"}, ValueError, "weighting must be one of 'paper'"),
    ({"weighting": "cross_group", "layers": ("backbone",)}, ValueError, "weighting='cross_group' needs at least two"),
    ({"weighting": "cross_group", "layers": ("backbone", "cluster")}, ValueError, "cross_group' needs at least two"),
    ({"encoder": "resnet"}, TypeError, "encoder must be None or a transformer; got 'resnet'"),
    ({"encoder": KMeans}, TypeError, "encoder must be None or a transformer"),
    ({"memory": 3}, ValueError, "memory"),
    ({"n_jobs": 0}, ValueError, "n_jobs"),
    ({"n_jobs": "all"}, TypeError, "n_jobs"),
    ({"random_state": -1}, ValueError, "random_state"),
    ({"verbose": -1}, ValueError, "verbose"),
]


@pytest.mark.parametrize(("parameters", "error", "message"), BAD_PARAMETERS)
def test_bad_parameters_are_refused_before_training(parameters, error, message, trainings):
    with pytest.raises(error, match=message):
        small(**parameters).fit(FLAT)
    assert not trainings


def test_bad_parameters_are_refused_before_an_encoder_of_the_users_own_is_fitted(monkeypatch):
    def fit(self, X, y=None):
        raise AssertionError("fitted")

    monkeypatch.setattr(PCA, "fit", fit)
    for parameters in ({"theta": 0}, {"base_n_clusters": (5, 161)}, {"n_estimators": 0}, {"weighting": "entropy"}):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            small(encoder=PCA(4), **parameters).fit(FLAT)


def spoilt(value):
    X = FLAT.copy()
    X[7, 30] = value
    return X


BAD_DATA = [
    (FLAT[:4], ValueError, "n_clusters=5 is more than the number of rows: n_samples=4"),
    (FLAT[:1], ValueError, "minimum of 2"),
    (FLAT[:0], ValueError, "0 sample"),
    (spoilt(np.nan), ValueError, "X contains NaN"),
    (spoilt(np.inf), ValueError, "X contains infinity"),
    (spoilt(np.nan).reshape(-1, 8, 8), ValueError, "X contains NaN"),
    (np.repeat(FLAT[:1], 30, axis=0), ValueError, "all 30 rows of X are equal"),
    (np.zeros((30, 8, 8)), ValueError, "all 30 rows of X are equal"),
    (np.array([{"a": 1}] * 30, dtype=object).reshape(30, 1), TypeError, "argument must be a string or.*number"),
    (np.array([["a", "b"]] * 30, dtype=object), ValueError, "could not convert string"),
    ([np.zeros((8, 8)), np.zeros((8, 9))] * 8, ValueError, "X holds images of different shapes"),
    (FLAT[0], ValueError, "Expected 2D array"),
    (np.zeros((3, 2, 2, 2, 2)), ValueError, "X must be .*got 5 dimensions"),
    (FLAT + 1j, ValueError, "Complex data not supported"),
]


@pytest.mark.parametrize(("X", "error", "message"), BAD_DATA, ids=[message for *_, message in BAD_DATA])
@pytest.mark.parametrize("encoder", [None, PCA(2)], ids=["own encoder", "PCA"])
def test_bad_data_are_refused_before_training(X, error, message, encoder, trainings):
    with pytest.raises(error, match=message):
        small(encoder=encoder).fit(X)
    assert not trainings


def test_sparse_data_are_refused_before_training(trainings):
    from scipy.sparse import csr_array

    with pytest.raises(TypeError, match="Sparse data was passed for X"):
        small().fit(csr_array(FLAT))
    assert not trainings


def test_images_that_contradict_image_shape_are_refused(trainings):
    with pytest.raises(
        ValueError, match=r"image_shape=\(4, 16\) contradicts X, whose images have the shape \(8, 8, 1\)"
    ):
        small(image_shape=(4, 16)).fit(IMAGES)
    assert not trainings


def test_object_arrays_of_numbers_are_numbers():
    model = small(backbone="mlp")
    np.testing.assert_array_equal(model.fit_predict(FLAT.astype(object)), clone(model).fit_predict(FLAT))


def test_default_range_of_the_base_clusterings_fits_few_rows():
    model = DeepClusterEnsemble(3, backbone="mlp", n_estimators=4, base_clusterer=USPEC(n_init=1), **TRAINING)
    assert model.fit(FLAT[:12]).base_labels_.shape == (12, model.votes_.sum())
    assert len(model.votes_) == 4
