# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import consensus_twins as twins
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdeepclust.consensus import cluster_entropy, ensemble_cluster_index
from skdeepclust.consensus._entropy import balance_groups, cross_group_entropy, debiased_entropy, entropy_table
from skdeepclust.consensus._graph import cluster_overlap
from skdeepclust.consensus._labels import code_labels

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "lwea_entropy.npz"


@st.composite
def ensembles(draw, missing=False):
    n, m = draw(st.integers(4, 25)), draw(st.integers(1, 4))
    labels = draw(arrays(np.int64, (n, m), elements=st.integers(-1 if missing else 0, 4)))
    labels[0, 0], labels[1, 0] = 0, 1  # at least one column with two clusters
    return labels


@pytest.mark.data
@pytest.mark.skipif(not GOLDEN.exists(), reason="golden data not at hand")
def test_published_example():
    golden = np.load(GOLDEN)
    coder, codes = code_labels(golden["labels"])
    np.testing.assert_array_equal(cluster_overlap(codes, coder.sizes), golden["overlap"])
    np.testing.assert_allclose(cluster_entropy(golden["labels"]), golden["entropy"], atol=1e-12)
    for theta, eci in zip(golden["theta"], golden["eci"], strict=True):
        np.testing.assert_allclose(ensemble_cluster_index(golden["labels"], theta), eci, atol=1e-12)


@given(ensembles(missing=True))
def test_equals_the_loop(labels):
    has_any = (labels != -1).any(axis=0)
    labels = labels[:, has_any]
    np.testing.assert_allclose(cluster_entropy(labels), twins.entropy(labels), atol=1e-12)
    np.testing.assert_allclose(ensemble_cluster_index(labels, 0.7), twins.eci(labels, 0.7), atol=1e-12)


@given(ensembles(), st.randoms(use_true_random=False))
def test_names_of_clusters_and_order_of_rows_do_not_matter(labels, random):
    rows = list(range(len(labels)))
    random.shuffle(rows)
    expected = cluster_entropy(labels)
    np.testing.assert_allclose(cluster_entropy(labels[rows] * 7 + 3), expected, atol=1e-12)  # gaps are fine
    reversed_names = cluster_entropy(-5 - labels)  # negative names other than -1 are names; ascending = reversed
    sizes = [len(set(c.tolist())) for c in labels.T]
    blocks = np.split(expected, np.cumsum(sizes)[:-1])
    np.testing.assert_allclose(reversed_names, np.concatenate([b[::-1] for b in blocks]), atol=1e-12)


@given(ensembles())
def test_doubling_the_ensemble_leaves_the_index_unchanged(labels):
    once = ensemble_cluster_index(labels)
    twice = ensemble_cluster_index(np.hstack([labels, labels]))
    np.testing.assert_allclose(twice, np.concatenate([once, once]), atol=1e-12)


def test_identical_clusterings_have_entropy_zero_and_index_one():
    labels = np.repeat([[0], [0], [1], [2]], 3, axis=1)
    np.testing.assert_array_equal(cluster_entropy(labels), 0)
    np.testing.assert_array_equal(ensemble_cluster_index(labels), 1)


def test_cross_group_ignores_the_own_group():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 3, (50, 1)), rng.integers(0, 4, (50, 1))
    labels = np.hstack([one, one, other])
    coder, codes = code_labels(labels)
    table = entropy_table(cluster_overlap(codes, coder.sizes), coder.sizes)
    own = np.repeat(np.arange(3), coder.sizes)
    mean = cross_group_entropy(table, own, np.array([0, 0, 1]))
    pair = twins.entropy(np.hstack([one, other]))
    np.testing.assert_allclose(mean, np.concatenate([pair[:3], pair[:3], pair[3:]]), atol=1e-12)


def test_debiased_entropy_is_one_for_clusters_spread_evenly():
    labels = np.array([[i // 4, i % 4] for i in range(16)])
    coder, codes = code_labels(labels)
    overlap = cluster_overlap(codes, coder.sizes)
    mean = debiased_entropy(entropy_table(overlap, coder.sizes), overlap, coder.sizes)
    np.testing.assert_allclose(mean, 0.5)  # 1 over the other clustering, 0 over its own
    pair = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [1, 2], [1, 3]])  # two objects can fill two clusters at most
    coder, codes = code_labels(pair)
    overlap = cluster_overlap(codes, coder.sizes)
    mean = debiased_entropy(entropy_table(overlap, coder.sizes), overlap, coder.sizes)
    np.testing.assert_allclose(mean[:2], 0.5)


def test_balance_gives_every_group_the_same_total():
    weights, sizes = np.array([0.5, 1.0, 0.1, 0.2, 0.9]), np.array([5, 5, 4, 3, 3])
    own, groups = np.array([0, 0, 1, 1, 1]), np.array(["a", "b"])
    out = balance_groups(weights, sizes, own, groups)
    total = out * sizes
    assert total[:2].sum() == pytest.approx(total[2:].sum())
    assert total.sum() == pytest.approx((weights * sizes).sum())
    np.testing.assert_allclose(out[:2] / weights[:2], out[0] / weights[0])


@pytest.mark.parametrize("theta", [0, -1.0, float("nan")])
def test_bad_theta(theta):
    with pytest.raises(ValueError, match="theta"):
        ensemble_cluster_index([[0, 0], [1, 1]], theta)
