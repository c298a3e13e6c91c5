# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from skdeepclust.nn.random_affine import RandomAffine, affine_grid, affine_matrices, draw_crops

UNCHANGED = {"scale": 1.0, "mirror": 1.0, "width": 1.0, "height": 1.0}


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def rows(augment, *changes):
    """One row of parameters per dict of changes; the rest changes nothing."""
    return torch.tensor([[(UNCHANGED | change).get(name, 0.0) for name in augment.columns] for change in changes])


def view(x, padding="zeros", **change):
    """The view of one image (c, h, w) as a numpy array."""
    augment = RandomAffine(x.shape[1:], padding=padding)
    return augment.apply(torch.tensor(x)[None], rows(augment, change))[0].numpy()


def image(*shape, seed=0):
    return np.random.default_rng(seed).random(shape)


def resample(x, forward):
    """Take every pixel from where `forward` brought it from; 3 x 3, pixels from the centre, x right, y down."""
    c, h, w = x.shape
    out = np.zeros_like(x)
    for i in range(h):
        for j in range(w):
            u, v, _ = np.linalg.inv(forward) @ [j - (w - 1) / 2, i - (h - 1) / 2, 1]
            u, v = u + (w - 1) / 2, v + (h - 1) / 2
            for row in (int(np.floor(v)), int(np.floor(v)) + 1):
                for column in (int(np.floor(u)), int(np.floor(u)) + 1):
                    if 0 <= row < h and 0 <= column < w:
                        out[:, i, j] += x[:, row, column] * (1 - abs(v - row)) * (1 - abs(u - column))
    return out


def test_parameters_that_change_nothing_change_nothing():
    augment = RandomAffine((9, 14))
    x = torch.rand(3, 2, 9, 14)
    assert torch.equal(augment.apply(x, rows(augment, {}, {}, {})), x)
    mixed = augment.apply(x, rows(augment, {}, {"angle": 20.0}, {}))
    assert torch.equal(mixed[[0, 2]], x[[0, 2]])
    assert not torch.equal(mixed[1], x[1])


@pytest.mark.parametrize(("angle", "turns"), [(90, -1), (180, 2), (-90, 1), (360, 0)])
def test_quarter_turns(angle, turns):
    x = image(2, 8, 8)
    np.testing.assert_allclose(view(x, angle=angle), np.rot90(x, turns, axes=(1, 2)), atol=1e-5)


def test_mirror_image():
    x = image(3, 5, 8)
    np.testing.assert_allclose(view(x, mirror=-1), x[:, :, ::-1], atol=1e-6)


@pytest.mark.parametrize(
    ("shift_x", "shift_y", "right", "down"), [(0.25, 0, 2, 0), (0, -0.4, 0, -2), (0.125, 0.2, 1, 1)]
)
def test_shifts_by_whole_pixels(shift_x, shift_y, right, down):
    x = image(1, 5, 8)
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2)))
    expected = padded[:, 2 - down : 7 - down, 2 - right : 10 - right]
    np.testing.assert_allclose(view(x, shift_x=shift_x, shift_y=shift_y), expected, atol=1e-5)


def test_a_crop_shows_the_enlarged_box():
    x = image(3, 6, 8)
    box = torch.tensor(x[:, 1:4, 2:6])[None]  # rows 1-3 and columns 2-5, twice as large
    expected = F.interpolate(box, size=(6, 8), mode="bilinear", align_corners=False)[0].numpy()
    found = view(x, "reflection", left=2 / 8, top=1 / 6, width=0.5, height=0.5)
    np.testing.assert_allclose(found[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-6)  # edges see their neighbours


def test_a_crop_and_its_mirror_image():
    x = image(1, 6, 6)
    crop = {"left": 0.5, "top": 0.25, "width": 0.5, "height": 0.7}
    np.testing.assert_allclose(
        view(x, "reflection", mirror=-1, **crop), view(x, "reflection", **crop)[:, :, ::-1], atol=1e-6
    )


def test_crops_at_the_edge_do_not_fade_to_black():
    for left, top in [(0, 0), (0.5, 0.5)]:
        white = view(np.ones((3, 8, 8)), "reflection", left=left, top=top, width=0.5, height=0.5)
        np.testing.assert_allclose(white, 1, atol=1e-6)


def test_everything_together_against_a_loop_over_pixels():
    x = image(2, 7, 11)
    change = {"angle": 25.0, "scale": 1.2, "shear_x": 12.0, "shear_y": -8.0, "shift_x": 0.1, "shift_y": -0.15}
    cos, sin = np.cos(np.radians(25)), np.sin(np.radians(25))
    rotation = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    along_x = np.array([[1, np.tan(np.radians(12)), 0], [0, 1, 0], [0, 0, 1]])
    along_y = np.array([[1, 0, 0], [np.tan(np.radians(-8)), 1, 0], [0, 0, 1]])
    shift = np.array([[1, 0, 0.1 * 11], [0, 1, -0.15 * 7], [0, 0, 1]])
    forward = shift @ rotation @ np.diag([1.2, 1.2, 1]) @ along_y @ along_x
    np.testing.assert_allclose(view(x, **change), resample(x, forward), atol=1e-5)
    forward = forward @ np.diag([-1, 1, 1])
    np.testing.assert_allclose(view(x, mirror=-1, **change), resample(x, forward), atol=1e-5)


def test_grid_is_that_of_torch():
    matrices = affine_matrices(RandomAffine((6, 9), degrees=40, shear=20, shift=0.3).draw(5), (6, 9))
    torch.testing.assert_close(
        affine_grid(matrices, (6, 9)), F.affine_grid(matrices, [5, 1, 6, 9], align_corners=False)
    )


def test_ranges_and_means_of_the_parameters():
    n = 20_000
    augment = RandomAffine((20, 30), p=0.7, degrees=15, scale=(0.8, 1.3), shear=10, shift=0.1, mirror=0.25)
    params = dict(zip(augment.columns, augment.draw(n).unbind(dim=1)))
    is_drawn = params["angle"] != 0
    assert is_drawn.float().mean().item() == pytest.approx(0.7, abs=0.015)
    for name, low, high in [
        ("angle", -15, 15),
        ("scale", 0.8, 1.3),
        ("shear_x", -10, 10),
        ("shear_y", -10, 10),
        ("shift_x", -0.1, 0.1),
        ("shift_y", -0.1, 0.1),
    ]:
        values, width = params[name][is_drawn], high - low
        assert low <= values.min() < low + 0.01 * width
        assert high - 0.01 * width < values.max() <= high
        assert values.mean().item() == pytest.approx((low + high) / 2, abs=0.015 * width)
        assert values.std().item() == pytest.approx(width / 12**0.5, rel=0.03)
        assert (params[name][~is_drawn] == UNCHANGED.get(name, 0.0)).all()
    assert set(params["mirror"].tolist()) == {-1.0, 1.0}
    assert (params["mirror"] < 0).float().mean().item() == pytest.approx(0.25, abs=0.015)
    drawn = torch.stack([params[name] for name in ("angle", "scale", "shear_x", "shear_y", "shift_x", "shift_y")])
    assert (torch.corrcoef(drawn[:, is_drawn]) - torch.eye(6)).abs().max() < 0.05
    assert (params["left"] == 0).all()
    assert (params["width"] == 1).all()


@pytest.mark.parametrize("size", [(32, 32), (20, 30)])
def test_crops_lie_inside_and_have_the_area_and_ratio_asked_for(size):
    left, top, width, height = draw_crops(20_000, size, (0.2, 1.0)).unbind(dim=1)
    assert left.min() >= 0
    assert top.min() >= 0
    assert (left + width).max() <= 1 + 1e-6
    assert (top + height).max() <= 1 + 1e-6
    area = width * height
    ratio = (width * size[1]) / (height * size[0])
    assert area.min() == pytest.approx(0.2, abs=0.01)
    assert ratio.min() == pytest.approx(3 / 4, abs=0.01)
    assert ratio.max() == pytest.approx(4 / 3, abs=0.01)
    small = area < 0.4  # boxes of this size always fit, so that nothing was drawn again
    assert area[small].mean().item() == pytest.approx(0.3, abs=0.005)
    assert ratio[small].log().mean().item() == pytest.approx(0.0, abs=0.01)
    assert (left[small] / (1 - width[small])).mean().item() == pytest.approx(0.5, abs=0.02)
    assert (top[small] / (1 - height[small])).mean().item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("size", "pixels"), [((10, 100), (10, 40 / 3)), ((100, 10), (40 / 3, 10)), ((24, 24), (24, 24))]
)
def test_where_no_crop_fits_it_is_as_large_as_possible(size, pixels):
    _, _, width, height = draw_crops(50, size, (4.0, 5.0)).unbind(dim=1)
    np.testing.assert_allclose(height * size[0], pixels[0], rtol=1e-5)
    np.testing.assert_allclose(width * size[1], pixels[1], rtol=1e-5)
