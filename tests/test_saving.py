# SPDX-License-Identifier: BSD-3-Clause
"""Fitted estimators on disk: ``save`` and ``load``, pickle, joblib, skops."""

import functools
import inspect
import io
import pickle
import re
import warnings

import joblib
import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

import skdeepclust
from skdeepclust._support._warnings import DeviceChangedWarning, SkdeepclustWarning

pytest.importorskip("safetensors")

TABLE = np.concatenate([np.random.RandomState(i).normal(6 * i, 1, (20, 6)) for i in range(3)]).astype(np.float32)
IMAGES = np.random.RandomState(0).randint(0, 256, (40, 8, 8), np.uint8)
LABELS = np.random.RandomState(0).randint(0, 4, (60, 5))
GRAPH = sparse.random(60, 12, density=0.5, random_state=0, format="csr")
TRAINED = {"backbone": "mlp", "max_epochs": 2, "batch_size": 30, "device": "cpu", "random_state": 0}


def own_network():
    return nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4))


@functools.cache
def trained_network():
    network = own_network()
    network(torch.randn(30, 6, generator=torch.Generator().manual_seed(0)))  # batch norm has seen something
    return network


# name: estimator, data, modules that load() gets
CONSENSUS = {
    "BaseClusterings": lambda: (skdeepclust.BaseClusterings(4, random_state=0), TABLE),
    "EntropyWeightedConsensus": lambda: (skdeepclust.EntropyWeightedConsensus(3, random_state=0), LABELS),
    "EntropyWeightedConsensus-average": lambda: (
        skdeepclust.EntropyWeightedConsensus(3, method="average", random_state=np.random.RandomState(0)),
        LABELS,
    ),
    "PathIntegralClustering": lambda: (skdeepclust.PathIntegralClustering(3), TABLE),  # few features: a tree
    "PathIntegralClustering-many": lambda: (skdeepclust.PathIntegralClustering(3), np.tile(TABLE, 4)),
    "TransferCut": lambda: (skdeepclust.TransferCut(3, random_state=0), GRAPH),
    "USENC": lambda: (skdeepclust.USENC(3, n_estimators=4, random_state=0), TABLE),
    "USPEC": lambda: (skdeepclust.USPEC(3, random_state=0), TABLE[:, :2]),  # few features: lists of neighbours
}
DEEP = {
    "AnchorContrastiveClustering": lambda: (skdeepclust.AnchorContrastiveClustering(3, **TRAINED), TABLE),
    "ContrastiveClustering": lambda: (skdeepclust.ContrastiveClustering(3, **TRAINED), TABLE),
    "ContrastiveEncoder": lambda: (skdeepclust.ContrastiveEncoder(3, **TRAINED), TABLE),
    "ContrastiveEncoder-images": lambda: (
        skdeepclust.ContrastiveEncoder(3, **TRAINED | {"backbone": "compact", "max_epochs": 1}),
        IMAGES,
    ),
    "DEPICT": lambda: (
        skdeepclust.DEPICT(3, hidden_sizes=(8,), max_epochs=2, batch_size=30, device="cpu", random_state=0),
        TABLE,
    ),
    "DeepClusterEnsemble": lambda: (skdeepclust.DeepClusterEnsemble(3, n_estimators=4, **TRAINED), TABLE),
    "FrozenEncoder": lambda: (skdeepclust.FrozenEncoder(trained_network(), ("0", "3"), device="cpu"), TABLE),
    "IcicleGCN": lambda: (skdeepclust.IcicleGCN(3, hidden_sizes=(8,), max_iter=4, **TRAINED), TABLE),
}


@functools.cache
def fitted(name):
    """A fitted estimator and its data; tests must leave both as they are."""
    model, X = (CONSENSUS | DEEP)[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkdeepclustWarning)
        return model.fit(X), X


def check_same_answers(model, other, X):
    for method in ("predict", "predict_proba", "transform"):
        if hasattr(model, method):
            ours, theirs = getattr(model, method)(X[:25]), getattr(other, method)(X[:25])
            assert theirs.dtype == ours.dtype
            np.testing.assert_array_equal(theirs, ours)


def parameters(model):
    """Names and values of the parameters as text, but for places in memory."""
    return re.sub(r" at 0x\w+", "", repr(model.get_params()))


def test_every_public_estimator_is_tested():
    public = {name for name in skdeepclust.__all__ if inspect.isclass(getattr(skdeepclust, name))}
    assert {name.partition("-")[0] for name in CONSENSUS | DEEP} == public


@pytest.mark.parametrize("name", CONSENSUS | DEEP)
def test_loaded_estimators_answer_as_before(name, tmp_path):
    model, X = fitted(name)
    modules = {"module": own_network()}
    generator = torch.get_rng_state()
    model.save(tmp_path / "model")
    loaded = skdeepclust.load(tmp_path / "model", modules=modules)
    assert torch.equal(torch.get_rng_state(), generator)
    assert type(loaded) is type(model)
    assert vars(loaded).keys() == vars(model).keys()
    assert parameters(loaded) == parameters(model) == parameters(clone(loaded))
    if hasattr(model, "labels_"):
        np.testing.assert_array_equal(loaded.labels_, model.labels_)
    check_same_answers(model, loaded, X)


def test_an_estimator_that_is_not_fitted(tmp_path):
    skdeepclust.ContrastiveEncoder(7, layers="instance").save(tmp_path)
    loaded = skdeepclust.load(tmp_path, device="cpu")
    assert loaded.get_params() == skdeepclust.ContrastiveEncoder(7, layers="instance").get_params()
    assert not hasattr(loaded, "network_")


def test_partial_fit_goes_on(tmp_path):
    model = skdeepclust.EntropyWeightedConsensus(3, random_state=0).partial_fit(LABELS[:30])
    model.save(tmp_path)
    loaded = skdeepclust.load(tmp_path).partial_fit(LABELS[30:])
    np.testing.assert_array_equal(loaded.predict(LABELS), model.partial_fit(LABELS[30:]).predict(LABELS))


def test_callbacks_are_left_out(tmp_path):
    class Callback:
        def setup(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...
        def on_fit_task_end(self, estimator, context): ...
        def teardown(self, estimator, context): ...

    model = clone(fitted("ContrastiveEncoder")[0]).set_callbacks(Callback())
    model.save(tmp_path)
    assert "_skl_callbacks" in vars(model)
    assert "_skl_callbacks" not in vars(skdeepclust.load(tmp_path))


def test_loading_unpickles_nothing(tmp_path, monkeypatch):
    model, X = fitted("DeepClusterEnsemble")
    model.save(tmp_path)

    def refuse(*args, **kwargs):
        raise AssertionError("unpickled")

    with monkeypatch.context() as patch:  # numba's cache of kernels, which predict may ask for, is made of pickles
        for name in ("load", "loads", "Unpickler"):
            patch.setattr(pickle, name, refuse)
        patch.setattr(torch, "load", refuse)
        loaded = skdeepclust.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(X), model.labels_)


# ------------------------------------------------------- networks and devices


def test_code_among_the_parameters_is_refused(tmp_path):
    model = clone(fitted("ContrastiveEncoder")[0])
    with pytest.raises(TypeError, match=r"augmentation is <function.*set_params\(augmentation=...\)"):
        model.set_params(augmentation=lambda x: x).save(tmp_path)
    with pytest.raises(TypeError, match="backbone is <class.*joblib.dump"):
        clone(model).set_params(augmentation="auto", backbone=nn.Linear).save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_parameters_of_the_network_that_were_changed_after_fit(tmp_path):
    model = pickle.loads(pickle.dumps(fitted("ContrastiveEncoder")[0])).set_params(n_clusters=5)
    with pytest.raises(ValueError, match="changed after fit.*set_params"):
        model.save(tmp_path)


def test_a_device_that_is_gone(tmp_path):
    model, X = fitted("ContrastiveEncoder")
    away = pickle.loads(pickle.dumps(model)).set_params(device="cuda:99")
    away.save(tmp_path)
    loaded = skdeepclust.load(tmp_path)
    with pytest.warns(DeviceChangedWarning, match="device='cuda:99' is not available here"):
        loaded.transform(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeviceChangedWarning)
        check_same_answers(model, skdeepclust.load(tmp_path, device="cpu"), X)
    with pytest.raises(ValueError, match="device='cuda:99' cannot be used here"):
        skdeepclust.load(tmp_path, device="cuda:99")


def test_networks_inside_go_to_the_device_too(tmp_path):
    fitted("DeepClusterEnsemble")[0].save(tmp_path)
    loaded = skdeepclust.load(tmp_path, device="cpu")
    assert loaded.encoder_.reader_.device == torch.device("cpu")
    assert skdeepclust.load(tmp_path).encoder_.reader_.device is None  # settles when it is used


def test_networks_of_the_users_are_given_back(tmp_path):
    encoder = skdeepclust.FrozenEncoder(
        trained_network(), ("0", "3"), preprocess=nn.Tanh(), pooling=lambda x: 2 * x, device="cpu"
    )
    model = skdeepclust.DeepClusterEnsemble(3, encoder=encoder, n_estimators=4, device="cpu", random_state=0).fit(TABLE)
    model.save(tmp_path)
    mine = own_network()
    before = {name: value.clone() for name, value in mine.state_dict().items()}
    modules = {"encoder__module": mine, "encoder__preprocess": nn.Tanh(), "encoder__pooling": lambda x: 2 * x}
    loaded = skdeepclust.load(tmp_path, modules=modules)
    check_same_answers(model, loaded, TABLE)
    assert all(torch.equal(value, before[name]) for name, value in mine.state_dict().items())
    with pytest.raises(ValueError, match=r"pass what encoder__module was, as modules=\{'encoder__module': ...\}"):
        skdeepclust.load(tmp_path)
    with pytest.raises(ValueError, match=r"modules\['encoder__module'\] is not the network that was saved"):
        skdeepclust.load(tmp_path, modules=modules | {"encoder__module": nn.Linear(6, 5)})


def pipelines():
    """Pipelines with networks, the names of these in get_params of the ensemble, and as files call them."""
    encoder = skdeepclust.FrozenEncoder(trained_network(), ("0", "3"), device="cpu")
    yield make_pipeline(StandardScaler(), encoder), ["encoder__frozenencoder__module"], ["encoder__steps__1__1__module"]
    union = FeatureUnion([("own_", make_pipeline(encoder)), ("other", clone(encoder))])
    names = ["encoder__own___frozenencoder__module", "encoder__other__module"]
    places = ["transformer_list__0__1__steps__0__1__module", "transformer_list__1__1__module"]
    yield union, names, [f"encoder__{place}" for place in places]


@pytest.mark.parametrize(("encoder", "names", "places"), list(pipelines()), ids=["Pipeline", "FeatureUnion"])
def test_networks_in_pipelines_have_the_names_of_get_params(encoder, names, places, tmp_path):
    model = skdeepclust.DeepClusterEnsemble(3, encoder=encoder, n_estimators=4, device="cpu", random_state=0)
    assert [name for name, value in model.get_params().items() if isinstance(value, nn.Module)] == names
    model.fit(TABLE).save(tmp_path)
    with pytest.raises(ValueError, match=rf"pass what {names[0]} was, as modules=\{{'{names[0]}': ...\}}"):
        skdeepclust.load(tmp_path)
    for keys in names, places:  # places were the only names once, and are still accepted
        loaded = skdeepclust.load(tmp_path, modules={key: own_network() for key in keys})
        check_same_answers(model, loaded, TABLE)
    wrong = {places[0]: nn.Linear(6, 5)}
    mine = {name: own_network() for name in names}
    check_same_answers(model, skdeepclust.load(tmp_path, modules=mine | wrong), TABLE)  # get_params goes first
    with pytest.raises(ValueError, match=rf"modules\['{places[0]}'\] is not the network that was saved"):
        skdeepclust.load(tmp_path, modules=wrong)


# ------------------------------------------------------- pickle, joblib, skops


@pytest.mark.parametrize("name", DEEP)
def test_pickles_of_networks_hold_no_device(name, tmp_path):
    model, X = fitted(name)
    assert b"torch\ndevice" not in pickle.dumps(model, protocol=2)
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    check_same_answers(model, joblib.load(path), X)


@pytest.mark.parametrize("name", ["AnchorContrastiveClustering", "ContrastiveEncoder", "DEPICT", "FrozenEncoder"])
def test_pickles_from_a_device_that_is_gone(name):
    model, X = fitted(name)
    away = pickle.loads(pickle.dumps(model)).set_params(device="cuda:99")
    arrived = pickle.load(io.BytesIO(pickle.dumps(away)))
    with pytest.warns(DeviceChangedWarning, match="device='cuda:99' is not available here"):
        features = arrived.transform(X)
    if arrived.reader_.device.type == "cpu":
        np.testing.assert_array_equal(features, model.transform(X))


# What docs/saving.md lists; EntropyWeightedConsensus with method="average" has a rule of its own.
SKOPS_TYPES = {
    "BaseClusterings": [
        "BaseClusterings", "CentreRule", "ProductSearch", "RepresentativeGraph", "RowwiseKMeans", "USPEC",
    ],
    "EntropyWeightedConsensus": ["CentreRule", "EntropyWeightedConsensus", "LabelCoder", "TransferCutRule"],
    "EntropyWeightedConsensus-average": ["AverageRule", "EntropyWeightedConsensus", "LabelCoder"],
    "PathIntegralClustering": ["NeighbourVote", "PathIntegralClustering", "RowSearch"],
    "PathIntegralClustering-many": ["NeighbourVote", "PathIntegralClustering", "ProductSearch", "RowSearch"],
    "TransferCut": ["CentreRule", "TransferCut"],
    "USENC": [
        "BaseClusterings", "CentreRule", "EntropyWeightedConsensus", "LabelCoder", "ProductSearch",
        "RepresentativeGraph", "TransferCutRule", "USENC", "USPEC",
    ],
    "USPEC": ["CentreRule", "NeighbourLists", "RepresentativeGraph", "USPEC"],
}  # fmt: skip


@pytest.mark.parametrize("name", CONSENSUS)
def test_skops(name):
    sio = pytest.importorskip("skops.io")
    model, X = fitted(name)
    if name == "EntropyWeightedConsensus-average":
        model = clone(model).set_params(random_state=0).fit(X)
    data = sio.dumps(model)
    untrusted = sio.get_untrusted_types(data=data)
    assert all(kind.startswith("skdeepclust.") for kind in untrusted)
    assert sorted(kind.rpartition(".")[2] for kind in untrusted) == SKOPS_TYPES[name]
    check_same_answers(model, sio.loads(data, trusted=untrusted), X)


def test_estimators_of_scikit_learn_inside(tmp_path):
    model = skdeepclust.BaseClusterings(3, base_clusterer=KMeans(n_init=1), random_state=0).fit(TABLE)
    model.save(tmp_path)
    check_same_answers(model, skdeepclust.load(tmp_path), TABLE)
