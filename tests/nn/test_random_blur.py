# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from skdeepclust.nn.random_blur import RandomBlur, gaussian_weights


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("channels", [1, 3])
def test_against_scipy_image_by_image(channels):
    augment = RandomBlur(radius=4)
    x = torch.rand(5, channels, 12, 15, dtype=torch.float64)
    sigma = torch.tensor([[0.5], [0.0], [2.0], [1.3], [0.0]], dtype=torch.float64)
    blurred = augment.apply(x, sigma)
    for image, width, found in zip(x.numpy(), sigma[:, 0].tolist(), blurred.numpy()):
        if width == 0:
            np.testing.assert_array_equal(found, image)
        else:
            expected = gaussian_filter(image, (0, width, width), mode="mirror", radius=(0, 4, 4))
            np.testing.assert_allclose(found, expected, atol=1e-12)


def test_weights_sum_to_one_and_fall_off():
    weights = gaussian_weights(torch.tensor([0.1, 1.0, 2.0]), 3)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))
    assert torch.equal(weights, weights.flip(1))
    assert (weights[:, 3:].diff(dim=1) <= 0).all()
    assert weights[0, 3] == 1  # a tenth of a pixel is no blur


def test_half_of_the_samples_get_a_width_between_the_limits():
    sigma = RandomBlur(radius=3).draw(20_000)[:, 0]
    drawn = sigma[sigma > 0]
    assert len(drawn) / 20_000 == pytest.approx(0.5, abs=0.015)
    assert 0.1 <= drawn.min() < 0.12
    assert 1.98 < drawn.max() <= 2.0
    assert drawn.mean().item() == pytest.approx(1.05, abs=0.02)
