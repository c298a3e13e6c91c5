# SPDX-License-Identifier: BSD-3-Clause
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepclust.consensus import _exact_sums as sums

FLOATS = st.floats(0, 1e300, allow_subnormal=True)


@given(st.lists(FLOATS, max_size=30), st.randoms())
def test_exact_in_any_order_and_any_parts(values, random):
    expected = math.fsum(values)
    bins = sums.float_bins(np.array(values))
    assert sums.sum_of_bins(bins) == expected
    random.shuffle(values)
    cut = len(values) // 3
    parts = sums.float_bins(np.array(values[:cut])) + sums.float_bins(np.array(values[cut:]))
    np.testing.assert_array_equal(parts, bins)


def test_more_values_than_a_block():
    values = np.random.default_rng(0).random(200_000)
    assert sums.sum_of_bins(sums.float_bins(values)) == math.fsum(values)


@given(st.floats(1e-250, 1e300))
def test_scale_is_a_power_of_two_and_leaves_room(bound):
    scale = sums.fixed_point_scale(bound)
    assert math.frexp(scale)[0] == 0.5
    assert bound * scale <= 2.0**62
    assert bound * scale * 2 > 2.0**61


@pytest.mark.parametrize("weight", [0.0, 1.0, 3.0, 2.5])
def test_times_integer(weight):
    value = 1234.56
    unit = np.int64(value + 0.5)
    got = sums.times_integer(unit, value, weight)
    assert abs(got - weight * value) <= 0.5 + 0.5 * weight
    if weight == int(weight):
        assert got == int(weight) * unit
