# SPDX-License-Identifier: BSD-3-Clause
"""Clustering accuracy: the best one-to-one naming of clusters by classes."""

import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import make_scorer

from ._labels import contingency, label_codes


def clustering_accuracy(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> float:
    r"""Share of samples whose cluster carries their class, under the best one-to-one naming of clusters.

    .. math:: \mathrm{ACC} = \frac{1}{n} \max_{\pi} \sum_i \mathbb{1}[y_i = \pi(\hat y_i)]

    where :math:`\pi` gives every cluster at most one class and every class at most one cluster (the Hungarian
    method on the contingency table). With more clusters than classes the clusters left over count as wrong, as
    do classes without a cluster; nothing is merged.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes; integers, strings or any other sortable values.
    y_pred : array-like of shape (n_samples,)
        Cluster labels; their values and their number need not be those of `y_true`.

    Returns
    -------
    float
        Between 0 (excluded) and 1.

    See Also
    --------
    clustering_accuracy_scorer : The same as a scorer for ``GridSearchCV`` and ``cross_val_score``.

    Examples
    --------
    >>> from skdeepclust.metrics import clustering_accuracy
    >>> clustering_accuracy(["cat", "cat", "dog", "dog"], [1, 1, 0, 0])
    1.0
    >>> clustering_accuracy([0, 0, 0, 1, 1], [0, 0, 2, 1, -1])  # the clusters 2 and -1 have no class left
    0.6
    """
    classes, clusters = label_codes("y_true", y_true), label_codes("y_pred", y_pred)
    if len(classes) != len(clusters):
        raise ValueError(
            f"y_true and y_pred must have one label per sample each; got {len(classes)} and {len(clusters)} labels."
        )
    counts = contingency(classes, clusters)
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(classes))


clustering_accuracy_scorer = make_scorer(clustering_accuracy)
