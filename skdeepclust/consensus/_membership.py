# SPDX-License-Identifier: BSD-3-Clause
"""What every clusterer with an embedding and a nearest-centre rule has in common."""

from sklearn.base import ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin


class MembershipMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin):
    """``predict``, ``predict_proba`` and ``transform`` from ``_embed(X)`` and the fitted ``centre_rule_``."""

    def predict(self, X):
        """Label of each row of `X`; a row's label depends on that row alone, and training rows get ``labels_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_in_)
            Rows like those of ``fit``.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int32
        """
        embedding = self._embed(X)
        return self.centre_rule_.labels(embedding)

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
        embedding = self._embed(X)
        return self.centre_rule_.membership(embedding)

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
