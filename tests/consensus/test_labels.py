# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepclust._support._warnings import FallbackWarning
from skdeepclust.consensus._labels import code_labels, has_label, order_by_size


def test_codes_follow_ascending_labels_and_mark_what_is_missing():
    coder, codes = code_labels(np.array([[5, -1], [900, 3], [5, 3], [-7, 4]]))
    np.testing.assert_array_equal(codes, [[1, 2, 1, 0], [2, 0, 0, 1]])
    assert coder.sizes.tolist() == [3, 2]
    unseen = coder.encode(np.array([[6, 10**12], [900, 4]]))
    np.testing.assert_array_equal(unseen, [[3, 2], [2, 1]])


def test_labels_far_apart():
    labels = np.array([[0], [10**15], [7], [-(10**15)]])
    coder, codes = code_labels(labels)
    np.testing.assert_array_equal(codes, [[1, 3, 2, 0]])
    np.testing.assert_array_equal(coder.encode(np.array([[10**15], [3]])), [[3, 4]])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.float32, np.float64])
def test_types(dtype):
    labels = np.array([[0, 2], [1, 2], [1, 0]]).astype(dtype)
    np.testing.assert_array_equal(code_labels(labels)[1], [[0, 1, 1], [1, 1, 0]])


def test_a_column_without_labels_takes_part_empty():
    coder, codes = code_labels(np.array([[0, -1], [1, -1], [1, -1]]))
    assert coder.sizes.tolist() == [2, 1]
    np.testing.assert_array_equal(codes[1], 1)
    np.testing.assert_array_equal(has_label(codes[1:], coder.sizes[1:]), False)


def test_bins_hold_equal_shares_and_new_values_fall_into_them():
    column = np.linspace(0.05, 99.95, 1000)[:, None]
    with pytest.warns(FallbackWarning, match="quantile bins"):
        coder, codes = code_labels(column)
    assert np.abs(np.bincount(codes[0], minlength=10) - 100).max() <= 1
    np.testing.assert_array_equal(coder.encode(np.array([[-50.0], [1e9], [14.9]])), [[0, 9, 1]])


def test_whole_numbers_later_are_binned_like_the_rest():
    with pytest.warns(FallbackWarning):
        coder, _ = code_labels(np.linspace(0.5, 10.25, 40)[:, None])
    assert coder.encode(np.array([[1], [10]]))[0].tolist() == coder.encode(np.array([[1.0], [10.0]]))[0].tolist()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_order_is_by_size_then_by_first_occurrence(labels):
    order = order_by_size(np.array(labels), 6)
    expected = sorted(set(labels), key=lambda v: (-labels.count(v), labels.index(v)))
    assert order.tolist() == expected
