# SPDX-License-Identifier: BSD-3-Clause
"""Scorers that need no labels, for ``GridSearchCV`` over a clusterer."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from sklearn.utils import resample

from .._support._parameters import check_choice, check_integer


def _inverse_davies_bouldin(X, labels):
    return 1.0 / (1.0 + davies_bouldin_score(X, labels))


# name -> (index for which greater is better, its smallest value)
_INDICES = {
    "calinski_harabasz": (calinski_harabasz_score, 0.0),
    "davies_bouldin": (_inverse_davies_bouldin, 0.0),
    "silhouette": (silhouette_score, -1.0),
}


class _InternalScorer:
    """Callable ``scorer(estimator, X, y=None)``; see :func:`make_internal_scorer`."""

    def __init__(self, metric: str, sample_size: int | None, random_state: int):
        self.metric = metric
        self.sample_size = sample_size
        self.random_state = random_state

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
        if self.sample_size is not None and self.sample_size < n_samples:
            X = resample(X, replace=False, n_samples=self.sample_size, random_state=self.random_state)
            n_samples = self.sample_size
        labels = np.asarray(estimator.predict(X))
        index, worst = _INDICES[self.metric]
        if not 2 <= len(np.unique(labels)) < n_samples:
            return worst
        rows = X if sp.issparse(X) else np.asarray(X).reshape(n_samples, -1)
        return float(index(rows, labels))

    def __repr__(self):
        return (
            f"make_internal_scorer({self.metric!r}, sample_size={self.sample_size}, random_state={self.random_state})"
        )


def make_internal_scorer(metric: str, *, sample_size: int | None = None, random_state: int = 0) -> _InternalScorer:
    """Make a scorer from an index that judges clusters by the data alone.

    scikit-learn has these indices as functions only: they are no scoring strings, and they raise for a result with
    a single cluster, which ends a search at its worst candidate. Here such a result (and one in which every
    sample is its own cluster) gets the worst value of the index.

    Parameters
    ----------
    metric : {"silhouette", "calinski_harabasz", "davies_bouldin"}
        The index. Greater is always better; the Davies-Bouldin index :math:`d`, for which less is better, enters
        as :math:`1 / (1 + d)`. Worst values: -1, 0 and 0.
    sample_size : int, default=None
        Judge this many samples, drawn without replacement; None takes all. The silhouette needs the distances
        of all pairs: 50,000 samples are 2.5 thousand million of them.
    random_state : int, default=0
        Seed of the draw. It is an integer, so that every candidate of a search is judged on the same samples.

    Returns
    -------
    callable
        ``scorer(estimator, X, y=None)``. `estimator` needs ``predict``; `X` may be a table or images.

    See Also
    --------
    silhouette_scorer : The silhouette on at most 5,000 samples, ready for use.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skdeepclust.metrics import make_internal_scorer
    >>> X, _ = make_blobs(150, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)
    >>> everything = [(range(len(X)), range(len(X)))]  # one split: fit and judge on all rows
    >>> search = GridSearchCV(KMeans(n_init=3, random_state=0), {"n_clusters": [1, 2, 3, 5]},
    ...                       scoring=make_internal_scorer("silhouette"), cv=everything)
    >>> search.fit(X).best_params_
    {'n_clusters': 3}
    """
    check_choice("metric", metric, tuple(_INDICES))
    if sample_size is not None:
        sample_size = check_integer("sample_size", sample_size, low=2, hint="None judges all samples.")
    return _InternalScorer(metric, sample_size, check_integer("random_state", random_state, low=0, high=2**32 - 1))


silhouette_scorer = make_internal_scorer("silhouette", sample_size=5000)
