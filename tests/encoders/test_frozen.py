# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle
from dataclasses import dataclass

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn import functional as F

from skdeepclust._support._warnings import DeviceChangedWarning
from skdeepclust.cluster import BaseClusterings
from skdeepclust.encoders import FrozenEncoder

BYTES = (load_digits().images[:150] * (255 / 16)).astype(np.uint8)
CPU = {"device": "cpu", "precision": "float32"}


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build()


def conv_net(channels=1):
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Conv2d(6, 10, 3)
    )


class TokenNet(nn.Module):
    """A transformer over the rows of an image, behind a token for the whole."""

    def __init__(self):
        super().__init__()
        self.cls = nn.Parameter(torch.ones(1, 1, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x):
        return self.block(torch.cat([self.cls.expand(len(x), -1, -1), x[:, 0]], dim=1))


class DictNet(nn.Module):
    """Returns what networks of Hugging Face do; its parts return a tuple and two tensors under names of their own."""

    class Attention(nn.Module):
        def forward(self, x):
            return x * 2, x.mean(1)

    class Heads(nn.Module):
        def forward(self, x):
            return {"up": x, "down": -x}

    def __init__(self):
        super().__init__()
        self.attention, self.heads = self.Attention(), self.Heads()

    def forward(self, x):
        hidden, _ = self.attention(x[:, 0])
        return {"pooler_output": self.heads(hidden)["up"][:, 0], "last_hidden_state": hidden}


@dataclass(frozen=True)
class Scaled:
    """A preprocessing that pickles."""

    factor: float

    def __call__(self, x):
        return x * self.factor


def small(layers=("2", "4"), **parameters):
    return FrozenEncoder(seeded(conv_net), layers, **{**CPU, "batch_size": 32, **parameters})


@pytest.fixture(scope="module")
def fitted():
    return small().fit(BYTES)


def test_features_are_the_pooled_outputs_of_the_parts(fitted):
    net = seeded(conv_net).eval()
    with torch.no_grad():
        x = torch.from_numpy(BYTES[:, None] / np.float32(255))
        inner = net[:3](x).mean((2, 3))
        last = net(x).mean((2, 3))
    features = fitted.transform(BYTES)
    assert features.dtype == np.float32
    assert fitted.layer_sizes_ == (6, 10)
    np.testing.assert_allclose(features, np.hstack([inner, last]), atol=1e-5)


def test_attributes(fitted):
    assert fitted.image_shape_ == (8, 8, 1)
    assert fitted.n_features_in_ == 64
    assert fitted.get_feature_names_out()[[0, 5, 6, -1]].tolist() == ["2_0", "2_5", "4_0", "4_9"]
    assert small("").fit(BYTES).get_feature_names_out()[[0, -1]].tolist() == ["output_0", "output_9"]


def test_layers_come_in_the_order_of_their_names(fitted):
    features = small(("4", "2")).fit(BYTES)
    assert features.layer_sizes_ == (10, 6)
    expected = fitted.transform(BYTES)
    np.testing.assert_array_equal(features.transform(BYTES), np.hstack([expected[:, 6:], expected[:, :6]]))


def test_a_row_has_the_same_features_in_any_company(fitted):
    together = fitted.transform(BYTES)
    for rows in (slice(0, 1), slice(31, 33), slice(149, 150), slice(7, 100), slice(None, None, -1)):
        np.testing.assert_array_equal(fitted.transform(BYTES[rows]), together[rows])


@pytest.mark.parametrize(
    ("X", "image_shape"),
    [
        (BYTES.reshape(150, 64), (8, 8)),
        (BYTES[..., None], None),
        (BYTES / 255, None),
        ((BYTES / 255).astype(np.float32).reshape(150, 64), (8, 8, 1)),
    ],
    ids=["rows", "channels", "floats", "float32 rows"],
)
def test_kinds_of_images(fitted, X, image_shape):
    np.testing.assert_array_equal(small(image_shape=image_shape).fit_transform(X), fitted.transform(BYTES))


def test_images_on_disk(fitted, tmp_path):
    np.save(tmp_path / "x.npy", BYTES)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(small().fit_transform(mapped), fitted.transform(BYTES))

    class Items:  # a map-style data set
        def __len__(self):
            return len(BYTES)

        def __getitem__(self, i):
            return torch.from_numpy(BYTES[i : i + 1]), 0

    np.testing.assert_array_equal(small().fit_transform(Items()), fitted.transform(BYTES))


def test_preprocess_gets_pixels_between_0_and_1():
    seen = []

    def enlarge(x):
        seen.append(x)
        return F.interpolate(x, size=(20, 20))

    X = np.random.default_rng(0).integers(0, 256, (40, 8, 6, 3), dtype=np.uint8)
    encoder = FrozenEncoder(seeded(lambda: conv_net(3)), "4", preprocess=enlarge, pooling="flatten", **CPU)
    assert encoder.fit_transform(X).shape == (40, 16 * 16 * 10)
    assert seen[-1].shape == (64, 3, 8, 6)
    np.testing.assert_allclose(seen[-1][:40].numpy(), np.moveaxis(X, 3, 1) / 255, atol=1e-6)


def test_rows_of_a_table_are_taken_as_they_are():
    X = np.random.default_rng(0).normal(5, 3, (20, 4))
    encoder = FrozenEncoder(nn.Identity(), "", **CPU).fit(X)
    np.testing.assert_array_equal(encoder.transform(X), X.astype(np.float32))


@pytest.mark.parametrize("pooling", ["avg", "cls", "flatten"])
def test_tokens(pooling):
    net = seeded(TokenNet).eval()
    with torch.no_grad():
        tokens = net(torch.from_numpy(BYTES[:, None] / np.float32(255)))
    expected = {"avg": tokens.mean(1), "cls": tokens[:, 0], "flatten": tokens.flatten(1)}[pooling]
    found = FrozenEncoder(net, ("block",), pooling=pooling, **CPU).fit_transform(BYTES)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_networks_that_return_dicts_and_tuples():
    hidden = BYTES.astype(np.float32) / 255 * 2
    encoder = FrozenEncoder(DictNet(), ("attention", ""), pooling="cls", **CPU)
    np.testing.assert_allclose(encoder.fit_transform(BYTES), np.hstack([hidden[:, 0]] * 2), atol=1e-6)
    with pytest.raises(TypeError, match=r"layer 'heads' returns a dict with the tensors \['down', 'up'\]"):
        FrozenEncoder(DictNet(), ("heads",), **CPU).fit(BYTES)


@pytest.mark.parametrize("mode", [True, False])
def test_the_module_is_left_as_it_was(mode):
    net = seeded(conv_net).train(mode)
    before = copy.deepcopy(net.state_dict())
    FrozenEncoder(net, ("1", "4"), **CPU).fit_transform(BYTES)
    assert all(part.training is mode for part in net.modules())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(value.requires_grad for value in net.parameters())
    assert not any(part._forward_hooks for part in net.modules())


def test_generators_are_left_as_they_were(fitted):
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    fitted.transform(BYTES)
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


def test_clones_and_pickles(fitted):
    expected = fitted.transform(BYTES)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.reader_.device is None
    assert again.module[0].weight.data_ptr() != fitted.module[0].weight.data_ptr()
    np.testing.assert_array_equal(again.transform(BYTES), expected)
    np.testing.assert_array_equal(copy.deepcopy(fitted).transform(BYTES), expected)
    new = clone(fitted)
    assert not hasattr(new, "layer_sizes_")
    np.testing.assert_array_equal(new.fit_transform(BYTES), expected)


def test_equal_encoders_have_equal_hashes(fitted):
    unfitted = clone(fitted)
    expected = joblib.hash(unfitted)
    for equal in (clone(fitted), small(), pickle.loads(pickle.dumps(unfitted))):
        assert joblib.hash(equal) == expected
    assert joblib.hash(small(preprocess=Scaled(2.0))) != expected
    other = small()
    with torch.no_grad():
        other.module[0].bias[0] += 1
    assert joblib.hash(other) != expected


def test_a_lost_device_is_replaced(fitted):
    again = pickle.loads(pickle.dumps(clone(fitted).fit(BYTES).set_params(device="cuda:7")))
    with pytest.warns(DeviceChangedWarning, match="device='cuda:7' is not available here; the network runs on cpu"):
        features = again.transform(BYTES)
    np.testing.assert_array_equal(features, fitted.transform(BYTES))


def test_a_module_that_lies_elsewhere_is_copied():
    net = seeded(conv_net).to("meta")
    encoder = FrozenEncoder(net, ("4",), **CPU)
    with pytest.raises(NotImplementedError):  # what torch says to copying from there; nothing is computed on it
        encoder.fit(BYTES)
    assert net[0].weight.device.type == "meta"


def test_features_on_disk(fitted, tmp_path):
    encoder = small(features_dir=tmp_path / "features")
    features = encoder.fit_transform(BYTES)
    assert isinstance(features, np.memmap)
    np.testing.assert_array_equal(features, fitted.transform(BYTES))
    (path,) = (tmp_path / "features").iterdir()
    np.testing.assert_array_equal(np.load(path), features)
    assert not isinstance(encoder.transform(BYTES[:32]), np.memmap)  # one pass: not worth a file
    assert len(list((tmp_path / "features").iterdir())) == 1


@pytest.mark.parametrize(("side", "rows"), [(8, 64), (256, 7), (1024, 1)])
def test_automatic_batches_keep_outputs_small(side, rows, monkeypatch):
    """8 channels of float32: 2 MiB for a side of 256."""
    network = nn.Sequential(nn.Conv2d(1, 8, 1), nn.AdaptiveAvgPool2d(1))
    encoder = FrozenEncoder(network, "1", device="cpu", precision="float32").fit(np.zeros((2, side, side), np.uint8))
    assert encoder.largest_output_ == 8 * side**2 * 4
    seen = []
    network.register_forward_hook(lambda module, arguments, output: seen.append(len(output)))
    encoder.transform(np.zeros((3, side, side), np.uint8))
    assert seen == [rows] * -(-3 // rows)


def test_no_file_is_left_of_features_that_are_not_finite(tmp_path):
    X = np.full((40, 4), 1.0)
    encoder = FrozenEncoder(nn.Identity(), "", features_dir=tmp_path, preprocess=Scaled(1e38), **CPU).fit(X)
    X[-1] = 1e3
    with pytest.raises(FloatingPointError, match="features of the network are not finite"):
        encoder.set_params(batch_size=16).transform(X)
    assert not list(tmp_path.iterdir())


def test_progress(fitted, capsys):
    small(verbose=1).fit(BYTES).transform(BYTES)
    assert "150/150" in capsys.readouterr().err
    fitted.transform(BYTES)
    assert not capsys.readouterr().err


def test_in_a_pipeline():
    pipeline = make_pipeline(small(), BaseClusterings(4, group_sizes=(6, 10), base_n_clusters=(3, 5), random_state=0))
    labels = pipeline.fit_transform(BYTES)
    assert labels.shape == (150, 4)
    assert [e.n_features_in_ for e in pipeline[-1].estimators_] == [6, 6, 10, 10]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"module": conv_net}, TypeError, "module must be a torch.nn.Module; got <function conv_net"),
        ({"layers": ("2", "5")}, ValueError, "Sequential has no submodule '5'; near are"),
        ({"layers": ()}, ValueError, "layers must be one or more different names"),
        ({"layers": 2}, TypeError, "layers must be a tuple of names"),
        ({"preprocess": "resize"}, TypeError, "preprocess must be None or a callable"),
        ({"pooling": "max"}, ValueError, "pooling must be one of 'avg', 'cls', 'flatten'; got 'max'"),
        ({"pooling": "cls"}, ValueError, "pooling='cls' does not go with layer '2'"),
        ({"batch_size": 0}, ValueError, "batch_size must be an integer >= 1; got 0. Or use 'auto'."),
        ({"batch_size": "all"}, TypeError, "batch_size must be an integer >= 1; got 'all'. Or use 'auto'."),
        ({"precision": "float16"}, ValueError, "precision must be one of"),
        ({"features_dir": 3}, TypeError, "features_dir must be None or the path of a folder; got 3"),
        ({"verbose": -1}, ValueError, "verbose must be an integer >= 0"),
        ({"image_shape": (8, 9)}, ValueError, "image_shape"),
        ({"module": conv_net(3)}, ValueError, r"the module cannot process a batch of shape \(2, 1, 8, 8\)"),
    ],
)
def test_parameters_are_checked(parameters, error, message):
    with pytest.raises(error, match=message):
        small().set_params(**parameters).fit(BYTES)


def test_images_of_another_shape_are_refused(fitted):
    with pytest.raises(ValueError, match=r"X holds images of shape \(4, 16, 1\), but FrozenEncoder was fitted on"):
        fitted.transform(BYTES.reshape(150, 4, 16))


def test_dark_pictures_stay_dark_for_a_network_that_knows_them():
    network, dark = seeded(conv_net).eval(), BYTES // 5
    encoder = FrozenEncoder(network, "0", **CPU)
    np.testing.assert_array_equal(encoder.fit(BYTES).transform(dark), encoder.fit(dark).transform(dark))
