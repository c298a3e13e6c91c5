# SPDX-License-Identifier: BSD-3-Clause
"""Graph, affinities, merges and cut of agglomerative clustering by path integrals, each by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from path_integral_twin import affinity, exact_affinity, graph, merge, merge_dense

from skdeepclust.cluster._path_integral_cut import attach_small, cut, last_cut
from skdeepclust.cluster._path_integral_graph import (
    cluster_shares,
    kernel_width,
    round_trips,
    transition_probabilities,
)
from skdeepclust.cluster._path_integral_tree import agglomerate, merge_centres, unmerged
from skdeepclust.cluster._row_neighbours import make_row_search


def made_graph(X, k, scale=1.0):
    index, distance = make_row_search(X).neighbours(k)
    return index, transition_probabilities(distance, kernel_width(distance, scale))


def pair_affinities(ends, trips, label):
    """Pairs and A of each, (m,)."""
    size = np.bincount(label)[ends]
    return ends.reshape(-1, 2), (trips / size**2).reshape(-1, 2).sum(axis=1)


def random_graph(n, k, seed):
    """Random neighbours and probabilities, which no distances underlie."""
    rng = np.random.default_rng(seed)
    index = np.array([rng.choice(np.delete(np.arange(n), i), k, replace=False) for i in range(n)], dtype=np.int32)
    transition = rng.random((n, k))
    transition /= 1 + transition.sum(axis=1, keepdims=True)
    P = np.zeros((n, n))
    np.put_along_axis(P, index.astype(int), transition, axis=1)
    return index, transition, P + np.diag(1 - P.sum(axis=1))


@pytest.mark.parametrize("k", [3, 10])
def test_the_twins_agree(k):
    P, label = graph(np.random.default_rng(0).normal(size=(150, 3)), K=8)
    dense = np.unique(merge_dense(P, label, k), return_inverse=True)[1]
    found = merge(P, label, k)[0]
    assert len(set(zip(dense.tolist(), found.tolist(), strict=True))) == k == dense.max() + 1


@pytest.mark.parametrize("k", [3, 20])
def test_transition_matrix(k):
    X = np.random.default_rng(0).normal(size=(80, 4))
    P, _ = graph(X, K=k, scale=0.5)
    index, transition = made_graph(X, k, scale=0.5)
    np.testing.assert_allclose(np.take_along_axis(P, index.astype(int), axis=1), transition, rtol=1e-12)
    np.testing.assert_allclose(np.diag(P) + transition.sum(axis=1), 1)


def test_the_width_is_doubled_for_an_outlier():
    distance = np.array([[1.0, 2.0], [1.0, 3.0], [60.0, 61.0]])
    assert kernel_width(distance, 1.0) == distance.mean()
    assert kernel_width(distance, 0.1) == 0.4 * distance.mean()
    assert np.exp(-60 / kernel_width(distance, 0.1)) >= 1e-5 > np.exp(-60 / (0.2 * distance.mean()))
    assert kernel_width(np.zeros((3, 2)), 1.0) == 1.0


def test_affinities_are_the_leading_order_of_path_integrals():
    X = np.random.default_rng(0).normal(size=(200, 5))
    P, label = graph(X)
    index, transition = made_graph(X, 20)
    pairs, found = pair_affinities(*round_trips(cluster_shares(index, transition, label), label), label)
    members = [np.flatnonzero(label == c) for c in range(label.max() + 1)]
    np.testing.assert_allclose(found, [affinity(P, members[a], members[b]) for a, b in pairs], rtol=1e-12, atol=1e-18)
    ratio = [exact_affinity(P, members[a], members[b]) for a, b in pairs if affinity(P, members[a], members[b]) > 0]
    ratio /= 0.01**2 * found[found > 0]
    assert ratio.min() >= 1
    assert ratio.max() < 1.03
    # Every pair that is not listed has no affinity at all.
    listed = set(map(tuple, pairs.tolist()))
    for a in range(0, len(members), 3):
        for b in range(a + 1, len(members)):
            assert (a, b) in listed or affinity(P, members[a], members[b]) == 0


@given(st.integers(0, 10_000), st.integers(8, 60), st.integers(1, 7), st.integers(2, 60))
def test_merges_are_those_of_brute_force(seed, n, k, groups):
    index, transition, P = random_graph(n, k, seed)
    label = np.random.default_rng(seed).integers(0, groups, n)
    label = np.unique(label, return_inverse=True)[1]
    tree, n_by_paths, _ = agglomerate(np.zeros((n, 1)), index, transition, label)
    left = label.max() + 1 - n_by_paths
    labels, pairs, found = merge(P, label, left)
    np.testing.assert_array_equal(tree.children[:n_by_paths], np.reshape(pairs, (-1, 2)))
    np.testing.assert_allclose(tree.affinities[:n_by_paths], found, rtol=1e-12)
    np.testing.assert_array_equal(cut(tree.children, label, n_by_paths), labels)
    if left > 1:  # then nothing was left to merge by
        assert merge(P, label, left - 1)[2][-1] == 0
    assert len(tree.children) == label.max()


def test_the_affinity_need_not_fall():
    """Unions may be nearer to each other than their parts; the heap must take that."""
    X = np.random.default_rng(0).uniform(size=(250, 2))
    P, label = graph(X, K=8)
    tree, n_by_paths, _ = agglomerate(X, *made_graph(X, 8), label)
    assert (np.diff(tree.affinities[:n_by_paths]) > 0).any()
    np.testing.assert_allclose(tree.affinities, merge(P, label, 1)[2], rtol=1e-12)


def test_nearest_centres_are_joined_first():
    rows = np.array([[0.0], [2.0], [10.0], [11.0], [30.0], [30.0]])
    tree = merge_centres(unmerged(np.array([0, 1, 2, 3, 4, 4])), rows, 20)
    assert sorted(tree.children[:2].tolist()) == [[0, 1], [2, 3]]
    np.testing.assert_array_equal(tree.children[2:], [[5, 6], [4, 7]])
    assert not tree.labels.any()


def test_centres_are_merged_until_all_are_one():
    rows = np.array([[0.0], [1.0], [2.0], [1000.0], [1001.0], [1002.1]]) + np.zeros((1, 3))
    tree = merge_centres(unmerged(np.arange(6)), rows, 1)
    assert tree.n_clusters == 2
    tree = merge_centres(tree, rows, 1)
    np.testing.assert_array_equal(tree.children[-1], tree.children.max() - np.array([1, 0]))
    assert len(tree.children) == 5
    np.testing.assert_array_equal(np.sort(tree.children, axis=None), np.arange(10))


def test_cut_counts_clusters_of_a_size():
    #   leaves of 5, 5, 5, 1, 1 objects; 0 + 1 = 5, 3 + 4 = 6, 5 + 2 = 7, 6 + 7 = 8
    children, size = np.array([[0, 1], [3, 4], [2, 5], [6, 7]]), np.array([5, 5, 5, 1, 1])
    assert [last_cut(children, size, k, 1) for k in (1, 2, 3, 4, 5)] == [(4, 1), (3, 1), (2, 1), (1, 1), (0, 1)]
    assert last_cut(children, size, 2, 5) == (2, 5)
    assert last_cut(children, size, 3, 5) == (0, 5)
    assert last_cut(children, size, 4, 5) == (1, 1)  # 2 is not small enough either
    assert last_cut(children, size, 3, 40) == (0, 5)
    leaves = np.repeat(np.arange(5), size)
    np.testing.assert_array_equal(cut(children, leaves, 0), leaves)
    np.testing.assert_array_equal(cut(children, leaves, 2), np.repeat([1, 1, 0, 2, 2], size))
    assert not cut(children, leaves, 4).any()


def test_small_clusters_follow_their_edges():
    # 0..4 and 5..9 are large; 10 points at 11, 11 at the second; 12 and 13 only at each other, near the first.
    index = np.array([[1], [2], [3], [4], [0], [6], [7], [8], [9], [5], [11], [6], [13], [12]], dtype=np.int32)
    transition = np.full((14, 1), 0.5)
    label = np.array([0] * 5 + [2] * 5 + [1, 3, 4, 4])
    rows = np.array([[0.0]] * 5 + [[9.0]] * 5 + [[0.0], [0.0], [1.0], [1.0]])
    found = attach_small(rows, cluster_shares(index, transition, label), label, 5)
    np.testing.assert_array_equal(found, [0] * 5 + [1] * 5 + [1, 1, 0, 0])


@pytest.mark.parametrize("d", [1, 8, 30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbours_are_exact_and_never_the_row_itself(d, dtype):
    X = np.random.default_rng(0).normal(size=(400, d)).astype(dtype) + 1000
    X[::4] = X[0]  # a hundred equal rows
    index, distance = make_row_search(X).neighbours(15)
    D = ((X[:, None].astype(float) - X[None]) ** 2).sum(axis=2)
    np.fill_diagonal(D, np.inf)
    np.testing.assert_allclose(distance, np.sort(D, axis=1)[:, :15], rtol=1e-12)
    np.testing.assert_allclose(distance, np.take_along_axis(D, index.astype(int), axis=1), rtol=1e-12)
    assert (index != np.arange(400)[:, None]).all()
    assert all(len(set(row)) == 15 for row in index.tolist())
    assert not distance[::4].any()
    new = X[:7] + dtype(0.5)
    alone = [make_row_search(X).nearest(x[None], 3)[0][0] for x in new]
    np.testing.assert_array_equal(make_row_search(X).nearest(new, 3)[0], alone)
