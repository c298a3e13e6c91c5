# SPDX-License-Identifier: BSD-3-Clause
"""Entropy of clusters over an ensemble, and the weights made from it.

Source: D. Huang, C.-D. Wang, J.-H. Lai, "Locally Weighted Ensemble Clustering", IEEE Transactions on
Cybernetics 48(5), 2018, equations 7 to 10. Logarithms are to base 2 and the divisor is the number of
clusterings M, as in the paper; ``theta`` is tied to both.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from sklearn.utils import check_array

from .._support._parameters import check_real
from ._graph import cluster_overlap
from ._labels import code_labels

PAPER_THETA = 0.4
DEFAULT_THETA = 1.0  # benchmarks/quality/weights.py compares
DEFAULT_WEIGHTING = "paper"
WEIGHTINGS = ("paper", "cross_group", "debiased")


def entropy_table(overlap: NDArray, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Entropy of every cluster over every clustering, shape (q, M).

    ``T[i, m] = -sum_j P_ij log2 P_ij`` over the clusters j of clustering m, where P_ij is the share of cluster
    i's objects that lie in j, among those of its objects that have a label in m.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    labelled = np.add.reduceat(overlap, starts, axis=1).astype(np.float64)
    labelled = np.repeat(labelled, sizes, axis=1)
    share = np.divide(overlap, labelled, out=np.zeros_like(labelled), where=labelled > 0)
    entropy = -np.add.reduceat(xlogy(share, share), starts, axis=1) / np.log(2.0)
    return entropy + 0.0  # turns -0.0 into 0.0


def index_from_entropy(mean_entropy: NDArray[np.float64], theta: float) -> NDArray[np.float64]:
    """Ensemble-driven cluster index ``ECI = exp(-mean_entropy / theta)``, in (0, 1]; equation 10."""
    return np.exp(-mean_entropy / theta)


def cross_group_entropy(table: NDArray[np.float64], own: NDArray, groups: NDArray) -> NDArray[np.float64]:
    """Mean entropy of each cluster over the clusterings of *other* groups only, shape (q,).

    Clusterings made from one layer resemble each other for reasons that have nothing to do with the data;
    here they cannot vouch for one another.

    Parameters
    ----------
    table : ndarray of shape (q, M)
        From :func:`entropy_table`.
    own : ndarray of shape (q,)
        Clustering of each cluster.
    groups : ndarray of shape (M,)
        Group of each clustering; at least two groups.
    """
    other = groups[own][:, None] != groups[None, :]
    return (table * other).sum(axis=1) / other.sum(axis=1)


def debiased_entropy(table: NDArray[np.float64], overlap: NDArray, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean over the clusterings of entropy / its upper bound min(log2 n_im, log2 k_m), in [0, 1], shape (q,).

    A cluster of n objects cannot have an entropy above log2 n, so that small clusters look pure; dividing by
    the bound takes this advantage away. n_im is the number of objects of cluster i with a label in m. A bound
    of 0 leaves an entropy of 0.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    labelled = np.add.reduceat(overlap, starts, axis=1)
    bound = np.log2(np.maximum(np.minimum(labelled, sizes), 1).astype(np.float64))
    return np.divide(table, bound, out=np.zeros_like(table), where=bound > 0).mean(axis=1)


def balance_groups(
    weights: NDArray[np.float64], cluster_sizes: NDArray, own: NDArray, groups: NDArray
) -> NDArray[np.float64]:
    """Scale the weights so that every group of clusterings has the same total, shape (q,); one vote per group.

    The total of a group is the sum of w_i n_i over its clusters (its share of the edge weight of the graph).
    The total over all groups stays as it was.
    """
    names, member = np.unique(groups[own], return_inverse=True)
    total = np.bincount(member, weights=weights * cluster_sizes)
    factor = np.divide(total.sum() / len(names), total, out=np.ones_like(total), where=total > 0)
    return weights * factor[member]


def cluster_entropy(base_labels: ArrayLike) -> NDArray[np.float64]:
    """Entropy of every cluster of an ensemble with regard to all its clusterings.

    ``Hent_i = -sum_j P_ij log2 P_ij``, P_ij = share of the objects of cluster i that lie in cluster j, summed
    over the clusters j of all M clusterings (equations 7 and 8).

    Parameters
    ----------
    base_labels : array-like of shape (n_samples, n_clusterings)
        Label matrix, one column per base clustering; -1 = missing. Over a clustering only the objects that it
        labels count.

    Returns
    -------
    entropy : ndarray of shape (q,), float64
        One value per cluster: column by column, within a column by ascending label. In bits, 0 = every
        clustering agrees with the cluster.

    Raises
    ------
    ValueError
        If no column has two clusters.

    Examples
    --------
    >>> from skdeepclust import cluster_entropy
    >>> print(cluster_entropy([[0, 0], [0, 0], [1, 0], [1, 1]]))
    [0.         1.         0.91829583 0.        ]
    """
    coder, codes = code_labels(check_array(base_labels, dtype="numeric"))
    return entropy_table(cluster_overlap(codes, coder.sizes), coder.sizes).sum(axis=1)


def ensemble_cluster_index(base_labels: ArrayLike, theta: float = PAPER_THETA) -> NDArray[np.float64]:
    """Reliability weight of every cluster, ``ECI_i = exp(-Hent_i / (theta * M))`` (equation 10).

    Parameters
    ----------
    base_labels : array-like of shape (n_samples, n_clusterings)
        Label matrix, see :func:`cluster_entropy`.
    theta : float, default=0.4
        How sharply weights fall with entropy; 0.2 to 1 is the sensible range.

    Returns
    -------
    eci : ndarray of shape (q,), float64
        In (0, 1], in the order of :func:`cluster_entropy`.

    Raises
    ------
    ValueError
        If `theta` is not positive, or no column has two clusters.

    Examples
    --------
    >>> from skdeepclust import ensemble_cluster_index
    >>> print(ensemble_cluster_index([[0, 0], [0, 0], [1, 0], [1, 1]], theta=0.5))
    [1.         0.36787944 0.39919876 1.        ]
    """
    theta = check_real("theta", theta, low=0, closed_low=False)
    labels = check_array(base_labels, dtype="numeric")
    return index_from_entropy(cluster_entropy(labels) / labels.shape[1], theta)
