# SPDX-License-Identifier: BSD-3-Clause
import joblib
import numpy as np
import pytest
from sklearn.cluster import DBSCAN, KMeans
from sklearn.datasets import make_blobs
from sklearn.pipeline import make_pipeline

from skdeepclust.cluster import USENC, USPEC, BaseClusterings
from skdeepclust.cluster._ensemble_plan import default_cluster_range, draw_plan, members_per_group
from skdeepclust.cluster._rowwise_kmeans import RowwiseKMeans
from skdeepclust.consensus import EntropyWeightedConsensus

X, Y = make_blobs(120, centers=3, n_features=5, random_state=0)


def small(**parameters):
    return BaseClusterings(**{"n_estimators": 4, "random_state": 0, **parameters})


def test_members_are_spread_over_the_blocks():
    model = small(n_estimators=7, group_sizes=[1, 2, 2]).fit(X)
    assert model.groups_.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert [e.n_features_in_ for e in model.estimators_] == [1, 1, 1, 2, 2, 2, 2]
    assert [e.n_clusters for e in model.estimators_] == model.n_clusters_per_estimator_.tolist()
    assert model.base_labels_.shape == (120, 7)
    assert model.base_labels_.dtype == np.int32
    fine, coarse = USPEC, RowwiseKMeans  # taking turns within each block
    assert [type(e) for e in model.estimators_] == [fine, coarse, fine, fine, coarse, fine, coarse]
    assert all(e.n_init == 1 and e.max_iter == 5 for e in model.estimators_ if type(e) is fine)
    moved = X.copy()
    moved[:, 1:] += 1000  # a member sees its own block only
    np.testing.assert_array_equal(model.transform(moved)[:, :3], model.base_labels_[:, :3])


@pytest.mark.parametrize("clusterer", [None, KMeans(n_init=1), USPEC(n_representatives=30)])
def test_fit_transform_equals_transform(clusterer):
    model = small(base_clusterer=clusterer, group_sizes=[3, 2])
    together = model.fit_transform(X)
    np.testing.assert_array_equal(together, model.transform(X))
    np.testing.assert_array_equal(together, model.base_labels_)
    np.testing.assert_array_equal(together, small(base_clusterer=clusterer, group_sizes=[3, 2]).fit(X).transform(X))


@pytest.mark.parametrize("clusterer", [None, KMeans(n_init=1)])
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_do_not_change_the_result(clusterer, backend):
    serial = small(base_clusterer=clusterer).fit(X)
    with joblib.parallel_config(backend=backend):
        parallel = small(base_clusterer=clusterer, n_jobs=2).fit(X)
        np.testing.assert_array_equal(parallel.transform(X), serial.base_labels_)
    np.testing.assert_array_equal(parallel.base_labels_, serial.base_labels_)


def test_range_of_clusters_is_closed_and_uniform():
    plan = draw_plan([300, 300], [2, 3], (4, 6), 0)
    count = np.bincount([k for *_, k, _ in plan], minlength=8)
    assert count[4:7].min() > 150
    assert count.sum() == count[4:7].sum()
    assert len({seed for *_, seed in plan}) == 600


@pytest.mark.parametrize("n", [10, 11, 30, 150, 399, 400, 10**7])
def test_default_range_fits_the_data(n):
    low, high = default_cluster_range(n)
    assert 2 <= low <= high <= min(n, 60)
    assert n < 400 or (low, high) == (20, 60)


def test_ten_rows():
    assert small().fit_transform(X[:10]).shape == (10, 4)


def test_names_and_containers():
    pandas = pytest.importorskip("pandas")
    model = small().set_output(transform="pandas")
    frame = model.fit_transform(pandas.DataFrame(X, columns=list("abcde")))
    assert frame.columns.tolist() == [f"baseclusterings{i}" for i in range(4)]
    assert (frame.dtypes == np.int32).all()


def test_pipeline_equals_usenc():
    usenc = USENC(3, n_estimators=5, random_state=0).fit(X)
    consensus = EntropyWeightedConsensus(3, method="transfer_cut", theta=None, random_state=0)
    member = USPEC(n_init=1, max_iter=5)
    pipeline = make_pipeline(BaseClusterings(5, base_clusterer=member, random_state=0), consensus).fit(X)
    np.testing.assert_array_equal(pipeline[-1].labels_, usenc.labels_)
    np.testing.assert_array_equal(pipeline.predict(X), usenc.predict(X))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_estimators": 0}, ValueError, "n_estimators"),
        ({"n_estimators": 1, "group_sizes": [2, 3]}, ValueError, "n_estimators"),
        ({"group_sizes": [2, 2]}, ValueError, "group_sizes"),
        ({"group_sizes": [5, 0]}, ValueError, "group_sizes"),
        ({"base_n_clusters": (2, 121)}, ValueError, "base_n_clusters"),
        ({"base_n_clusters": (5, 3)}, ValueError, "base_n_clusters"),
        ({"base_n_clusters": 5}, TypeError, "base_n_clusters"),
        ({"base_clusterer": DBSCAN()}, TypeError, "base_clusterer"),
        ({"base_clusterer": KMeans}, TypeError, "base_clusterer"),
    ],
)
def test_messages_name_the_parameter(parameters, error, message):
    with pytest.raises(error, match=message):
        small(**parameters).fit(X)


def test_the_coarse_members_make_half_as_many_clusters():
    sizes = small(n_estimators=6, base_n_clusters=(10, 10)).fit(X).n_clusters_per_estimator_
    assert sizes.tolist() == [10, 5, 10, 5, 10, 5]


def test_rowwise_kmeans_gives_a_row_the_same_label_in_any_company():
    model = RowwiseKMeans(7, n_init=1, random_state=0).fit(X)
    labels = model.predict(X)
    assert (labels == KMeans.predict(model, X)).mean() > 0.99  # the same centres, up to ties in the last bits
    assert [model.predict(X[i : i + 1])[0] for i in range(len(X))] == labels.tolist()


SCORES = np.random.default_rng(1).random((60, 4))
SCORES[:, 3] = 0  # never the largest in training


@pytest.fixture(scope="module")
def with_scores():
    X = np.hstack([np.random.default_rng(0).normal(size=(60, 3)), SCORES, np.random.default_rng(2).random((60, 2))])
    return X, BaseClusterings(25, group_sizes=[3, 4, 2], score_groups=[1], random_state=0).fit(X)


def test_scores_are_read_not_clustered(with_scores):
    X, base = with_scores
    np.testing.assert_array_equal(np.bincount(base.groups_), [12, 2, 11])
    of_scores = base.base_labels_[:, base.groups_ == 1]
    np.testing.assert_array_equal(of_scores, np.repeat(SCORES.argmax(axis=1)[:, None], 2, axis=1))
    np.testing.assert_array_equal(base.transform(X), base.base_labels_)
    np.testing.assert_array_equal(base.n_clusters_per_estimator_[base.groups_ == 1], 4)
    kinds = {type(base.estimators_[m]).__name__ for m in np.flatnonzero(base.groups_ != 1)}
    assert kinds == {"USPEC", "RowwiseKMeans"}


def test_a_score_that_won_no_training_row_wins_none_later(with_scores):
    X, base = with_scores
    new = X[:1].copy()
    new[:, 3:7] = 0.1, 0.3, 0.2, 9.0
    np.testing.assert_array_equal(base.transform(new)[:, base.groups_ == 1], 1)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((1, 1), [1]), ((40, 3), [14, 13, 13]), ((40, 4, (0,)), [4, 12, 12, 12]), ((9, 3, (1,)), [4, 1, 4])],
)
def test_one_in_ten_members_reads_scores_and_the_others_are_spread_evenly(counts, expected):
    assert members_per_group(*counts) == expected


@pytest.mark.parametrize(
    ("score_groups", "error", "message"),
    [
        ([3], ValueError, "score_groups must be an integer >= 0 and <= 2; got 3"),
        ([0, 0], ValueError, "score_groups must name different blocks"),
        ([0, 1, 2], ValueError, "leave at least one of the 3 to be clustered"),
        (1, TypeError, "score_groups must be a sequence of block numbers; got 1"),
        ([0.5], TypeError, "score_groups must be an integer"),
    ],
)
def test_score_groups_are_checked(score_groups, error, message):
    with pytest.raises(error, match=message):
        BaseClusterings(4, group_sizes=[1, 1, 1], score_groups=score_groups).fit(np.ones((9, 3)))


def test_enough_members_beside_those_that_read_scores():
    base = BaseClusterings(29, group_sizes=[1] * 16, score_groups=range(14))
    with pytest.raises(ValueError, match="n_estimators=29 leaves too few base clusterings beside those of 14"):
        base.fit(np.ones((9, 16)))
