# SPDX-License-Identifier: BSD-3-Clause
"""Scores of clusters, as a cluster head gives them, read as a clustering."""

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class LargestScore(ClusterMixin, BaseEstimator):
    """The column of the largest score is the cluster; the first one of equals.

    Parameters
    ----------
    n_clusters : int, default=2
        Number of columns.
    random_state : None
        Nothing is random; here because every base clusterer has one.

    Attributes
    ----------
    columns_ : ndarray of int64
        Columns that won a training row. New rows are compared on these only: to a consensus, a cluster that no
        training row is in says nothing.
    labels_ : ndarray of shape (n_samples,), int64

    Examples
    --------
    >>> from skdeepclust.cluster._largest_score import LargestScore
    >>> rule = LargestScore(3).fit([[0.1, 0.7, 0.2], [0.0, 0.4, 0.6]])
    >>> print(rule.labels_, rule.predict([[0.9, 0.0, 0.1]]))
    [1 2] [2]
    """

    def __init__(self, n_clusters=2, *, random_state=None):
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find the columns in use.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_clusters)
        y : Ignored

        Returns
        -------
        self : LargestScore
        """
        X = validate_data(self, X)
        self.labels_ = X.argmax(axis=1)
        self.columns_ = np.unique(self.labels_)
        return self

    def predict(self, X):
        """Return the column in use that has the largest score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_clusters)

        Returns
        -------
        ndarray of shape (n_samples,), int64
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return self.columns_[X[:, self.columns_].argmax(axis=1)]
