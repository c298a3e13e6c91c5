# SPDX-License-Identifier: BSD-3-Clause
import pickle

import pytest
import torch

from skdeepclust.nn.augment import TableAugmentation, build_augmentation, check_view


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
        ("gray", (3, 16, 16)),
        ("gray", (2, 12, 20)),
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
    for name, shape in [("gray", (1, 16, 16)), ("color", (3, 16, 16))]:
        views = view(build_augmentation(name, shape), images(shape, n=64))
        assert views.min() >= 0
        assert views.max() <= 1


def test_a_callable_is_used_as_it_is():
    def mine(x):
        return -x

    assert build_augmentation(mine, (1, 16, 16)) is mine


def test_augmentations_pickle():
    for name, shape in [("gray", (1, 16, 16)), ("color", (3, 16, 16)), ("table", (5,))]:
        augment = build_augmentation(name, shape)
        x = images(shape)
        assert torch.equal(view(pickle.loads(pickle.dumps(augment)), x), view(augment, x))


def test_replaced_entries_come_from_the_same_column():
    n, d = 400, 6
    x = torch.arange(n * d, dtype=torch.float32).reshape(n, d)  # every entry is another number; column = entry % d
    views = view(TableAugmentation(noise=0.0, corruption=0.2), x)
    assert torch.equal(views % d, x % d)
    assert set(views.flatten().tolist()) <= set(x.flatten().tolist())
    replaced = (views != x).float().mean().item()
    assert replaced == pytest.approx(0.2, abs=0.03)  # binomial with 2400 draws: 0.008 is one standard deviation
    assert len(torch.unique((views != x).sum(dim=1))) > 2  # entry by entry, not row by row


def test_noise_has_the_size_asked_for():
    x = torch.zeros(500, 8)
    views = view(TableAugmentation(noise=0.3, corruption=0.0), x)
    assert views.std().item() == pytest.approx(0.3, abs=0.02)
    assert torch.equal(view(TableAugmentation(noise=0.0, corruption=0.0), x), x)


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
