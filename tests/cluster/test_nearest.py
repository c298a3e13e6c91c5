# SPDX-License-Identifier: BSD-3-Clause
import consensus_twins as twins
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepclust.cluster import _nearest as nearest


def find(points, centres, k):
    return nearest.nearest_representatives(points, centres, k, nearest.make_search(centres))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 3, 20, 200])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_neighbours_equal_the_full_table(dtype, d, k):
    rng = np.random.default_rng(0)
    points, centres = rng.normal(size=(300, d)).astype(dtype), rng.normal(size=(40, d)).astype(dtype)
    index, distance = find(points, centres, k)
    expected_index, expected_distance = twins.nearest(points, centres, k)
    np.testing.assert_array_equal(index, expected_index)
    np.testing.assert_allclose(distance, expected_distance, rtol=1e-12)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 1e-7, 1e-3, 1.0]), st.sampled_from([0.0, 1e4, 1e8]))
def test_neighbours_are_exact_for_near_duplicates_far_from_the_origin(seed, spread, offset):
    """Products in float32 cannot rank these; what they cannot prove is measured."""
    rng = np.random.default_rng(seed)
    groups = rng.normal(size=(3, 8)) * 10 + offset
    centres = groups[rng.integers(0, 3, 60)] + spread * rng.normal(size=(60, 8))
    points = groups[rng.integers(0, 3, 20)] + spread * rng.normal(size=(20, 8))
    index, distance = find(points, centres, 5)
    expected = twins.nearest(points, centres, 5)[1]
    np.testing.assert_allclose(distance, expected, rtol=1e-10, atol=1e-300)
    assert (np.diff(distance, axis=1) >= 0).all()
    equal = np.diff(distance, axis=1) == 0
    assert (np.diff(index, axis=1)[equal] > 0).all()  # equal distances: in the order of the index


@pytest.mark.parametrize("d", [2, 6])
def test_values_beyond_float32(d):
    points = np.array([[1e200] * d, [1e190] * d, [0.0] * d])
    index, _ = find(points, np.vstack([points] * 8), 1)
    assert index[:, 0].tolist() == [0, 1, 2]


def test_a_row_does_not_depend_on_its_block():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(5000, 30)).astype(np.float32)
    centres = rng.normal(size=(100, 30)).astype(np.float32)
    together = find(points, centres, 5)
    for i in range(0, 5000, 499):
        alone = find(points[i : i + 1], centres, 5)
        assert (alone[0] == together[0][i]).all()
        assert (alone[1] == together[1][i]).all()


@pytest.mark.parametrize("d", [2, 3])
def test_lists_that_end_too_early_fall_back_to_all(monkeypatch, d):
    monkeypatch.setattr(nearest, "LIST_LENGTH", 6)
    rng = np.random.default_rng(0)
    points, centres = rng.normal(size=(300, d)), rng.normal(size=(80, d))
    np.testing.assert_array_equal(find(points, centres, 5)[0], twins.nearest(points, centres, 5)[0])


def test_lists_and_products_agree():
    rng = np.random.default_rng(0)
    points, centres = rng.normal(size=(2000, 2)).astype(np.float32), rng.normal(size=(700, 2)).astype(np.float32)
    by_lists, by_products = (
        find(points, centres, 5),
        nearest.nearest_representatives(points, centres, 5, nearest.product_search(centres)),
    )
    for a, b in zip(by_lists, by_products, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("p", [3, 40, 64, 65, 1000])
@pytest.mark.parametrize("c", [1, 3, 40])
def test_best_products_are_the_smallest(p, c):
    bounds = np.random.default_rng(0).normal(size=(50, p)).astype(np.float32)
    names = np.empty((50, min(c, p)), np.int32)
    nearest.best_products(bounds, names)
    np.testing.assert_array_equal(names, np.argsort(bounds, axis=1, kind="stable")[:, :c])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("noise", [0.01, 1.0])
def test_principal_axes_leave_the_result_exact(dtype, noise):
    """Rows near a plane of 20 dimensions in 300, and rows that no plane holds."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(20, 300))
    centres = (rng.normal(size=(400, 20)) @ plane + noise * rng.normal(size=(400, 300)) + 7).astype(dtype)
    points = (rng.normal(size=(300, 20)) @ plane + noise * rng.normal(size=(300, 300)) + 7).astype(dtype)
    search = nearest.make_search(centres)
    assert search.axes is not None
    index, distance = find(points, centres, 5)
    expected = twins.nearest(points, centres, 5)
    np.testing.assert_array_equal(index, expected[0])
    np.testing.assert_allclose(distance, expected[1], rtol=1e-12)
    spread = nearest.make_search(rng.normal(size=(400, 300)).astype(dtype))
    assert spread.axes is None


@given(st.integers(0, 10_000))
def test_bounds_are_bounds(seed):
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-3, 3, 200)
    centres = (rng.normal(size=(200, 200)) * scale + rng.normal() * 1e3).astype(np.float32)
    points = centres[rng.integers(0, 200, 20)] + rng.normal(size=(20, 200)).astype(np.float32)
    index, distance = find(points, centres, 3)
    np.testing.assert_allclose(distance, twins.nearest(points, centres, 3)[1], rtol=1e-10)
