# SPDX-License-Identifier: BSD-3-Clause
"""Scores of a cluster head as labels by size and as memberships."""

import numpy as np
from sklearn.base import ClusterMixin
from sklearn.utils.validation import check_is_fitted

from .._support._callbacks import with_callbacks
from .._support._images import validate_rows
from ..nn.inference import extract_layers


class HeadClustererMixin(ClusterMixin):
    """Fit, labels and memberships of a :class:`NetworkEncoder` whose network has a head that tells clusters.

    A subclass implements ``_label(X)``, which returns self. A fitted estimator has `reading_`, the layer of the network
    that holds the scores, and `heads_`, the column that each label stands for.
    """

    @with_callbacks
    def fit(self, X, y=None):
        """Train the network and label `X`.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Table or images; uint8 pixels are divided by 255. Read batch by batch, never copied whole.
        y : Ignored
            Present by convention.

        Returns
        -------
        self : estimator
            The same, fitted.
        """
        return self._fit(X)._label(X)

    @with_callbacks
    def fit_watched(self, X, monitor):
        """Train the network under the eyes of `monitor`, and label `X`.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            As in `fit`.
        monitor : callable
            As in :meth:`ContrastiveEncoder.fit_watched <skdeepclust.ContrastiveEncoder.fit_watched>`.

        Returns
        -------
        self : estimator
            The same, fitted.
        """
        return self._fit(X, monitor)._label(X)

    def predict(self, X):
        """Label rows.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Rows like those seen in `fit`.

        Returns
        -------
        ndarray of shape (n,), int32
        """
        return self.predict_proba(X).argmax(axis=1).astype(np.int32)

    def predict_proba(self, X):
        """Soft assignments of the rows to the clusters in use.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Rows like those seen in `fit`.

        Returns
        -------
        ndarray of shape (n, n_clusters_), float64
            Rows sum to 1; the largest entry is at the predicted label.
        """
        check_is_fitted(self, "heads_")
        rows, _ = validate_rows(self, X, None, reset=False)
        self._settle()
        return memberships(extract_layers(self.network_, self.reader_, rows, (self.reading_,)), self.heads_)


def labels_by_size(scores):
    """Labels of rows by the size of their cluster, largest first, and their memberships.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        Logarithms of memberships up to a constant per row, such as logits; the largest of a row wins it.

    Returns
    -------
    labels : ndarray of shape (n,), int32
    probabilities : ndarray of shape (n,), float64
        Largest membership of each row.
    heads : ndarray of shape (number of clusters in use,), int64
        The column that each label stands for; ties by column, columns that won nothing left out.
    """
    winners = scores.argmax(axis=1)
    sizes = np.bincount(winners, minlength=scores.shape[1])
    heads = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    p = memberships(scores, heads)
    return p.argmax(axis=1).astype(np.int32), p.max(axis=1), heads


def memberships(scores, heads):
    """Softmax of the columns `heads` of `scores`: float64 rows that sum to 1."""
    kept = scores[:, heads].astype(np.float64)
    p = np.exp(kept - kept.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)
