# SPDX-License-Identifier: BSD-3-Clause
import pickle
import warnings

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from torch import nn

from skdeepclust._support._warnings import DeviceChangedWarning, WeakRecipeWarning
from skdeepclust.encoders import ContrastiveEncoder
from skdeepclust.encoders import _network_encoder as module
from skdeepclust.nn.contrastive_network import LAYERS

pytestmark = pytest.mark.filterwarnings("ignore:The rows of X look like flattened images")  # tables are meant

IMAGES = load_digits().images[:60] / 16
FLAT = IMAGES.reshape(60, -1)
BYTES = np.round(IMAGES * 255).astype(np.uint8)
COLOUR = np.random.default_rng(0).integers(0, 256, size=(12, 16, 16, 3), dtype=np.uint8)


def small(**parameters):
    defaults = {"n_clusters": 4, "max_epochs": 2, "batch_size": 32, "device": "cpu", "random_state": 0}
    return ContrastiveEncoder(**{**defaults, **parameters})


@pytest.fixture(scope="module")
def fitted():
    """An encoder of images with all layers, shared by the tests that only look at it."""
    return small(layers=LAYERS, projection_dim=16).fit(IMAGES)


@pytest.fixture
def trainings(monkeypatch):
    """Count the trainings."""
    calls = []

    def spy(*arguments, **named):
        calls.append(arguments)
        return original(*arguments, **named)

    original = module.run_training
    monkeypatch.setattr(module, "run_training", spy)
    return calls


def test_attributes(fitted):
    assert fitted.layer_sizes_ == (256, 256, 16, 256, 4)
    assert fitted.image_shape_ == (8, 8, 1)
    assert fitted.n_features_in_ == 64
    assert fitted.n_iter_ == len(fitted.history_) == 2
    features = fitted.transform(IMAGES)
    assert features.shape == (60, sum(fitted.layer_sizes_))
    assert features.dtype == np.float32
    names = fitted.get_feature_names_out()
    assert names[[0, 255, 256, 512, 528, -1]].tolist() == [
        "backbone_0", "backbone_255", "instance_hidden_0", "instance_0", "cluster_hidden_0", "cluster_3"
    ]  # fmt: skip
    assert len(set(names)) == features.shape[1]


def test_order_and_choice_of_layers(fitted):
    blocks = dict(zip(LAYERS, np.split(fitted.transform(IMAGES), np.cumsum(fitted.layer_sizes_)[:-1], axis=1)))
    other = small(layers=("cluster", "backbone"), projection_dim=16).fit(IMAGES)
    assert other.layer_sizes_ == (4, 256)
    np.testing.assert_array_equal(other.transform(IMAGES), np.hstack([blocks["cluster"], blocks["backbone"]]))
    one = small(layers="instance", projection_dim=16).fit(IMAGES)
    np.testing.assert_array_equal(one.transform(IMAGES), blocks["instance"])


def test_another_layer_can_be_read_after_training(fitted):
    copy = pickle.loads(pickle.dumps(fitted)).set_params(layers=("cluster",))
    np.testing.assert_array_equal(copy.transform(IMAGES), fitted.transform(IMAGES)[:, -4:])
    assert copy.get_feature_names_out().tolist() == [f"cluster_{i}" for i in range(4)]


def test_a_row_has_the_same_features_in_any_company(fitted):
    together = fitted.transform(IMAGES)
    for i in (0, 17, 59):
        np.testing.assert_array_equal(fitted.transform(IMAGES[i : i + 1])[0], together[i])
    np.testing.assert_array_equal(fitted.transform(IMAGES[::-1]), together[::-1])


def test_the_same_seed_gives_the_same_features():
    X = FLAT
    first, again, other = (small(random_state=seed).fit(X).transform(X) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(
        small(random_state=np.random.RandomState(5)).fit(X).transform(X),
        small(random_state=np.random.RandomState(5)).fit(X).transform(X),
    )


@pytest.mark.parametrize("augmentation", ["gray", "none"])
def test_the_users_random_states_stay_as_they_were(augmentation):
    torch.manual_seed(1)
    torch_before = torch.get_rng_state()
    numpy_before = np.random.get_state()  # noqa: NPY002  the global state is what the test is about
    first = small(augmentation=augmentation).fit(IMAGES).transform(IMAGES)
    assert torch.equal(torch.get_rng_state(), torch_before)
    numpy_after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(numpy_after[1], numpy_before[1])
    assert numpy_after[2:] == numpy_before[2:]
    torch.manual_seed(99)  # and the result does not depend on them
    np.random.seed(99)  # noqa: NPY002
    np.testing.assert_array_equal(small(augmentation=augmentation).fit(IMAGES).transform(IMAGES), first)


def test_images_in_every_form_are_the_same_images(fitted):
    features = fitted.transform(IMAGES)
    parameters = {"layers": LAYERS, "projection_dim": 16}
    for X, image_shape in [
        (FLAT, (8, 8)),
        (FLAT, [8, 8, 1]),
        (IMAGES[..., None], None),
        (IMAGES, (8, 8)),
        (IMAGES.tolist(), None),
        (FLAT.tolist(), (8, 8)),
        (np.asfortranarray(IMAGES), None),
        (torch.from_numpy(IMAGES), None),
    ]:
        model = small(image_shape=image_shape, **parameters).fit(X)
        assert model.image_shape_ == (8, 8, 1)
        np.testing.assert_array_equal(model.transform(X), features)
        np.testing.assert_array_equal(model.transform(FLAT[:3]), features[:3])
        np.testing.assert_array_equal(model.transform(IMAGES[:3]), features[:3])


def test_bytes_equal_floats_divided_by_255():
    floats = BYTES / 255
    expected = small().fit(floats).transform(floats)
    model = small().fit(BYTES)
    np.testing.assert_array_equal(model.transform(BYTES), expected)
    np.testing.assert_array_equal(model.transform(floats), expected)
    with pytest.raises(ValueError, match="fitted on uint8"):
        model.transform(BYTES.astype(float))


@pytest.mark.parametrize("images", [True, False])
def test_read_only_memory_maps(tmp_path, images):
    X = BYTES if images else FLAT
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    np.testing.assert_array_equal(small().fit(mapped).transform(mapped), small().fit(X).transform(X))
    np.testing.assert_array_equal(mapped, X)


@pytest.mark.parametrize("how", ["pickle", "joblib"])
def test_round_trip(fitted, how, tmp_path):
    if how == "pickle":
        copy = pickle.loads(pickle.dumps(fitted))
    else:
        joblib.dump(fitted, tmp_path / "encoder.joblib")
        copy = joblib.load(tmp_path / "encoder.joblib")
    assert copy.reader_.device is None
    np.testing.assert_array_equal(copy.transform(IMAGES), fitted.transform(IMAGES))
    assert fitted.reader_.device == torch.device("cpu")  # the pickled one was left alone
    again = pickle.loads(pickle.dumps(copy))
    np.testing.assert_array_equal(again.transform(IMAGES), fitted.transform(IMAGES))


def test_no_device_in_the_pickle(fitted):
    as_text = b"torch\ndevice"  # how protocol 2 names the class torch.device
    assert as_text in pickle.dumps(fitted.reader_, protocol=2)
    assert as_text not in pickle.dumps(fitted, protocol=2)
    copy = pickle.loads(pickle.dumps(fitted))
    assert {p.device.type for p in copy.network_.parameters()} == {"cpu"}


def test_a_device_that_is_gone_is_reported(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    copy.device = "cuda:99"
    with pytest.warns(DeviceChangedWarning, match="device='cuda:99' is not available here.*cpu|cuda"):
        features = copy.transform(IMAGES)
    if copy.reader_.device.type == "cpu":
        np.testing.assert_array_equal(features, fitted.transform(IMAGES))


def test_clones_are_unfitted_and_equal(fitted):
    copy = clone(fitted)
    assert not hasattr(copy, "network_")
    assert copy.get_params() == fitted.get_params()
    np.testing.assert_array_equal(copy.fit(IMAGES).transform(IMAGES), fitted.transform(IMAGES))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_in_and_out(library):
    frames = pytest.importorskip(library)
    columns = [f"pixel{i}" for i in range(64)]
    frame = frames.DataFrame(dict(zip(columns, FLAT.T)))
    model = small(image_shape=(8, 8)).set_output(transform=library)
    out = model.fit_transform(frame)
    assert isinstance(out, frames.DataFrame)
    assert list(out.columns) == model.get_feature_names_out().tolist()
    assert model.feature_names_in_.tolist() == columns
    np.testing.assert_array_equal(out.to_numpy(), small().fit(IMAGES).transform(IMAGES))


def test_a_factory_and_an_augmentation_of_the_users_own():
    shapes = []

    def factory(shape):
        return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 7), nn.ReLU())

    def augment(batch):
        shapes.append(tuple(batch.shape[1:]))
        return batch.flip(-1)

    model = small(backbone=factory, augmentation=augment).fit(IMAGES)
    assert model.layer_sizes_ == (7, 128, 7)
    assert len(set(shapes)) == 1
    assert len(shapes[0]) == 3


@pytest.mark.parametrize("max_epochs", [1, 3])
def test_number_of_epochs(max_epochs):
    assert small(max_epochs=max_epochs, backbone="mlp").fit(FLAT).n_iter_ == max_epochs


@pytest.fixture
def recipes(monkeypatch):
    """What is asked of trainings; they do not run."""
    asked = []
    monkeypatch.setattr(module, "run_training", lambda estimator, training, *_, **__: asked.append(training.recipe))
    return asked


def test_large_data_get_fewer_epochs(recipes):
    for n in (60, 6_000, 600_000):
        small(max_epochs="auto", backbone="mlp").fit(np.arange(2.0 * n).reshape(n, 2))
    asked = [recipe.max_epochs for recipe in recipes]
    assert asked == sorted(asked, reverse=True)
    assert asked[0] > asked[1] > asked[2] >= 1


@pytest.mark.parametrize(
    ("images", "parameters", "expected"),
    [
        (BYTES, {}, (5, "input")),
        (COLOUR, {}, (0, "features")),
        (COLOUR, {"neighbors_from": "input"}, (5, "input")),
        (COLOUR, {"n_neighbors": 3}, (3, "features")),
    ],
)
def test_colour_images_have_neighbours_only_where_they_are_asked_for(recipes, images, parameters, expected):
    small(backbone="mlp", **parameters).fit(images)
    assert (recipes[0].n_neighbors, recipes[0].neighbors_from) == expected


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_handful_of_rows(n):
    model = small(n_clusters=2, batch_size=256).fit(FLAT[:n])
    assert model.transform(FLAT[:n]).shape == (n, 640)


def test_no_neighbors():
    assert np.isfinite(small(n_neighbors=0).fit(IMAGES).transform(IMAGES)).all()


def test_colour_images_without_a_budget_are_warned_about():
    with pytest.warns(WeakRecipeWarning, match="colour images"):
        small(max_epochs="auto", batch_size=6, backbone="mlp").fit(COLOUR)
    with warnings.catch_warnings():
        warnings.simplefilter("error", WeakRecipeWarning)
        small(max_epochs=1, batch_size=6, backbone="mlp").fit(COLOUR)
        small(max_epochs="auto", batch_size=6, backbone="mlp").fit(COLOUR[..., 0])


def test_flattened_images_are_warned_about_unless_they_are_meant():
    with pytest.warns(
        WeakRecipeWarning, match=r"8 x 8 pixels: pass image_shape=\(8, 8\).*augmentation='table' silences"
    ):
        small().fit(FLAT)
    with warnings.catch_warnings():
        warnings.simplefilter("error", WeakRecipeWarning)
        small(image_shape=(8, 8)).fit(FLAT)
        small(augmentation="table").fit(FLAT)
        small(backbone="mlp").fit(FLAT)


def test_colour_images():
    colour = np.random.default_rng(0).integers(0, 256, size=(12, 16, 20, 3), dtype=np.uint8)
    model = small(batch_size=6).fit(colour)
    assert model.image_shape_ == (16, 20, 3)
    np.testing.assert_array_equal(model.transform(colour.reshape(12, -1)), model.transform(colour))


def test_progress_goes_to_the_log_and_the_bar_to_stderr(caplog, capsys):
    pytest.importorskip("tqdm")
    with caplog.at_level("INFO", logger="skdeepclust"):
        small(backbone="mlp", verbose=1).fit(FLAT)
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "epoch 1, 50% of training",
        "epoch 2, 100% of training",
    ]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "training" in captured.err
    small(backbone="mlp").fit(FLAT)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 9, 8)), r"images of shape \(9, 8, 1\), but ContrastiveEncoder was fitted on images.*\(8, 8, 1\)"),
        (np.zeros((3, 4, 4, 4)), r"images of shape \(4, 4, 4\)"),
        (np.zeros((3, 65)), "X has 65 features, but ContrastiveEncoder is expecting 64"),
        (np.zeros((3, 8, 8, 1, 1)), "got 5 dimensions"),
        (np.full((3, 8, 8), np.nan), "NaN"),
    ],
)
def test_other_images_are_refused_after_training(fitted, X, message):
    with pytest.raises(ValueError, match=message):
        fitted.transform(X)


def test_images_are_refused_by_a_network_of_tables():
    model = small().fit(FLAT)
    with pytest.raises(ValueError, match=r"images of shape \(8, 8, 1\), but ContrastiveEncoder was fitted on a table"):
        model.transform(IMAGES)


def test_a_diverging_training_is_reported():
    with pytest.raises(FloatingPointError, match="learning_rate"):
        small(backbone="mlp", learning_rate=1e30).fit(FLAT)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_clusters": 0}, ValueError, "n_clusters must be an integer >= 1; got 0"),
        ({"n_clusters": 61}, ValueError, "n_clusters=61 is more than the number of rows: n_samples=60"),
        ({"n_clusters": 2.0}, TypeError, "n_clusters"),
        ({"image_shape": (7, 8)}, ValueError, r"image_shape=\(7, 8\) means 56 values per row, but X has 64 columns"),
        ({"image_shape": (8, 8, 3)}, ValueError, "image_shape"),
        ({"image_shape": (8,)}, ValueError, "image_shape must be None"),
        ({"image_shape": (8, -8)}, ValueError, "image_shape must be None"),
        ({"image_shape": (8.0, 8)}, TypeError, "image_shape must be None"),
        ({"image_shape": 8}, TypeError, "image_shape must be None"),
        ({"image_shape": "8x8"}, TypeError, "image_shape must be None"),
        ({"layers": ("backbone", "head")}, ValueError, "layers must be one or more different names from .*got"),
        ({"layers": ("backbone", "backbone")}, ValueError, "layers"),
        ({"layers": ()}, ValueError, "layers"),
        ({"layers": "head"}, ValueError, "layers"),
        ({"layers": 3}, TypeError, "layers"),
        ({"layers": ("backbone", 3)}, TypeError, "layers"),
        ({"backbone": "vgg"}, ValueError, "backbone must be one of"),
        ({"backbone": "resnet18"}, ValueError, "backbone='resnet18' needs images"),
        ({"augmentation": "flip"}, ValueError, "augmentation must be one of"),
        ({"augmentation": "gray"}, ValueError, "augmentation='gray' needs images"),
        ({"n_neighbors": -1}, ValueError, "n_neighbors must be an integer >= 0; got -1"),
        ({"neighbors_from": "labels"}, ValueError, "neighbors_from must be one of 'auto', 'input', 'features'"),
        ({"max_epochs": 0}, ValueError, "max_epochs must be an integer >= 1; got 0"),
        ({"max_epochs": "many"}, ValueError, "max_epochs"),
        ({"max_epochs": 1.5}, TypeError, "max_epochs"),
        ({"batch_size": 1}, ValueError, "batch_size must be an integer >= 2; got 1"),
        ({"learning_rate": -1e-3}, ValueError, "learning_rate must be a number > 0; got -0.001"),
        ({"learning_rate": np.inf}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"),
        ({"weight_decay": -1}, ValueError, "weight_decay must be a number >= 0"),
        ({"temperature": 0}, ValueError, "temperature must be a number > 0"),
        ({"projection_dim": 0}, ValueError, "projection_dim must be an integer >= 1"),
        ({"device": "gpu"}, ValueError, "device='gpu' cannot be used here"),
        ({"precision": "float16"}, ValueError, "precision must be one of"),
        ({"random_state": -1}, ValueError, "random_state"),
        ({"random_state": "zero"}, ValueError, "zero"),
        ({"verbose": -1}, ValueError, "verbose"),
    ],
)
def test_bad_parameters_are_refused_before_training(parameters, error, message, trainings):
    with pytest.raises(error, match=message):
        small(**parameters).fit(FLAT)
    assert not trainings
