# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch

from skdeepclust.nn.color_jitter import ColorJitter, color_matrices, mean_luma

FULL = ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, grey=0.2)
LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def rotate_about_grey(pixel, angle):
    """Rodrigues' formula about the axis (1, 1, 1)."""
    axis = np.ones(3) / 3**0.5
    turned = pixel * np.cos(angle) + np.cross(axis, pixel) * np.sin(angle)
    return turned + axis * (axis @ pixel) * (1 - np.cos(angle))


def jitter(x, brightness, contrast, saturation, hue, grey):
    """One image (3, h, w) in float64, step by step and pixel by pixel."""
    out = x + brightness
    mean = np.mean([LUMA @ out[:, i, j] for i in range(x.shape[1]) for j in range(x.shape[2])])
    out = contrast * (out - mean) + mean
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            pixel = out[:, i, j]
            pixel = saturation * pixel + (1 - saturation) * (LUMA @ pixel)
            pixel = rotate_about_grey(pixel, 2 * np.pi * hue)
            out[:, i, j] = LUMA @ pixel if grey else pixel
    return np.clip(out, 0, 1)


def test_against_the_steps_one_by_one():
    x = torch.rand(40, 3, 4, 5, dtype=torch.float64)
    params = FULL.draw(40).double()
    assert set(params[:, 4].tolist()) == {0.0, 1.0}
    expected = np.stack([jitter(image, *row) for image, row in zip(x.numpy(), params.numpy())])
    assert (expected == 0).any()  # it clamps
    assert (expected == 1).any()
    np.testing.assert_allclose(FULL.apply(x, params).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_brightness_and_contrast_of_any_number_of_channels(channels):
    augment = ColorJitter(brightness=0.3, contrast=0.3)
    x = torch.rand(6, channels, 5, 5, dtype=torch.float64)
    params = augment.draw(6).double()
    weights = torch.tensor(LUMA) if channels == 3 else torch.full((channels,), 1 / channels, dtype=torch.float64)
    mean = torch.einsum("nchw,c->n", x, weights) / 25
    beta, kappa = (params[:, i, None, None, None] for i in (0, 1))
    mean = mean[:, None, None, None]
    expected = (kappa * (x - mean) + mean + beta).clamp(0, 1)
    torch.testing.assert_close(augment.apply(x, params), expected)
    torch.testing.assert_close(mean_luma(x), mean)


@pytest.mark.parametrize("augment", [FULL, ColorJitter(brightness=0.2), ColorJitter(brightness=0.2, contrast=0.1)])
def test_parameters_that_change_nothing_change_nothing(augment):
    x = torch.rand(3, 3, 6, 6)
    unchanged = torch.tensor([[0.0, 1.0, 1.0, 0.0, 0.0]]).repeat(3, 1)
    torch.testing.assert_close(augment.apply(x, unchanged), x, rtol=0, atol=1e-6)


def test_grey_pixels_have_no_hue():
    params = FULL.draw(50).double()
    ones = torch.ones(3, dtype=torch.float64)
    torch.testing.assert_close(color_matrices(params) @ ones, ones.expand(50, 3))


def test_a_third_of_a_turn_makes_red_green():
    matrix = color_matrices(torch.tensor([[0.0, 1.0, 1.0, 1 / 3, 0.0]], dtype=torch.float64))[0]
    expected = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(matrix, expected, rtol=0, atol=1e-7)  # the turn is a float32 number


def test_ranges_and_means_of_the_parameters():
    n = 20_000
    augment = ColorJitter(p=0.8, brightness=0.4, contrast=0.3, saturation=0.2, hue=0.1, grey=0.25)
    params = augment.draw(n)
    is_drawn = params[:, 0] != 0
    assert is_drawn.float().mean().item() == pytest.approx(0.8, abs=0.015)
    for column, (middle, half) in enumerate([(0, 0.4), (1, 0.3), (1, 0.2), (0, 0.1)]):
        values = params[is_drawn, column]
        assert middle - half - 1e-6 <= values.min() < middle - 0.98 * half
        assert middle + 0.98 * half < values.max() <= middle + half + 1e-6
        assert values.mean().item() == pytest.approx(middle, abs=0.03 * half)
        assert values.std().item() == pytest.approx(half / 3**0.5, rel=0.03)
        assert (params[~is_drawn, column] == middle).all()
    for chosen in (is_drawn, ~is_drawn):  # greyness is drawn for itself
        assert params[chosen, 4].mean().item() == pytest.approx(0.25, abs=0.03)
    assert set(params[:, 4].tolist()) == {0.0, 1.0}
