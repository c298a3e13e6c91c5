# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from skdeepclust.nn.samples import fit_reader

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, size=(9, 12 * 13 * 3), dtype=np.uint8)


def read(X, image_shape=None, rows=None):
    return fit_reader(X, image_shape, CPU)(X if rows is None else rows)


def test_uint8_pixels_are_divided_by_255():
    x = read(PIXELS, (12, 13, 3))
    assert x.shape == (9, 3, 12, 13)
    assert x.dtype == torch.float32
    channels_first = PIXELS.reshape(9, 12, 13, 3).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(x.numpy(), (channels_first / 255).astype(np.float32))


def test_every_uint8_value_equals_its_float():
    values = np.tile(np.arange(256, dtype=np.uint8), (2, 1))
    for floats in (values / 255, (values / 255).astype(np.float32), values / np.float32(255)):
        assert torch.equal(read(values, (16, 16, 1)), read(floats, (16, 16, 1)))


def test_floats_between_0_and_1_are_taken_as_they_are():
    X = RNG.uniform(0.1, 0.9, size=(5, 144)).astype(np.float32)
    np.testing.assert_array_equal(read(X, (12, 12, 1)).reshape(5, -1).numpy(), X)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 16.0), (0.0, 1.5), (-3.0, -2.0)])
def test_other_ranges_are_mapped_to_0_and_1(low, high):
    X = RNG.uniform(low, high, size=(5, 144))
    X[0, 0], X[0, 1] = low, high
    expected = (X - low) / (high - low)
    np.testing.assert_allclose(read(X, (12, 12, 1)).reshape(5, -1).numpy(), expected, atol=1e-6)
    assert torch.isfinite(read(np.full((2, 144), high), (12, 12, 1))).all()


def test_kinds_of_pixels_may_change_between_fit_and_use():
    floats = PIXELS / 255
    fitted_on_bytes, fitted_on_floats = (fit_reader(X, (12, 13, 3), CPU) for X in (PIXELS, floats))
    assert torch.equal(fitted_on_bytes(floats), fitted_on_floats(PIXELS))
    with pytest.raises(ValueError, match="X holds floats up to 255.*fitted on uint8.*between 0 and 1"):
        fitted_on_bytes(PIXELS.astype(float))
    fitted_on_floats(floats * 1.01)  # a little above 1, as after resizing


DARK = RNG.integers(10, 51, size=(40, 144), dtype=np.uint8)


@pytest.mark.parametrize("as_type", [np.uint8, lambda X: X / 255, lambda X: X * 3.0 - 500])
def test_dark_pictures_fill_the_whole_range(as_type):
    reader = fit_reader(as_type(DARK), (12, 12, 1), CPU)
    x = reader(as_type(DARK)).reshape(len(DARK), -1).numpy()
    np.testing.assert_allclose(x, (DARK - 10) / 40, atol=1e-5)


def test_dark_bytes_and_floats_are_read_alike():
    for fitted in (DARK, DARK / 255):
        reader = fit_reader(fitted, (12, 12, 1), CPU)
        assert torch.equal(reader(DARK), reader(DARK / 255))


def test_a_few_defective_pixels_do_not_darken_all_others():
    X = DARK.astype(np.float32) * 16
    X[3, 5], X[7, 9] = 65535, -65535
    x = read(X, (12, 12, 1)).reshape(len(X), -1).numpy()
    assert (x[3, 5], x[7, 9]) == (1, 0)
    healthy = np.delete(x, [3, 7], axis=0)
    np.testing.assert_allclose(healthy, (np.delete(DARK, [3, 7], axis=0) - 10) / 40, atol=1e-5)


def test_a_tenth_of_bright_pictures_is_no_defect():
    X = DARK / 255
    X[:4] *= 4
    np.testing.assert_array_equal(read(X, (12, 12, 1)).reshape(len(X), -1).numpy(), X.astype(np.float32))


BANDS = RNG.uniform(size=(40, 12, 12, 4)) * [1, 0.01, 0.9, 0] + [0, 0.3, 0, 0.5]


@pytest.mark.parametrize("unit", [1, 1e4])
def test_channels_that_are_no_colours_have_their_own_ranges(unit):
    X = (BANDS * unit).reshape(40, -1)
    X[:, :4], X[:, 4:8] = [0, 0.3 * unit, 0, 0.5 * unit], [unit, 0.31 * unit, 0.9 * unit, 0.5 * unit]
    reader = fit_reader(X, (12, 12, 4), CPU)
    x = reader(X)
    assert x[:, 0].min() == 0
    assert x[:, 0].max() == 1
    weak = (X.reshape(40, 12, 12, 4)[..., 1] / unit - 0.3) / 0.01
    np.testing.assert_allclose(x[:, 1], weak, atol=1e-4)
    assert torch.isfinite(x[:, 3]).all()  # says nothing, and divides by nothing


def test_colours_keep_their_proportions():
    X = BANDS[..., :3].reshape(40, -1)
    np.testing.assert_array_equal(read(X, (12, 12, 3)).permute(0, 2, 3, 1).reshape(40, -1), X.astype(np.float32))


def test_networks_from_elsewhere_get_dark_pictures_as_they_are():
    for X in (DARK, DARK / 255):
        x = fit_reader(X, (12, 12, 1), CPU, keeps_units=True)(X)
        np.testing.assert_array_equal(x.reshape(len(X), -1).numpy(), (DARK / 255).astype(np.float32))
    reader = fit_reader(BANDS.reshape(40, -1) * 100, (12, 12, 4), CPU, keeps_units=True)
    assert len(reader.scale) == 1


@pytest.mark.parametrize("side", [1, 8, 11, 12, 28])
def test_tiny_images_are_doubled(side):
    X = np.full((2, side * side), 0.25)
    reader = fit_reader(X, (side, side, 1), CPU)
    x = reader(X)
    assert x.shape[1:] == reader.in_shape == (1, *2 * ((2 * side if side < 12 else side),))
    torch.testing.assert_close(x, torch.full_like(x, 0.25))


def test_tables_are_standardised():
    X = RNG.normal(size=(30, 4)) * [1, 1e-9, 1e6, 3] + [0, 0, 5, 1e9]
    x = read(X)
    np.testing.assert_allclose(x.numpy(), StandardScaler().fit_transform(X), rtol=1e-4, atol=1e-5)
    assert fit_reader(X, None, CPU).in_shape == (4,)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e-30, 7.0, 1e12 / 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_columns_become_zero(constant, dtype):
    X = np.column_stack([np.full(31, constant), np.arange(31)]).astype(dtype)
    x = read(X)
    torch.testing.assert_close(x[:, 0], torch.zeros(31))
    assert x[:, 1].std(unbiased=False).item() == pytest.approx(1, abs=1e-6)


def test_uint8_tables_are_standardised_too():
    np.testing.assert_allclose(read(PIXELS).numpy(), read(PIXELS.astype(float)).numpy(), atol=1e-6)


@pytest.mark.parametrize("image_shape", [None, (12, 13, 3)])
def test_read_only_memory_maps(tmp_path, image_shape):
    np.save(tmp_path / "pixels.npy", PIXELS)
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    reader = fit_reader(mapped, image_shape, CPU)
    x = reader(mapped[2:5])
    assert torch.equal(x, read(PIXELS, image_shape)[2:5])
    x += 1  # a tensor of its own: writing to it reaches no file
    np.testing.assert_array_equal(mapped, PIXELS)


@pytest.mark.parametrize("image_shape", [None, (12, 13, 3)])
def test_arrays_may_run_backwards(image_shape):
    backwards = PIXELS[::-1]
    assert torch.equal(read(backwards, image_shape), read(backwards.copy(), image_shape))


def test_a_device_without_float64_gets_scaled_rows():
    """The meta device holds no values, so what is said of them was seen on the host."""
    reader = fit_reader(PIXELS, (12, 13, 3), CPU).on(torch.device("meta"))
    with pytest.raises(ValueError, match="X holds floats up to 255"):
        reader(PIXELS.astype(float))
    x = reader(PIXELS / 255)
    assert (x.device.type, x.dtype, x.shape) == ("meta", torch.float32, (9, 3, 12, 13))


def test_no_device_travels_with_a_reader_off_its_device():
    reader = fit_reader(PIXELS, None, CPU)
    assert reader.device == CPU
    assert reader.on(None).device is None
    assert reader.device == CPU
