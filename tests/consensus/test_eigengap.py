# SPDX-License-Identifier: BSD-3-Clause
import math
import statistics
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepclust import TransferCut, eigengap_n_clusters
from skdeepclust.consensus._eigengap import eigengaps

spectra = st.lists(st.floats(0, 1), min_size=2, max_size=80).map(lambda v: [1.0, *sorted(v, reverse=True)])


def planted_spectrum(n_blocks, size, leak):
    """Eigenvalues of the walk that stays in its block with probability 1 - leak and else jumps anywhere."""
    n = n_blocks * size
    same = np.arange(n)[:, None] // size == np.arange(n) // size
    return np.linalg.eigvalsh((1 - leak) * same / size + leak / n)[::-1].clip(0, 1)


def gaps_one_by_one(mu):
    rate = [1 - m for m in mu]
    delta = max(0.01 * statistics.median(rate[:50]), 1e-9)
    return [math.log((b + delta) / (a + delta)) for a, b in pairwise(rate)]


@given(spectra)
def test_gaps_equal_the_formula(mu):
    np.testing.assert_allclose(eigengaps(mu), gaps_one_by_one(mu), atol=1e-12)


@pytest.mark.parametrize("leak", [0.5, 0.1, 1e-3, 1e-6, 0.0])
@pytest.mark.parametrize("n_blocks", [2, 3, 7, 12])
def test_finds_the_blocks_of_a_planted_walk(n_blocks, leak):
    mu = planted_spectrum(n_blocks, 5, leak)
    np.testing.assert_allclose(mu[:n_blocks], [1] + [1 - leak] * (n_blocks - 1), atol=1e-12)
    np.testing.assert_allclose(mu[n_blocks:], 0, atol=1e-12)
    assert eigengap_n_clusters(mu) == n_blocks


def test_well_separated_clusters_are_not_hidden_by_the_scale_inside_them():
    """Inside the pieces differences of eigenvalues are largest; the ratio sees that three are left far more slowly."""
    mu = np.array([1.0, 0.9995, 0.999, 0.98, 0.97, 0.95, 0.92, 0.88, 0.75, 0.7])
    assert 2 + int(np.argmax(-np.diff(mu)[1:])) == 8
    assert eigengap_n_clusters(mu) == 3


def test_pieces_that_are_never_left_do_not_hide_those_left_seldom():
    assert eigengap_n_clusters([1.0, 1 - 1e-12, 0.999, 0.998, 0.7, 0.65, 0.6, 0.55]) == 4


@given(spectra, st.floats(0.01, 1))
def test_is_blind_to_the_speed_of_the_walk(mu, speed):
    if 1 - mu[min(len(mu), 50) // 2] < 1e-3:
        return  # the floor of delta is a rounding error, not a rate
    lazy = 1 - speed * (1 - np.array(mu))
    np.testing.assert_allclose(eigengaps(lazy), eigengaps(mu), atol=1e-6)


@given(spectra, st.integers(2, 70), st.integers(0, 70))
def test_stays_within_the_bounds(mu, low, more):
    k = eigengap_n_clusters(mu, low, high=low + more)
    assert k == low or low <= k <= min(low + more, len(mu) - 1)
    assert k == low + int(np.argmax(eigengaps(mu)[low - 1 : low + more])) if len(mu) > low else k == low


@pytest.mark.parametrize("mu", [[1.0], [1.0, 0.3], [1.0, 0.3, 0.2], [1.0, 0.0, 0.0, 0.0]])
def test_never_one_and_low_where_nothing_can_be_compared(mu):
    assert eigengap_n_clusters(mu) == 2


def test_a_zero_behind_a_complete_spectrum_opens_the_last_gap():
    mu = TransferCut(2, random_state=0).fit([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 2]]).spectrum_
    np.testing.assert_allclose(mu, 1)
    assert eigengap_n_clusters(np.append(mu, 0.0)) == 3


def test_rounding_errors_pass():
    assert eigengap_n_clusters([1 + 1e-12, 0.99, 0.99 + 1e-12, 0.1, -1e-12]) == 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, r"spectrum must be one-dimensional.*\(0,\)"),
        (([[1, 0.5]],), ValueError, r"spectrum must be one-dimensional.*\(1, 2\)"),
        (([1, 0.5, 0.7],), ValueError, "spectrum must be descending; got 0.5 before 0.7 at position 1"),
        (([2.0, 1.0, 0.5],), ValueError, r"spectrum must lie within \[0, 1\]; got values from 0.5 to 2.0"),
        (([1.0, np.nan],), ValueError, r"spectrum must lie within"),
        (([1, 0.5, 0.1], 1), ValueError, "low must be an integer >= 2; got 1"),
        (([1, 0.5, 0.1], 2.0), TypeError, "low must be an integer"),
    ],
)
def test_refuses_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        eigengap_n_clusters(*arguments)


def test_refuses_high_below_low():
    with pytest.raises(ValueError, match="high must be an integer >= 5; got 4"):
        eigengap_n_clusters([1, 0.5, 0.1], 5, high=4)
