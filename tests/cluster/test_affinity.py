# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepclust.cluster import _affinity as affinity
from skdeepclust.consensus._exact_sums import sum_of_bins
from skdeepclust.consensus._spectrum import column_scales, graph_from_lower


def random_table(seed=0, n=300, p=40, k=5, spread=1.0):
    rng = np.random.default_rng(seed)
    index = np.argsort(rng.random((n, p)), axis=1)[:, :k].astype(np.uint8)
    return affinity.Table(index, np.exp(-spread * rng.random((n, k))).astype(np.float32))


def dense(table, p=40):
    B = np.zeros((len(table.index), p))
    np.put_along_axis(B, table.index.astype(np.int64), table.value.astype(np.float64), axis=1)
    return B


def table_of(squared):
    return affinity.Table(np.arange(squared.shape[1], dtype=np.uint8)[None].repeat(len(squared), 0), squared)


def test_affinities():
    squared = np.array([[0.0, 1.0, 1e6]], dtype=np.float32)
    value = affinity.to_affinity(table_of(squared.copy()), metric="euclidean", bandwidth=0.5).value
    np.testing.assert_allclose(value[0], [1, np.exp(-2), 2.0**-52], rtol=1e-6)
    value = affinity.to_affinity(table_of(squared.copy()), metric="euclidean", bandwidth=0.0).value
    np.testing.assert_array_equal(value[0], 1)
    near = np.array([[0.0, 1.0, 4.0]], dtype=np.float32)
    value = affinity.to_affinity(table_of(near.copy()), metric="cosine", bandwidth=None).value
    np.testing.assert_allclose(value[0], [1, 0.5, 2.0**-52])
    value = affinity.to_affinity(table_of(near.copy()), metric="euclidean", bandwidth=None).value
    np.testing.assert_allclose(value[0], np.exp(-near[0] / 2), rtol=1e-6)  # the mean of 0, 1, 2 is 1


@pytest.mark.parametrize("spread", [1.0, 30.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_graph_equals_dense_algebra(spread, weighted):
    table = random_table(spread=spread)
    B = dense(table)
    weights = np.random.default_rng(1).random(len(B)) * 3 if weighted else None
    mass = np.ones(len(B)) if weights is None else weights
    count = affinity.column_counts(table, weights, n_columns=40)
    np.testing.assert_allclose(count, mass @ (B > 0))
    largest = affinity.column_maxima(table, n_columns=40)
    np.testing.assert_array_equal(largest, B.max(axis=0))
    scale = column_scales(np.ceil(count), largest)
    E = graph_from_lower(affinity.graph_units(table, weights, column_scale=scale), scale)
    expected = B.T @ ((mass / B.sum(axis=1))[:, None] * B)
    np.testing.assert_allclose(E, expected, rtol=1e-9, atol=1e-15 * expected.max())
    np.testing.assert_allclose(E.sum(axis=1), mass @ B, rtol=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 299))
def test_sums_do_not_depend_on_parts_or_order(seed, cut):
    table = random_table(seed)
    scale = column_scales(np.full(40, 300), np.ones(40))
    whole = affinity.graph_units(table, None, column_scale=scale)
    order = np.random.default_rng(seed).permutation(300)
    parts = [affinity.Table(table.index[rows], table.value[rows]) for rows in np.split(order, [cut])]
    np.testing.assert_array_equal(sum(affinity.graph_units(part, None, column_scale=scale) for part in parts), whole)
    bins = sum(affinity.distance_bins(part, None) for part in parts)
    np.testing.assert_array_equal(bins, affinity.distance_bins(table, None))
    assert sum_of_bins(bins) == pytest.approx(np.sqrt(table.value.astype(float)).sum(), rel=1e-7)


@given(st.integers(0, 10_000))
def test_whole_weights_are_repetitions_to_the_last_bit(seed):
    rng = np.random.default_rng(seed)
    table, weights = random_table(seed, n=50), rng.integers(0, 5, 50)
    repeated = affinity.Table(np.repeat(table.index, weights, axis=0), np.repeat(table.value, weights, axis=0))
    scale = column_scales(np.full(40, 300), np.ones(40))
    np.testing.assert_array_equal(
        affinity.graph_units(table, weights.astype(float), column_scale=scale),
        affinity.graph_units(repeated, None, column_scale=scale),
    )
    sums = affinity.distance_bins(table, weights.astype(float)), affinity.distance_bins(repeated, None)
    assert sum_of_bins(sums[0]) == sum_of_bins(sums[1])


@pytest.mark.parametrize("k", [2, 16, 37])
def test_scores_rank_centres_like_distances(k):
    table = random_table()
    rng = np.random.default_rng(1)
    V = rng.normal(size=(40, k))
    F = dense(table) @ V
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    embed = affinity.TableEmbedding(V)
    np.testing.assert_allclose(embed(table, 0, 300), F, atol=1e-12)
    np.testing.assert_array_equal(embed.rows(table, np.array([5, 7])), embed(table, 0, 300)[[5, 7]])
    centres = F[:k] * 0.9
    scorer = affinity.make_scorer(V, centres)
    squared = ((F[:, None] - centres[None]) ** 2).sum(axis=2)
    label = scorer.label(table)
    np.testing.assert_allclose(squared[np.arange(300), label], squared.min(axis=1), atol=1e-5)
    rank = rng.permutation(k)
    P = scorer.membership(table, rank, 0.3)
    np.testing.assert_array_equal(P.argmax(axis=1), rank[label])
    expected = np.exp(-squared / 0.3)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(P[:, rank], expected, atol=1e-4)


def test_rows_without_any_affinity_left_have_a_label():
    table = random_table(n=4)
    table.value[:] = 0
    scorer = affinity.make_scorer(np.ones((40, 2)), np.array([[1.0, 0.0], [0.5, 0.0]]))
    assert scorer.label(table).tolist() == [1] * 4  # the centre nearest to the origin
    np.testing.assert_allclose(scorer.membership(table, np.arange(2), 1.0).sum(axis=1), 1)
