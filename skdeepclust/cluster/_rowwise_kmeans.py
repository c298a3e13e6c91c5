# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's k-means, with the nearest centre of each row computed from that row alone."""

from sklearn.cluster import KMeans
from sklearn.utils.validation import check_is_fitted, validate_data

from ..consensus._discretise import nearest


class RowwiseKMeans(KMeans):
    """:class:`sklearn.cluster.KMeans` whose `predict` gives a row the same label whatever rows it comes with.

    The original takes distances from a matrix product, whose last bits depend on the number of rows; here a
    kernel adds up the squared differences row by row.

    Examples
    --------
    >>> from skdeepclust.cluster._rowwise_kmeans import RowwiseKMeans
    >>> print(RowwiseKMeans(2, n_init=1, random_state=0).fit([[0.0], [0.1], [5.0]]).predict([[4.0]]).shape)
    (1,)
    """

    def predict(self, X):
        """Index of the nearest centre of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_in_)

        Returns
        -------
        ndarray of shape (n_samples,), int64
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self.cluster_centers_.dtype, order="C")
        return nearest(X, self.cluster_centers_)[0]
