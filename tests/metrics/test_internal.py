# SPDX-License-Identifier: BSD-3-Clause
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from sklearn.model_selection import GridSearchCV

from skdeepclust.metrics import make_internal_scorer, silhouette_scorer

METRICS = ("silhouette", "calinski_harabasz", "davies_bouldin")
WORST = {"silhouette": -1.0, "calinski_harabasz": 0.0, "davies_bouldin": 0.0}
X = make_blobs(150, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)[0]


class Labels:
    """A stand-in for a fitted clusterer: the label of a row is a function of the row."""

    def __init__(self, function):
        self.predict = function


def test_equals_the_functions_of_scikit_learn():
    model = KMeans(3, n_init=1, random_state=0).fit(X)
    labels = model.labels_
    assert make_internal_scorer("silhouette")(model, X) == silhouette_score(X, labels)
    assert make_internal_scorer("calinski_harabasz")(model, X) == calinski_harabasz_score(X, labels)
    assert make_internal_scorer("davies_bouldin")(model, X) == 1 / (1 + davies_bouldin_score(X, labels))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("predict", [lambda X: np.zeros(len(X), int), lambda X: np.arange(len(X))])
def test_trivial_result_scores_worst(metric, predict):
    assert make_internal_scorer(metric)(Labels(predict), X) == WORST[metric]


@pytest.mark.parametrize("metric", METRICS)
def test_worst_is_below_a_bad_clustering(metric):
    at_random = Labels(lambda X: np.random.default_rng(0).integers(2, size=len(X)))
    assert make_internal_scorer(metric)(at_random, X) > WORST[metric]


@pytest.mark.parametrize("metric", METRICS)
def test_grid_search_survives_one_cluster_and_finds_three(metric):
    search = GridSearchCV(
        KMeans(n_init=3, random_state=0),
        {"n_clusters": [1, 2, 3, 6]},
        scoring=make_internal_scorer(metric),
        cv=[(np.arange(150), np.arange(150))],
        error_score="raise",
    )
    assert search.fit(X).best_params_ == {"n_clusters": 3}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_sample_is_drawn_once_and_for_all_candidates():
    seen = []

    def predict(rows):
        seen.append(rows)
        return (rows[:, 0] > 4).astype(int)

    scorer = make_internal_scorer("silhouette", sample_size=40, random_state=3)
    assert scorer(Labels(predict), X) == scorer(Labels(predict), X)
    assert len(np.unique(seen[0], axis=0)) == 40
    np.testing.assert_array_equal(seen[0], seen[1])


def test_sample_size_above_the_number_of_rows_takes_all():
    model = KMeans(3, n_init=1, random_state=0).fit(X)
    assert silhouette_scorer(model, X) == silhouette_score(X, model.labels_)


def test_takes_images_and_tables():
    digits = load_digits()
    images, by_brightness = digits.images[:100], lambda X: (np.asarray(X).reshape(len(X), -1).mean(1) > 5).astype(int)
    flat = digits.data[:100]
    expected = silhouette_score(flat, by_brightness(flat))
    for rows in (images, flat, pd.DataFrame(flat)):
        assert silhouette_scorer(Labels(by_brightness), rows) == pytest.approx(expected)
        assert -1 < make_internal_scorer("silhouette", sample_size=50)(Labels(by_brightness), rows) < 1


def test_can_be_sent_to_a_worker():
    scorer = pickle.loads(pickle.dumps(silhouette_scorer))
    assert repr(scorer) == "make_internal_scorer('silhouette', sample_size=5000, random_state=0)"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"metric": "dunn"}, ValueError, "metric must be one of.*'silhouette'.*'dunn'"),
        ({"metric": "silhouette", "sample_size": 1}, ValueError, "sample_size must be an integer >= 2; got 1"),
        ({"metric": "silhouette", "sample_size": 0.5}, TypeError, "sample_size must be an integer"),
        ({"metric": "silhouette", "random_state": None}, TypeError, "random_state must be an integer"),
    ],
)
def test_refuses_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        make_internal_scorer(**arguments)
