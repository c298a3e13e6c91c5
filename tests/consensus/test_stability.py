# SPDX-License-Identifier: BSD-3-Clause
import dataclasses
import warnings

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from skdeepclust import USENC, BaseClusterings, EntropyWeightedConsensus, eigengap_n_clusters, stability_curve
from skdeepclust.consensus._labels import code_labels
from skdeepclust.consensus._stability import draw_halves, half_scores, nested_consensus
from skdeepclust.metrics import ensemble_agreement


def fine_votes(n_clusters, n=360, n_clusterings=12, parts=4, seed=0):
    """Clusterings that never join two of the true clusters, and cut each at places of their own."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % n_clusters
    where = rng.random(n)
    cuts = np.sort(rng.random((n_clusterings, n_clusters, parts - 1)), axis=2)
    part = (where[:, None, None] > cuts[:, truth].transpose(1, 0, 2)).sum(axis=2)
    return truth[:, None] * parts + part, truth


def score_with_estimators(votes, halves, k, theta):
    """The definition of one column of the scores, by two fits of the estimator per resample."""
    scores = []
    for pair in halves:
        a, b = (
            EntropyWeightedConsensus(k, theta=theta, n_init=3, random_state=0).fit(votes[:, half]).labels_
            for half in pair
        )
        scores.append(adjusted_rand_score(a, b))
    return scores


@pytest.mark.parametrize("n_clusters", [2, 3, 6])
def test_finds_clusters_that_no_clustering_joins(n_clusters):
    votes, _ = fine_votes(n_clusters)
    curve = stability_curve(votes, range(2, 10), n_resamples=8, random_state=0)
    assert curve.best_n_clusters == n_clusters
    assert curve.stability[n_clusters - 2] == 1.0
    assert curve.agreement[n_clusters - 2] == 1.0
    assert (curve.stability[n_clusters - 1 :] < 0.95).all()
    assert eigengap_n_clusters(curve.spectrum) == n_clusters
    assert curve.n_clusters[np.argmax(curve.eigengaps)] == n_clusters


@pytest.mark.parametrize("seed", [0, 1])
def test_finds_blobs(seed):
    centers = [[0, 0], [9, 0], [0, 9], [9, 9], [4.5, 16]]
    X, _ = make_blobs(600, centers=centers, random_state=seed)
    base = BaseClusterings(n_estimators=12, base_n_clusters=(10, 20), random_state=seed).fit(X)
    assert stability_curve(base, range(2, 10), n_resamples=8, random_state=0).best_n_clusters == 5


@pytest.mark.parametrize("theta", [None, 0.4])
def test_scores_equal_the_definition(theta):
    votes, _ = fine_votes(4)
    coder, codes = code_labels(votes)
    halves = draw_halves(12, 5, np.random.RandomState(0))
    scores = half_scores(codes, coder.sizes, halves, np.array([2, 4]), theta=theta, n_init=3, seed=0)
    np.testing.assert_allclose(scores[:, 1], score_with_estimators(votes, halves, 4, theta), atol=1e-12)


@pytest.mark.parametrize("theta", [None, 0.4])
def test_nested_consensus_is_the_consensus(theta):
    votes, _ = fine_votes(4)
    coder, codes = code_labels(votes)
    partitions, mu = nested_consensus(codes, coder.sizes, np.array([3, 4]), theta=theta, n_init=10, seed=0)
    model = EntropyWeightedConsensus(4, theta=theta, random_state=0).fit(votes)
    np.testing.assert_allclose(mu[: len(model.spectrum_)], model.spectrum_, atol=1e-12)
    assert adjusted_rand_score(partitions[1], model.labels_) == 1.0
    assert len(np.unique(partitions[0])) == 3


def test_the_rest_equals_its_definition():
    votes, _ = fine_votes(3)
    curve = stability_curve(votes, [5, 3, 3], n_resamples=6, random_state=0)
    assert curve.n_clusters.tolist() == [3, 5]
    assert curve.scores.shape == (6, 2)
    np.testing.assert_allclose(curve.stability, curve.scores.mean(axis=0))
    np.testing.assert_allclose(curve.stability_std, curve.scores.std(axis=0))
    np.testing.assert_allclose(curve.standard_error, curve.stability_std / np.sqrt(6))
    labels = EntropyWeightedConsensus(3, theta=None, random_state=0).fit(votes).labels_
    assert curve.agreement[0] == pytest.approx(ensemble_agreement(labels, votes))


def test_chooses_the_widest_gap_among_the_stable_numbers():
    curve = stability_curve(fine_votes(3)[0], range(2, 6), n_resamples=4, random_state=0)
    made_up = dataclasses.replace(
        curve,
        scores=np.array([[0.99, 0.95, 0.9, 0.5], [1.0, 0.96, 0.9, 0.5]]),
        spectrum=np.array([1.0, 0.9, 0.8, 0.7, 0.1, 0.09]),
    )
    np.testing.assert_allclose(made_up.eigengaps, [np.log(2), np.log(1.5), np.log(3), np.log(91 / 90)], rtol=0.1)
    assert made_up.best_n_clusters == 2  # 4 has the widest gap, but its stability is 0.9, the best is 0.995
    assert dataclasses.replace(made_up, spectrum=np.array([1.0, 0.9, 0.88, 0.7, 0.1])).best_n_clusters == 3
    assert dataclasses.replace(made_up, spectrum=np.array([1.0, 0.9])).best_n_clusters == 2  # no gap is known


def test_identical_clusterings_are_perfectly_stable_at_their_own_number():
    labels = np.repeat(np.arange(5), [10, 20, 30, 5, 8])
    curve = stability_curve(np.repeat(labels[:, None], 6, axis=1), range(2, 6), n_resamples=3, random_state=0)
    np.testing.assert_array_equal(curve.scores[:, -1], 1.0)
    assert curve.agreement[-1] == 1.0
    assert curve.best_n_clusters == 5
    assert np.isnan(stability_curve(np.repeat(labels[:, None], 4, axis=1), [60], n_resamples=1).eigengaps).all()


def test_noise_is_unstable():
    votes = np.random.default_rng(0).integers(0, 8, (500, 20))
    curve = stability_curve(votes, range(2, 8), n_resamples=5, random_state=0)
    assert curve.stability.max() < 0.2


def test_is_blind_to_names_and_to_the_order_of_the_objects():
    votes, _ = fine_votes(4)
    curve = stability_curve(votes, [4], n_resamples=5, random_state=0)
    rng = np.random.default_rng(0)
    renamed = np.stack([100 - rng.permutation(16)[column] for column in votes.T], axis=1)
    order = rng.permutation(len(votes))
    for other in (renamed, votes[order], renamed[order]):
        again = stability_curve(other, [4], n_resamples=5, random_state=0)
        np.testing.assert_allclose(again.scores, curve.scores, atol=1e-12)
        np.testing.assert_allclose(again.agreement, curve.agreement, atol=1e-12)
        np.testing.assert_allclose(again.spectrum, curve.spectrum, atol=1e-12)


def test_is_blind_to_the_order_of_the_clusterings_when_the_halves_follow():
    votes, _ = fine_votes(4)
    order = np.random.default_rng(0).permutation(12)
    place = np.argsort(order)
    halves = draw_halves(12, 5, np.random.RandomState(0))
    moved = [(np.sort(place[a]), np.sort(place[b])) for a, b in halves]
    scores = []
    for matrix, pairs in ((votes, halves), (votes[:, order], moved)):
        coder, codes = code_labels(matrix)
        scores.append(half_scores(codes, coder.sizes, pairs, np.array([4]), theta=None, n_init=3, seed=0))
    np.testing.assert_allclose(*scores, atol=1e-12)


@pytest.mark.parametrize("n_clusterings", [4, 7, 20])
def test_halves_share_no_clustering(n_clusterings):
    for a, b in draw_halves(n_clusterings, 10, np.random.RandomState(0)):
        assert len(a) == len(b) == n_clusterings // 2
        assert len(set(a) | set(b)) == 2 * len(a)


def test_objects_without_labels_change_nothing():
    votes, _ = fine_votes(3)
    curve = stability_curve(votes, [2, 3], n_resamples=5, random_state=0)
    more = np.vstack([votes, np.full((40, 12), -1)])
    again = stability_curve(more, [2, 3], n_resamples=5, random_state=0)
    np.testing.assert_allclose(again.scores[:, 1], curve.scores[:, 1])
    np.testing.assert_allclose(again.agreement, curve.agreement)
    np.testing.assert_allclose(again.spectrum, curve.spectrum)


def test_objects_without_labels_in_one_half_are_not_compared():
    votes, truth = fine_votes(2)
    votes[::2, :6] = -1  # half of the objects are unknown to the first six clusterings
    votes[5::10, 6:] = 99  # the last six have a cluster of their own for objects that only they could tell apart
    coder, codes = code_labels(votes)
    halves = [(np.arange(6), np.arange(6, 12))]
    score = half_scores(codes, coder.sizes, halves, np.array([2]), theta=None, n_init=3, seed=0)[0, 0]
    first, second = (
        nested_consensus(codes[half], coder.sizes[half], np.array([2]), theta=None, n_init=3, seed=0)[0][0]
        for half in halves[0]
    )
    np.testing.assert_array_equal(first == -1, np.arange(len(votes)) % 2 == 0)
    assert score == adjusted_rand_score(first[1::2], second[1::2])


def test_scattered_missing_labels():
    votes, _ = fine_votes(3)
    votes[np.random.default_rng(0).random(votes.shape) < 0.3] = -1
    assert stability_curve(votes, range(2, 7), n_resamples=8, random_state=0).best_n_clusters == 3


def test_a_fitted_ensemble_stands_for_its_label_matrix():
    X, _ = make_blobs(200, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)
    model = USENC(3, n_estimators=6, n_representatives=50, random_state=0).fit(X)
    of_model, of_matrix = (
        stability_curve(b, [2, 3], n_resamples=4, random_state=0) for b in (model, model.base_labels_)
    )
    np.testing.assert_array_equal(of_model.scores, of_matrix.scores)
    np.testing.assert_array_equal(of_model.agreement, of_matrix.agreement)


def test_a_dask_array_is_the_same_matrix():
    dask_array = pytest.importorskip("dask.array")
    votes, _ = fine_votes(3)
    few = {"n_clusters": [3, 4], "n_resamples": 3, "max_samples": 200, "random_state": 0}
    chunked = stability_curve(dask_array.from_array(votes, chunks=(100, 5)), **few)
    np.testing.assert_array_equal(chunked.scores, stability_curve(votes, **few).scores)


def test_a_sample_of_the_objects_is_enough():
    votes, _ = fine_votes(4, n=3000)
    curve = stability_curve(votes, range(2, 8), n_resamples=8, max_samples=300, random_state=0)
    assert curve.n_samples == 300
    assert curve.best_n_clusters == 4


def test_a_seed_repeats_the_curve_and_leaves_the_global_generator_alone():
    votes, _ = fine_votes(3, seed=1)
    before = np.random.get_state()  # noqa: NPY002 - the global generator is what this is about
    few = {"n_clusters": [3, 5], "n_resamples": 3, "max_samples": 200}
    curves = [stability_curve(votes, **few, random_state=7) for _ in range(2)]
    other = stability_curve(votes, **few, random_state=8)
    stability_curve(votes, **few)
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(after[1], before[1])
    assert after[2] == before[2]
    np.testing.assert_array_equal(curves[0].scores, curves[1].scores)
    np.testing.assert_array_equal(curves[0].agreement, curves[1].agreement)
    assert not np.array_equal(curves[0].scores, other.scores)
    drawn = [stability_curve(votes, **few, random_state=np.random.RandomState(3)).scores for _ in range(2)]
    np.testing.assert_array_equal(*drawn)


def test_more_clusters_than_there_are_kinds_of_objects_is_no_error_and_no_warning():
    votes = np.repeat(np.array([[0, 0, 1, 1], [1, 0, 1, 1], [0, 1, 0, 0]]), 5, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve = stability_curve(votes, [2, 10], random_state=0)
    assert np.isfinite(curve.scores).all()


def test_the_result_is_frozen_and_the_input_is_left_alone():
    votes, _ = fine_votes(3)
    before = votes.copy()
    curve = stability_curve(votes, [2, 3], n_resamples=2, random_state=0)
    np.testing.assert_array_equal(votes, before)
    with pytest.raises(dataclasses.FrozenInstanceError):
        curve.n_samples = 3


VOTES = fine_votes(2, n=20)[0]


@pytest.mark.parametrize(
    ("base_labels", "arguments", "error", "message"),
    [
        (VOTES[:, :3], {}, ValueError, r"base_labels must have at least 4 base clusterings.*got shape \(20, 3\)"),
        (VOTES[:, 0], {}, ValueError, "Expected 2D array"),
        (BaseClusterings(), {}, TypeError, r"base_labels must be a label matrix or a fitted ensemble.*Call fit first"),
        (VOTES, {"n_clusters": 5}, TypeError, r"n_clusters must be several integers.*got 5"),
        (VOTES, {"n_clusters": []}, ValueError, "n_clusters must name at least one number of clusters.*got none"),
        (VOTES, {"n_clusters": [1, 2]}, ValueError, "n_clusters must be an integer >= 2 and <= 20; got 1"),
        (VOTES, {"n_clusters": [2, 21]}, ValueError, "<= 20; got 21. The numbers are compared on 20 objects"),
        (VOTES, {"n_clusters": [2.5]}, TypeError, "n_clusters must be an integer"),
        (VOTES, {"n_resamples": 0}, ValueError, "n_resamples must be an integer >= 1; got 0"),
        (VOTES, {"theta": 0.0}, ValueError, "theta must be a number > 0; got 0.0"),
        (VOTES, {"max_samples": 1}, ValueError, "max_samples must be an integer >= 2; got 1"),
        (VOTES, {"n_init": 0}, ValueError, "n_init must be an integer >= 1; got 0"),
        (np.full((9, 4), -1), {"n_clusters": [2]}, ValueError, "base_labels holds no label at all"),
    ],
)
def test_refuses_bad_input(base_labels, arguments, error, message):
    with pytest.raises(error, match=message):
        stability_curve(base_labels, **arguments)
