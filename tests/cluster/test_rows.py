# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from skdeepclust.cluster._rows import read_rows, working_dtype


def test_unit_rows():
    X = np.random.default_rng(0).normal(size=(200, 4)) * 5
    X[0] = 0
    rows = read_rows(X, slice(0, 3), np.float64, unit=True)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [0, 1, 1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite(bad):
    X = np.ones((5, 3))
    X[3, 1] = bad
    assert read_rows(X, slice(0, 3), np.float64).shape == (3, 3)
    with pytest.raises(ValueError, match="NaN or infinity"):
        read_rows(X, slice(0, 5), np.float64)


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
    assert working_dtype(np.empty(0, dtype=given_type)) == np.dtype(wanted)
