# SPDX-License-Identifier: BSD-3-Clause
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GridSearchCV

from skdeepclust.metrics import clustering_accuracy, clustering_accuracy_scorer

pairs = st.lists(st.tuples(st.integers(-1, 3), st.integers(-2, 2)), min_size=1, max_size=30)


def accuracy_by_trying(y_true, y_pred):
    """Every one-to-one naming in turn; clusters or classes without a partner get a name that nobody bears."""
    classes, clusters = sorted(set(y_true)), sorted(set(y_pred))
    names = classes + [f"nobody {i}" for i in range(max(0, len(clusters) - len(classes)))]
    best = 0
    for chosen in permutations(names, len(clusters)):
        name = dict(zip(clusters, chosen, strict=True))
        best = max(best, sum(name[c] == t for t, c in zip(y_true, y_pred, strict=True)))
    return best / len(y_true)


@given(pairs)
def test_equals_exhaustive_search(rows):
    y_true, y_pred = zip(*rows, strict=True)
    assert clustering_accuracy(y_true, y_pred) == pytest.approx(accuracy_by_trying(y_true, y_pred))


@given(pairs)
def test_is_symmetric_and_blind_to_names(rows):
    y_true, y_pred = map(np.array, zip(*rows, strict=True))
    expected = clustering_accuracy(y_true, y_pred)
    assert clustering_accuracy(y_pred, y_true) == expected
    assert clustering_accuracy(np.array(["d", "c", "a", "b", "x"])[y_true], -7 * y_pred) == expected


def test_of_matching_names_is_the_trace_of_the_confusion_matrix():
    y_true = np.repeat([0, 1, 2], [50, 30, 20])
    y_pred = y_true.copy()
    y_pred[::10] = (y_pred[::10] + 1) % 3
    assert clustering_accuracy(y_true, y_pred) == np.trace(confusion_matrix(y_true, y_pred)) / 100


def test_surplus_clusters_count_as_wrong():
    assert clustering_accuracy([0, 0, 0, 0], [0, 1, 2, 3]) == 0.25
    assert clustering_accuracy([0, 1, 2, 3], [0, 0, 0, 0]) == 0.25


def test_leaves_its_input_alone():
    y_true, y_pred = np.array([3, 1, 1]), np.array([5, 5, -1])
    for y in (y_true, y_pred):
        y.setflags(write=False)
    assert clustering_accuracy(y_true, y_pred) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "error", "message"),
    [
        ([], [], ValueError, "y_true is empty"),
        ([0, 1], [0], ValueError, "y_true and y_pred must have one label per sample.*2 and 1"),
        ([[0, 1]], [0, 1], ValueError, r"y_true must be one-dimensional.*\(1, 2\)"),
        ([0, 1], [0.0, np.nan], ValueError, "y_pred holds NaN"),
        (np.array([0, "a"], dtype=object), [0, 1], TypeError, "y_true mixes labels"),
    ],
)
def test_refuses_bad_input(y_true, y_pred, error, message):
    with pytest.raises(error, match=message):
        clustering_accuracy(y_true, y_pred)


def test_scorer_in_a_grid_search():
    X, y = make_blobs(120, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)
    search = GridSearchCV(
        KMeans(n_init=3, random_state=0), {"n_clusters": [2, 3, 6]}, scoring=clustering_accuracy_scorer, cv=3
    )
    assert search.fit(X, y).best_params_ == {"n_clusters": 3}
    assert search.best_score_ == 1.0
