# SPDX-License-Identifier: BSD-3-Clause
import pickle

import pytest
import torch

from skdeepclust.nn.augment import AUGMENTATIONS, build_augmentation, check_view


def images(shape, n=8, seed=0):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed))


def view(augment, x, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return augment(x)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("gray", (1, 16, 16)),
        ("gray", (2, 12, 20)),
        ("gray", (3, 16, 16)),
        ("gray", (4, 16, 16)),
        ("color", (3, 16, 16)),
        ("color", (3, 64, 80)),
        ("table", (20,)),
        ("auto", (1, 16, 16)),
        ("auto", (3, 16, 16)),
        ("auto", (20,)),
    ],
)
def test_every_sample_gets_a_view_of_its_own(name, shape):
    augment = build_augmentation(name, shape)
    eight_copies = images(shape, n=1).expand(8, *shape).contiguous()
    original = eight_copies.clone()
    views = view(augment, eight_copies)
    check_view(views, eight_copies)
    assert torch.isfinite(views).all()
    assert torch.equal(eight_copies, original)
    assert all((views[i] != views[j]).any() for i in range(8) for j in range(i))
    assert torch.equal(views, view(augment, eight_copies))
    assert not torch.equal(views, view(augment, eight_copies, seed=1))


@pytest.mark.parametrize("shape", [(1, 16, 16), (20,)])
def test_none_changes_nothing(shape):
    x = images(shape)
    assert torch.equal(build_augmentation("none", shape)(x), x)


@pytest.mark.parametrize(
    ("shape", "name"), [((1, 16, 16), "gray"), ((4, 16, 16), "gray"), ((3, 16, 16), "color"), ((5,), "table")]
)
def test_auto_goes_by_the_kind_of_sample(shape, name):
    x = images(shape)
    automatic = view(build_augmentation("auto", shape), x)
    assert torch.equal(automatic, view(build_augmentation(name, shape), x))


def test_pixels_stay_between_0_and_1():
    for name, shape in [("gray", (1, 16, 16)), ("color", (3, 64, 64))]:
        views = view(build_augmentation(name, shape), images(shape, n=64))
        assert views.min() >= 0
        assert views.max() <= 1


def test_a_callable_is_used_as_it_is():
    def mine(x):
        return -x

    assert build_augmentation(mine, (1, 16, 16)) is mine


def test_augmentations_pickle():
    for name, shape in [("gray", (1, 16, 16)), ("color", (3, 64, 64)), ("table", (5,)), ("none", (1, 8, 8))]:
        augment = build_augmentation(name, shape)
        x = images(shape)
        assert torch.equal(view(pickle.loads(pickle.dumps(augment)), x), view(augment, x))


def columns(name, shape, n=20_000):
    """Parameters of many samples by the name of the column."""
    augment = build_augmentation(name, shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return dict(zip(augment.columns, augment.draw(n).unbind(dim=1)))


@pytest.mark.parametrize(
    ("name", "shape", "ranges"),
    [
        (
            "gray",
            (1, 28, 28),
            {"angle": (-15, 15), "scale": (0.85, 1.15), "shear_x": (-10, 10), "shift_y": (-0.1, 0.1)},
        ),
        ("gray", (1, 28, 28), {"brightness": (-0.15, 0.15), "contrast": (1, 1), "mirror": (1, 1), "width": (1, 1)}),
        ("color", (3, 64, 64), {"brightness": (-0.4, 0.4), "contrast": (0.6, 1.4), "saturation": (0.6, 1.4)}),
        ("color", (3, 64, 64), {"hue": (-0.1, 0.1), "mirror": (-1, 1), "sigma": (0, 2), "angle": (0, 0)}),
    ],
)
def test_ranges_of_the_sets(name, shape, ranges):
    params = columns(name, shape)
    for column, (low, high) in ranges.items():
        assert params[column].min().item() == pytest.approx(low, abs=0.01 * (high - low) + 1e-6)
        assert params[column].max().item() == pytest.approx(high, abs=0.01 * (high - low) + 1e-6)


def test_probabilities_of_the_sets():
    gray, color = columns("gray", (1, 28, 28)), columns("color", (3, 64, 64))
    for mask, probability in [
        (gray["angle"] != 0, 0.5),
        (gray["right"] > 0, 0.3),
        (color["mirror"] < 0, 0.5),
        (color["hue"] != 0, 0.8),
        (color["grey"] > 0, 0.2),
        (color["sigma"] > 0, 0.5),
    ]:
        assert mask.float().mean().item() == pytest.approx(probability, abs=0.015)
    assert "sigma" not in columns("color", (3, 63, 80), n=1)
    assert (color["width"] * color["height"]).min() == pytest.approx(0.2, abs=0.01)


def test_every_name_is_built():
    for name in AUGMENTATIONS:
        shape = (5,) if name == "table" else (3, 16, 16)
        x = images(shape)
        check_view(view(build_augmentation(name, shape), x), x)


@pytest.mark.parametrize(
    ("augmentation", "shape", "error", "message"),
    [
        ("blur", (1, 8, 8), ValueError, "augmentation must be one of 'auto', 'gray', .*got 'blur'"),
        (3, (1, 8, 8), TypeError, "augmentation must be a name or a callable.*got int"),
        ("table", (1, 8, 8), ValueError, "augmentation='table' is for vectors"),
        ("gray", (5,), ValueError, "augmentation='gray' needs images.*image_shape"),
        ("color", (5,), ValueError, "augmentation='color' needs images.*image_shape"),
        ("color", (1, 8, 8), ValueError, "augmentation='color' needs images of 3 channels, these have 1"),
    ],
)
def test_messages_name_the_parameter(augmentation, shape, error, message):
    with pytest.raises(error, match=message):
        build_augmentation(augmentation, shape)


@pytest.mark.parametrize(
    ("bad", "got"),
    [
        (torch.zeros(4, 1, 8), r"\(4, 1, 8\)"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.int64), "torch.int64"),
        ("view", "it returned str"),
        (None, "it returned NoneType"),
    ],
)
def test_views_of_another_shape_are_refused(bad, got):
    with pytest.raises(ValueError, match=f"augmentation must return a float tensor.*{got}"):
        check_view(bad, torch.zeros(4, 1, 8, 8))
