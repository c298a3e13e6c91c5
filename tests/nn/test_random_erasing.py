# SPDX-License-Identifier: BSD-3-Clause
import pytest
import torch

from skdeepclust.nn.random_erasing import RandomErasing


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def test_exactly_the_box_is_black():
    augment = RandomErasing((8, 10), p=0.7, area=(0.05, 0.4))
    x = torch.rand(30, 3, 8, 10) + 0.1
    params = augment.draw(30)
    expected = x.clone()
    for image, (left, top, right, bottom) in zip(expected, params.int().tolist()):
        image[:, top:bottom, left:right] = 0
    assert torch.equal(augment.apply(x, params), expected)
    assert not torch.equal(expected, x)


def test_no_box_changes_nothing():
    x = torch.rand(4, 1, 8, 8)
    assert torch.equal(RandomErasing((8, 8), p=0.0, area=(0.1, 0.2))(x), x)


@pytest.mark.parametrize("size", [(40, 40), (30, 60)])
def test_sizes_and_places_of_the_boxes(size):
    h, w = size
    params = RandomErasing(size, p=0.3, area=(0.02, 0.1)).draw(20_000)
    is_drawn = params[:, 2] > 0
    assert is_drawn.float().mean().item() == pytest.approx(0.3, abs=0.015)
    assert (params[~is_drawn] == 0).all()
    left, top, right, bottom = params[is_drawn].unbind(dim=1)
    width, height = right - left, bottom - top
    assert torch.equal(params, params.round())
    assert min(left.min(), top.min()) == 0
    assert right.max() == w
    assert bottom.max() == h
    assert min(width.min(), height.min()) >= 1
    area = width * height / (h * w)
    assert area.mean().item() == pytest.approx(0.06, abs=0.002)
    assert area.min() > 0.01  # sides are rounded to pixels
    assert area.max() < 0.12
    assert (height > width).float().mean().item() == pytest.approx(0.5, abs=0.08)
    assert (left / (w - width).clamp_min(1)).mean().item() == pytest.approx(0.5, abs=0.02)
    assert (top / (h - height).clamp_min(1)).mean().item() == pytest.approx(0.5, abs=0.02)


def test_boxes_fit_into_the_narrowest_images():
    augment = RandomErasing((3, 40), p=1.0, area=(0.5, 0.9))
    left, top, right, bottom = augment.draw(200).unbind(dim=1)
    assert (right - left).max() <= 40
    assert (bottom - top).max() <= 3
    assert right.max() <= 40
    assert bottom.max() <= 3
