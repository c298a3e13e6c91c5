# SPDX-License-Identifier: BSD-3-Clause
import warnings
from pathlib import Path

import consensus_twins as twins
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from skdeepclust._support._warnings import ClusterCollapseWarning, FallbackWarning
from skdeepclust.consensus import EntropyWeightedConsensus, transfer_cut
from skdeepclust.consensus._code_rules import DIFFUSION_TIME
from skdeepclust.consensus._graph import object_embedding

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "lwea_entropy.npz"
METHODS = ["diffusion", "transfer_cut", "average"]


def noisy_ensemble(seed=0, n=150, m=8, groups=3, noise=0.15):
    """Base clusterings that split `groups` true groups at random and misplace some objects."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) * groups // n
    columns = []
    for _ in range(m):
        column = truth * 2 + rng.integers(0, 2, n)
        wrong = rng.random(n) < noise
        column[wrong] = rng.integers(0, 2 * groups, wrong.sum())
        columns.append(column)
    return np.stack(columns, axis=1), truth


@pytest.mark.data
@pytest.mark.skipif(not GOLDEN.exists(), reason="golden data not at hand")
def test_golden_spectrum():
    golden = np.load(GOLDEN)
    model = EntropyWeightedConsensus(3, method="transfer_cut", theta=0.4, weighting="paper", random_state=0)
    model.fit(golden["labels"])
    np.testing.assert_allclose(model.spectrum_, golden["mu_theta04"], atol=1e-12)
    np.testing.assert_allclose(model.cluster_entropy_, golden["entropy"], atol=1e-12)
    np.testing.assert_allclose(model.cluster_weights_, golden["eci"][1], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("theta", [None, 0.4])
def test_finds_the_groups_and_repeats_itself(method, theta):
    labels, truth = noisy_ensemble()
    model = EntropyWeightedConsensus(3, method=method, theta=theta, random_state=0).fit(labels)
    assert adjusted_rand_score(model.labels_, truth) > 0.9
    np.testing.assert_array_equal(model.predict(labels), model.labels_)
    np.testing.assert_array_equal([model.predict(row[None])[0] for row in labels], model.labels_)
    P = model.predict_proba(labels)
    np.testing.assert_array_equal(P.argmax(axis=1), model.labels_)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    assert np.bincount(model.labels_).tolist() == sorted(np.bincount(model.labels_), reverse=True)
    unseen, unseen_truth = noisy_ensemble(7)
    assert adjusted_rand_score(model.predict(unseen), unseen_truth) > 0.85
    assert model.score(labels) > 0.5


def test_is_the_transfer_cut_of_the_weighted_incidence():
    labels, _ = noisy_ensemble(1)
    model = EntropyWeightedConsensus(3, method="transfer_cut", theta=0.4, weighting="paper", random_state=0).fit(labels)
    B = twins.incidence(labels) * twins.eci(labels, 0.4)
    assert twins.same_partition(model.labels_, transfer_cut(B, 3, random_state=0))
    mu = twins.full_transfer_cut(B, 3)[1]
    np.testing.assert_allclose(model.spectrum_, mu[: len(model.spectrum_)], atol=1e-10)


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize(
    ("weighting", "theta"), [("debiased", 1.0), ("debiased", 0.4), ("paper", 0.4), ("paper", None)]
)
def test_diffusion_map_equals_the_dense_twin(weighting, theta, missing):
    labels, _ = noisy_ensemble(1)
    rng = np.random.default_rng(0)
    labels[rng.random(labels.shape) < missing] = -1
    labels = labels[(labels != -1).any(axis=1)]
    if theta is None:
        weights = np.ones(len(twins.clusters(labels)))
    else:
        weights = (twins.eci if weighting == "paper" else twins.debiased_index)(labels, theta)
    model = EntropyWeightedConsensus(3, method="diffusion", weighting=weighting, theta=theta, random_state=0).fit(
        labels
    )
    np.testing.assert_allclose(model.cluster_weights_, weights, atol=1e-12)
    expected, mu = twins.diffusion_embedding(twins.incidence(labels) * weights, 3, DIFFUSION_TIME)
    np.testing.assert_allclose(model.spectrum_, mu[: len(model.spectrum_)], atol=1e-10)
    assert model.rule_.vectors.shape[1] == 6
    coder = model.label_coder_
    F = object_embedding(coder.encode(labels), coder.sizes, model.cluster_weights_, model.rule_.vectors)
    np.testing.assert_allclose(F @ F.T, expected @ expected.T, atol=1e-10)  # no question of signs


def ensemble_with_a_piece(joined, seed):
    """Clusters 0 and 1 swap 10 objects in each clustering; 27 objects of cluster 2 stand alone but for `joined`."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1, 2], 170)
    piece = np.flatnonzero(truth == 2)[:27]
    columns = []
    for _ in range(20):
        group = truth.copy()
        swapped = rng.choice(np.flatnonzero(truth < 2), 10, replace=False)
        group[swapped] = 1 - group[swapped]
        column = group * 4 + rng.integers(0, 4, len(truth))
        alone = rng.permutation(piece)[joined:]
        column[alone] = 12
        columns.append(column)
    return np.stack(columns, axis=1), truth, piece


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("joined", [2, 3])
def test_diffusion_does_not_trade_a_cluster_for_a_piece_of_another(joined, seed):
    """The piece's eigenvalue is a little above that of the pair, so that the third eigenvector is the piece's."""
    labels, truth, piece = ensemble_with_a_piece(joined, seed)
    cut = EntropyWeightedConsensus(3, method="transfer_cut", weighting="debiased", random_state=0).fit(labels)
    assert 0.005 < cut.spectrum_[2] - cut.spectrum_[3] < 0.06
    assert np.flatnonzero(cut.labels_ == cut.labels_[piece[0]]).tolist() == piece.tolist()
    assert len(set(cut.labels_[truth < 2])) == 1
    assert (
        adjusted_rand_score(
            EntropyWeightedConsensus(3, method="diffusion", weighting="debiased", random_state=0).fit(labels).labels_,
            truth,
        )
        > 0.97
    )


def test_transfer_cut_is_the_default_and_differs_from_diffusion():
    labels, _ = noisy_ensemble()
    models = {
        method: EntropyWeightedConsensus(3, **parameters, random_state=0).fit(labels)
        for method, parameters in (
            ("default", {}),
            ("diffusion", {"method": "diffusion"}),
            ("cut", {"method": "transfer_cut"}),
        )
    }
    np.testing.assert_array_equal(models["default"].rule_.vectors, models["cut"].rule_.vectors)
    V, mu = models["cut"].rule_.vectors, models["cut"].spectrum_[:3]
    assert V.shape[1] == 3
    np.testing.assert_allclose(models["diffusion"].rule_.vectors[:, :3], V * mu**DIFFUSION_TIME, atol=1e-10)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_average_linkage_equals_scipy(missing):
    compared = 0
    for seed in range(10):
        labels, _ = noisy_ensemble(seed, n=60, m=4)
        if missing:
            rng = np.random.default_rng(seed)
            labels[rng.random(labels.shape) < missing] = -1
            labels = np.unique(labels[(labels != -1).any(axis=1)], axis=0)
        weights = twins.eci(labels, 0.4)
        expected = twins.average_linkage_labels(labels, weights, 4)
        if not twins.same_partition(expected, twins.average_linkage_labels(labels[::-1], weights, 4)[::-1]):
            continue  # ties, which scipy breaks by the order of the rows
        compared += 1
        model = EntropyWeightedConsensus(4, method="average", theta=0.4, weighting="paper").fit(labels)
        np.testing.assert_allclose(model.cluster_weights_, weights, atol=1e-12)
        assert twins.same_partition(model.labels_, expected)
    assert compared >= 3


@pytest.mark.parametrize("method", METHODS)
def test_identical_clusterings_give_that_clustering(method):
    column = np.repeat([0, 1, 2, 3], [5, 9, 7, 3])
    model = EntropyWeightedConsensus(4, method=method, random_state=0).fit(np.stack([column] * 5, axis=1))
    np.testing.assert_array_equal(model.cluster_weights_, 1)
    np.testing.assert_array_equal(model.labels_, np.repeat([2, 0, 1, 3], [5, 9, 7, 3]))  # numbered by size


@pytest.mark.parametrize("method", METHODS)
def test_invariances(method):
    labels, _ = noisy_ensemble(2)
    make = EntropyWeightedConsensus(3, method=method, random_state=0)
    expected = make.fit(labels).labels_
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(labels))
    assert twins.same_partition(make.fit(labels[rows]).labels_, expected[rows])
    assert twins.same_partition(make.fit(labels[:, ::-1]).labels_, expected)
    assert twins.same_partition(make.fit(labels * 11 - 40).labels_, expected)  # other names, with gaps
    assert twins.same_partition(make.fit(np.hstack([labels, labels])).labels_, expected)
    for other in (labels.astype(np.float32), np.asfortranarray(labels), labels.astype(np.int8)):
        np.testing.assert_array_equal(make.fit(other).labels_, expected)


@pytest.mark.parametrize("method", METHODS)
def test_missing_labels(method):
    labels, truth = noisy_ensemble(3)
    rng = np.random.default_rng(0)
    labels[rng.random(labels.shape) < 0.2] = -1
    labels[[5, 70]] = -1
    model = EntropyWeightedConsensus(3, method=method, random_state=0).fit(labels)
    assert np.flatnonzero(model.labels_ == -1).tolist() == [5, 70]
    known = model.labels_ >= 0
    assert adjusted_rand_score(model.labels_[known], truth[known]) > 0.85
    np.testing.assert_array_equal(model.predict(labels), model.labels_)
    np.testing.assert_allclose(model.predict_proba(labels)[5], 1 / 3)
    np.testing.assert_allclose(model.cluster_entropy_, twins.entropy(labels), atol=1e-12)
    assert model.predict(np.full((1, labels.shape[1]), 999)) == -1  # labels never seen count as missing


def test_weightings_and_groups():
    labels, truth = noisy_ensemble(4)
    groups = [0, 0, 0, 0, 1, 1, 1, 1]
    for weighting in ("paper", "cross_group", "debiased"):
        for balance in (False, True):
            model = EntropyWeightedConsensus(
                3, weighting=weighting, groups=groups, balance_groups=balance, random_state=0
            ).fit(labels)
            assert adjusted_rand_score(model.labels_, truth) > 0.9


def test_tiny_theta_does_not_underflow():
    labels, _ = noisy_ensemble(5)
    model = EntropyWeightedConsensus(3, theta=1e-4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusterCollapseWarning)
        model.fit(labels)
    assert np.isfinite(model.cluster_weights_).all()
    assert model.cluster_weights_.max() > 0


def test_float_columns_are_binned():
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[:, 1] = np.arange(40) % 3
    with pytest.warns(FallbackWarning, match="2 of 3 columns"):
        model = EntropyWeightedConsensus(3, random_state=0).fit(X)
    assert [len(v) for v in model.label_coder_.values] == [10, 3, 10]
    np.testing.assert_array_equal(model.predict(X), model.labels_)


@pytest.mark.parametrize("method", METHODS)
def test_single_clustering(method):
    column = np.repeat([0, 1, 2], [5, 9, 7])[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = EntropyWeightedConsensus(3, method=method, random_state=0).fit(column)
    np.testing.assert_array_equal(model.labels_, np.repeat([2, 0, 1], [5, 9, 7]))
    with pytest.warns(FallbackWarning, match="one clustering with 3 clusters"):
        EntropyWeightedConsensus(2, method=method, random_state=0).fit(column)
    with pytest.warns(ClusterCollapseWarning), pytest.warns(FallbackWarning):
        model = EntropyWeightedConsensus(5, method=method, random_state=0).fit(column)
    assert model.n_clusters_ == 3


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.full((6, 2), -1), "no label at all"),
        (np.zeros((6, 2), dtype=int), "no column with two clusters"),
    ],
)
def test_nothing_to_combine(labels, message):
    with pytest.raises(ValueError, match=message):
        EntropyWeightedConsensus(2).fit(labels)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"n_clusters": 151}, ValueError),
        ({"method": "single"}, ValueError),
        ({"theta": 0}, ValueError),
        ({"theta": "auto"}, TypeError),
        ({"weighting": "other"}, ValueError),
        ({"groups": [0, 1]}, ValueError),
        ({"n_init": 0}, ValueError),
        ({"max_iter": True}, TypeError),
        ({"balance_groups": True}, ValueError),
    ],
)
def test_messages_name_the_parameter(parameters, error):
    with pytest.raises(error, match=next(iter(parameters))):
        EntropyWeightedConsensus(**{"n_clusters": 3, **parameters}).fit(noisy_ensemble()[0])


def test_cross_group_needs_two_groups():
    labels, _ = noisy_ensemble()
    with pytest.raises(ValueError, match="groups"):
        EntropyWeightedConsensus(3, weighting="cross_group").fit(labels)
    with pytest.raises(ValueError, match="two different groups"):
        EntropyWeightedConsensus(3, weighting="cross_group", groups=[0] * 8).fit(labels)


def test_average_refuses_too_many_tuples(monkeypatch):
    monkeypatch.setattr("skdeepclust.consensus._linkage.MAX_DISTINCT", 20)
    with pytest.raises(ValueError, match="method='transfer_cut'"):
        EntropyWeightedConsensus(3, method="average").fit(noisy_ensemble()[0])
