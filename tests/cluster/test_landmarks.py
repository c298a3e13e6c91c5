# SPDX-License-Identifier: BSD-3-Clause
import consensus_twins as twins
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepclust.cluster import _landmarks as landmarks


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [2, 20])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_neighbours_equal_the_full_table(dtype, d, k):
    rng = np.random.default_rng(0)
    points, centres = rng.normal(size=(300, d)).astype(dtype), rng.normal(size=(40, d)).astype(dtype)
    index, distance = landmarks.nearest_representatives(points, centres, k)
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
    index, distance = landmarks.nearest_representatives(points, centres, 5)
    expected = twins.nearest(points, centres, 5)[1]
    np.testing.assert_allclose(distance, expected, rtol=1e-10, atol=1e-300)
    assert (np.diff(distance, axis=1) >= 0).all()
    equal = np.diff(distance, axis=1) == 0
    assert (np.diff(index, axis=1)[equal] > 0).all()  # equal distances: in the order of the index


def test_values_beyond_float32():
    points = np.array([[1e200] * 6, [1e190] * 6, [0.0] * 6])
    index, _ = landmarks.nearest_representatives(points, np.vstack([points] * 8), 1)
    assert index[:, 0].tolist() == [0, 1, 2]


def test_a_row_does_not_depend_on_its_block():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(5000, 30)).astype(np.float32)
    centres = rng.normal(size=(100, 30)).astype(np.float32)
    together = landmarks.nearest_representatives(points, centres, 5)
    for i in range(0, 5000, 499):
        alone = landmarks.nearest_representatives(points[i : i + 1], centres, 5)
        assert (alone[0] == together[0][i]).all()
        assert (alone[1] == together[1][i]).all()


def test_representatives_are_distinct_and_at_most_p():
    X = np.repeat(np.eye(6), 30, axis=0)
    R = landmarks.choose_representatives(X, 50, 0, np.float64)
    assert len(R) <= 50
    assert len(np.unique(R, axis=0)) == len(R)
    np.testing.assert_array_equal(landmarks.choose_representatives(np.eye(6), 50, 0, np.float64), np.eye(6)[::-1])
    few = landmarks.choose_representatives(np.random.default_rng(0).normal(size=(500, 3)), 20, 0, np.float32)
    assert few.shape == (20, 3)
    assert few.dtype == np.float32


def test_unit_rows():
    X = np.random.default_rng(0).normal(size=(200, 4)) * 5
    X[0] = 0
    rows = landmarks.read_rows(X, slice(0, 3), np.float64, unit=True)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [0, 1, 1])
    R = landmarks.choose_representatives(X, 10, 0, np.float64, unit=True)
    np.testing.assert_allclose(np.linalg.norm(R, axis=1), 1)


def test_affinities():
    squared = np.array([[0.0, 1.0, 1e6]])
    out = np.empty((1, 3), dtype=np.float32)
    landmarks.gaussian_affinity(squared, 0.5, out)
    np.testing.assert_allclose(out[0], [1, np.exp(-2), 2.0**-52], rtol=1e-6)
    landmarks.gaussian_affinity(squared, 0.0, out)
    np.testing.assert_array_equal(out[0], 1)
    landmarks.cosine_affinity(np.array([[0.0, 1.0, 4.0]]), out)
    np.testing.assert_allclose(out[0], [1, 0.5, 2.0**-52])


@pytest.mark.parametrize(
    ("given_type", "wanted"),
    [
        ("uint8", "float32"),
        ("float32", "float32"),
        ("float16", "float32"),
        ("int64", "float64"),
        ("float64", "float64"),
    ],
)
def test_working_type(given_type, wanted):
    assert landmarks.working_dtype(np.empty(0, dtype=given_type)) == np.dtype(wanted)
