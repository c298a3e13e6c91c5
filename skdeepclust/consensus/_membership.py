# SPDX-License-Identifier: BSD-3-Clause
"""What clusterers have in common: those with a nearest-centre rule, and those that end in a consensus."""

from sklearn.base import ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._support._saving import SaveMixin


class MembershipMixin(SaveMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin):
    """``predict``, ``predict_proba`` and ``transform`` from ``_labels_of(X)`` and ``_membership_of(X)``."""

    def predict(self, X):
        """Label of each row of `X`; a row's label depends on that row alone, and training rows get ``labels_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_in_)
            Rows like those of ``fit``.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int32
            For a dask array a lazy dask array.
        """
        return self._labels_of(X)

    def predict_proba(self, X):
        """Membership of each row in each cluster: softmax of -(squared distance to the centre) / (its mean in fit).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_in_)
            Rows like those of ``fit``.

        Returns
        -------
        membership : ndarray of shape (n_samples, n_clusters_), float64
            Rows sum to 1; the largest entry of a row is at its label.
        """
        return self._membership_of(X)

    def transform(self, X):
        """Membership, the same as :meth:`predict_proba`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_in_)
            Rows like those of ``fit``.

        Returns
        -------
        membership : ndarray of shape (n_samples, n_clusters_), float64
        """
        return self.predict_proba(X)

    @property
    def _n_features_out(self):
        return self.n_clusters_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # float64 whatever the input
        return tags


class ConsensusMixin(SaveMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin):
    """The methods for new rows, from ``_base_labels(X)`` and the fitted ``consensus_``."""

    def _from_base_labels(self, X, method):
        base_labels = self._base_labels(X)  # checks whether fitted
        return getattr(self.consensus_, method)(base_labels)

    def predict(self, X):
        """Label of each row of `X`; a row's label depends on that row alone, and training rows get ``labels_``.

        Parameters
        ----------
        X : array-like
            Rows like those of ``fit``.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int32
        """
        return self._from_base_labels(X, "predict")

    def predict_proba(self, X):
        """Membership of each row in each cluster.

        Parameters
        ----------
        X : array-like
            Rows like those of ``fit``.

        Returns
        -------
        membership : ndarray of shape (n_samples, n_clusters_), float64
            Rows sum to 1; the largest entry of a row is at its label.
        """
        return self._from_base_labels(X, "predict_proba")

    def transform(self, X):
        """Membership, the same as :meth:`predict_proba`.

        Parameters
        ----------
        X : array-like
            Rows like those of ``fit``.

        Returns
        -------
        membership : ndarray of shape (n_samples, n_clusters_), float64
        """
        return self.predict_proba(X)

    @property
    def probabilities_(self):
        """Largest membership of each row of ``fit``."""
        check_is_fitted(self, "consensus_")
        return self.consensus_.predict_proba(self.base_labels_).max(axis=1)

    def score(self, X, y=None):
        """Agreement of the consensus with the base clusterings, see :func:`skdeepclust.metrics.ensemble_agreement`.

        Parameters
        ----------
        X : array-like
            Rows like those of ``fit``.
        y : None
            Ignored. To score against labels, pass ``scoring="adjusted_rand_score"`` or the like to a grid search.

        Returns
        -------
        score : float
            Larger is better.
        """
        base_labels = self._base_labels(X)
        return self.consensus_.score(base_labels)

    @property
    def _n_features_out(self):
        return self.n_clusters_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # float64 whatever the input
        return tags
