# SPDX-License-Identifier: BSD-3-Clause
"""partial_fit of the consensus: blocks of rows give what all rows give."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from skdeepclust.consensus import EntropyWeightedConsensus, _running
from skdeepclust.consensus._graph import cluster_overlap, reduced_graph
from skdeepclust.consensus._labels import code_labels


def votes(seed=0, n=400, m=8, missing=0.1):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    sizes = rng.integers(1, 4, m)
    labels = truth[:, None] * sizes + rng.integers(0, 10**6, (n, m)) % sizes
    noisy = rng.random((n, m)) < 0.1
    labels[noisy] = rng.integers(0, 3, noisy.sum())
    labels[rng.random((n, m)) < missing] = -1
    return labels, truth


def in_blocks(model, labels, sizes):
    for block in np.split(labels, np.cumsum(sizes)):
        if len(block):
            model.partial_fit(block)
    return model


@pytest.mark.parametrize("theta", [None, 0.4])
@pytest.mark.parametrize("method", ["transfer_cut", "diffusion"])
def test_blocks_equal_all_rows_while_the_sample_holds_them(theta, method):
    labels, truth = votes()
    model = EntropyWeightedConsensus(3, theta=theta, method=method, random_state=0)
    whole = model.fit(labels).predict(labels)
    weights, spectrum = model.cluster_weights_, model.spectrum_
    blocks = in_blocks(EntropyWeightedConsensus(3, theta=theta, method=method, random_state=0), labels, [50, 3, 200])
    np.testing.assert_array_equal(blocks.cluster_weights_, weights)
    np.testing.assert_allclose(blocks.spectrum_, spectrum, atol=1e-12)
    np.testing.assert_array_equal(blocks.predict(labels), whole)
    assert adjusted_rand_score(truth, whole) > 0.9
    assert blocks.running_.n_seen == 400
    np.testing.assert_array_equal(blocks.labels_, whole[253:])


@given(st.integers(0, 10_000), st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_overlaps_and_codes_follow_labels_that_come_later(seed, sizes):
    labels, _ = votes(seed, n=120, m=4)
    labels = labels * 7 - 20 * (labels >= 0)  # gaps and negative labels; -1 stays missing
    labels[labels == -1] = -1
    coder, codes = code_labels(labels)
    running = _running.start_running(labels[:30])
    cuts = np.unique([0, 30, *np.minimum(30 + np.cumsum(sizes), 120), 120])
    for i, j in pairwise(cuts):
        running = running.add(labels[i:j], 0)
    for ours, expected in zip(running.coder.values, coder.values, strict=True):
        np.testing.assert_array_equal(ours, expected)
    np.testing.assert_array_equal(running.overlap, cluster_overlap(codes, coder.sizes))
    known = (codes != coder.sizes[:, None]).any(axis=0)
    np.testing.assert_array_equal(running.sample, codes[:, known])


def test_the_sample_is_bounded_uniform_and_independent_of_the_blocks(monkeypatch):
    monkeypatch.setattr(_running, "MAX_KMEANS_ROWS", 100)
    labels, truth = votes(n=4000, missing=0.0)
    model = in_blocks(EntropyWeightedConsensus(3, theta=0.4, random_state=0), labels, [1500, 1500])
    assert model.running_.sample.shape == (8, 100)
    assert model.running_.n_labelled == 4000
    assert adjusted_rand_score(truth, model.predict(labels)) > 0.9
    shares = []
    for seed in range(40):  # rows are told apart by their labels
        running = _running.start_running(np.arange(1000)[:, None] % 1000)
        for block in np.split(np.arange(1000)[:, None], [100, 650]):
            running = running.add(block, seed)
        shares.append(np.mean(running.sample[0] >= 500))
    assert abs(np.mean(shares) - 0.5) < 0.03


def test_mean_degrees_are_close_to_the_degrees():
    labels, _ = votes(n=3000, missing=0.0)
    coder, codes = code_labels(labels)
    weights = EntropyWeightedConsensus(3, theta=0.4).fit(labels).cluster_weights_
    exact = reduced_graph(codes, coder.sizes, weights)
    close = _running.mean_degree_graph(cluster_overlap(codes, coder.sizes), weights)
    assert np.abs(close - exact).max() < 0.05 * exact.max()
    equal = np.full(len(weights), 0.3)
    close = _running.mean_degree_graph(cluster_overlap(codes, coder.sizes), equal)
    np.testing.assert_allclose(close, reduced_graph(codes, coder.sizes, equal), rtol=1e-12, atol=1e-12)


def test_fit_starts_anew_and_bad_blocks_leave_what_is_there():
    labels, _ = votes()
    model = EntropyWeightedConsensus(3, random_state=0).partial_fit(labels[:100])
    before = model.predict(labels)
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(labels[:, :3])
    np.testing.assert_array_equal(model.predict(labels), before)
    assert not hasattr(model.fit(labels), "running_")
    assert model.partial_fit(labels[:50]).running_.n_seen == 50
    assert not hasattr(EntropyWeightedConsensus(3, method="average"), "partial_fit")
    with pytest.raises(ValueError, match="n_clusters"):
        EntropyWeightedConsensus(30).partial_fit(labels[:20])
