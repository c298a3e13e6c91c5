# SPDX-License-Identifier: BSD-3-Clause
"""Transfer cut: partition a bipartite graph of n objects and q columns through a q x q eigenproblem."""

import warnings

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from .._support._parameters import check_integer, draw_seed
from .._support._warnings import FallbackWarning
from .._support._weights import check_sample_weight
from ._discretise import discretise
from ._membership import MembershipMixin
from ._n_clusters import check_n_clusters, chosen_n_clusters, leading_vectors
from ._parts import LocalParts
from ._spectrum import CsrEmbedding, affinity_spectrum, embed_rows


def transfer_cut(
    B: ArrayLike,
    n_clusters: int,
    *,
    scale_embedding: bool = False,
    n_init: int = 3,
    max_iter: int = 100,
    random_state: int | np.random.RandomState | None = None,
) -> NDArray[np.int32]:
    """Cluster the rows of a bipartite affinity by transfer cut.

    1. ``d_X`` = row sums of B; ``E = B^T D_X^-1 B``; ``d_R`` = column sums of B.
    2. V = leading `n_clusters` solutions of ``(D_R - E) v = lambda D_R v``, the trivial one included.
    3. ``F = D_X^-1 B V``, rows scaled to unit length.
    4. k-means on the rows of F.

    Source: Li, Wu, Chang, CVPR 2012; the row normalisation follows the U-SPEC reference code.

    Parameters
    ----------
    B : array-like or CSR sparse matrix of shape (n_samples, q)
        Non-negative affinities.
    n_clusters : int or "auto"
        Number of clusters, at most n_samples; "auto" takes it from the spectrum, see :func:`eigengap_n_clusters`.
    scale_embedding : bool, default=False
        Divide eigenvector j by sqrt(mu_j), as the paper's equation does and its code does not.
    n_init : int, default=3
        Restarts of k-means.
    max_iter : int, default=100
        Iterations of k-means.
    random_state : int, RandomState or None, default=None
        Seed of k-means.

    Returns
    -------
    labels : ndarray of shape (n_samples,), int32
        Numbered by cluster size, largest first.

    Raises
    ------
    ValueError
        If B has a negative entry or no positive one, or `n_clusters` is above n_samples.

    Warns
    -----
    ClusterCollapseWarning
        If the rows separate into fewer than `n_clusters` clusters.

    Examples
    --------
    >>> from skdeepclust import transfer_cut
    >>> print(transfer_cut([[2, 1, 0], [1, 2, 0], [1, 1, 0], [0, 0, 3]], n_clusters=2, random_state=0))
    [0 0 0 1]
    """
    affinity = check_array(B, accept_sparse="csr", dtype="numeric")
    if _smallest(affinity) < 0:
        raise ValueError("B must be a non-negative affinity, but its smallest entry is below 0; shift or clip it.")
    check_n_clusters(n_clusters, affinity.shape[0])
    return _cut(_as_csr(affinity), n_clusters, scale_embedding, n_init, max_iter, draw_seed(random_state))[2]


def _cut(B, n_clusters, scale_embedding, n_init, max_iter, seed, weights=None):
    """Steps 1 to 4 on a CSR affinity; returns V, the rule, the labels and mu."""
    if not B.data.any():
        raise ValueError("The affinity has no entry above 0, so there is no graph to cut.")
    vectors, mu = affinity_spectrum(B, leading_vectors(n_clusters), scale_embedding, weights)
    n_clusters = chosen_n_clusters(n_clusters, mu, B.shape[0])
    vectors = np.ascontiguousarray(vectors[:, :n_clusters])
    rule, labels = discretise(
        LocalParts(B.indptr[:-1]),
        [B],
        CsrEmbedding(vectors),
        n_clusters,
        weights=weights,
        n_init=n_init,
        max_iter=max_iter,
        seed=seed,
    )
    return vectors, rule, labels, mu


def _smallest(B):
    values = B.data if scipy.sparse.issparse(B) else B
    return values.min() if values.size else 0


def _as_csr(B):
    """Any affinity as a CSR array of float32 or float64 with sorted column indices and no stored zeros."""
    B = scipy.sparse.csr_array(B)
    B = B.astype(np.float32 if B.dtype == np.float32 else np.float64)  # a copy, so the user's array stays as it is
    B.sum_duplicates()
    B.eliminate_zeros()
    return B


def _double(B):
    """Columns (x+, x-) in place of x: the doubling of correspondence analysis makes an affinity non-negative."""
    if scipy.sparse.issparse(B):
        return scipy.sparse.hstack([B.maximum(0), (-B).maximum(0)], format="csr")
    return np.hstack([np.maximum(B, 0), np.maximum(-B, 0)])


class TransferCut(MembershipMixin, BaseEstimator):
    """Transfer cut of a bipartite affinity, with labels for new rows.

    The graph joins n objects to q columns (representatives, clusters, words ...). Its normalised cut is found
    on the q columns alone and transferred to the objects; see :func:`transfer_cut` for the steps.

    Parameters
    ----------
    n_clusters : int or "auto", default=8
        Number of clusters; "auto" takes it from the spectrum, see :func:`eigengap_n_clusters`.
    scale_embedding : bool, default=False
        Divide eigenvector j by sqrt(mu_j), as the paper's equation does and its code does not.
    n_init : int, default=3
        Restarts of k-means.
    max_iter : int, default=100
        Iterations of k-means.
    random_state : int, RandomState or None, default=None
        Seed of k-means; an int makes results repeatable.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int32
        Labels of the training rows, numbered by cluster size, largest first; equal to ``predict(X)``.
    n_clusters_ : int
        Number of clusters found; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    column_vectors_ : ndarray of shape (q, n_clusters), float64
        Generalised eigenvectors V of the columns.
    spectrum_ : ndarray, float64
        Leading eigenvalues mu of the reduced graph, descending; a gap after the k-th speaks for k clusters.
    doubled_ : bool
        Whether negative values were seen in ``fit``. Each column was then replaced by its positive and its
        negative part, with a :class:`FallbackWarning`.
    n_iter_ : int
        Iterations of the final k-means.
    centre_rule_ : CentreRule
        Centres in the embedding and the label of each.
    n_features_in_ : int
        Number of columns q.

    See Also
    --------
    transfer_cut : The same as a function.
    EntropyWeightedConsensus : Its use on a label matrix, with weights.
    sklearn.cluster.SpectralCoclustering : Another cut of a bipartite graph, without labels for new rows.

    Examples
    --------
    >>> from skdeepclust import TransferCut
    >>> cut = TransferCut(n_clusters=2, random_state=0).fit([[2, 1, 0], [1, 2, 0], [1, 1, 0], [0, 0, 3]])
    >>> print(cut.labels_, cut.predict([[0, 1, 0]]))
    [0 0 0 1] [0]
    """

    def __init__(self, n_clusters=8, *, scale_embedding=False, n_init=3, max_iter=100, random_state=None):
        self.n_clusters = n_clusters
        self.scale_embedding = scale_embedding
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        """Cut the graph of the affinity `X`.

        Parameters
        ----------
        X : array-like or CSR sparse matrix of shape (n_samples, q)
            Affinity of every object to every column, non-negative.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, at least 0; a whole number counts a row that many times.

        Returns
        -------
        self : TransferCut
        """
        X = validate_data(self, X, accept_sparse="csr", dtype="numeric", ensure_min_samples=2)
        check_n_clusters(self.n_clusters, X.shape[0])
        weights = check_sample_weight(sample_weight, X.shape[0])
        n_init = check_integer("n_init", self.n_init, low=1)
        max_iter = check_integer("max_iter", self.max_iter, low=1)
        seed = draw_seed(self.random_state)
        self.doubled_ = bool(_smallest(X) < 0)
        if self.doubled_:
            warnings.warn(
                "X has negative affinities; every column was replaced by its positive and its negative part. "
                "Pass non-negative affinities to avoid this.",
                FallbackWarning,
                stacklevel=2,
            )
        B = _as_csr(_double(X) if self.doubled_ else X)
        self.column_vectors_, self.centre_rule_, self.labels_, self.spectrum_ = _cut(
            B, self.n_clusters, bool(self.scale_embedding), n_init, max_iter, seed, weights
        )
        self.n_clusters_ = len(self.centre_rule_.centres)
        self.n_iter_ = self.centre_rule_.n_iter
        return self

    def _embed(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype="numeric")
        if not self.doubled_ and _smallest(X) < 0:
            raise ValueError(
                "X has negative affinities, but fit saw none. Clip them at 0, or fit on data that has both signs."
            )
        return embed_rows(_as_csr(_double(X) if self.doubled_ else X), self.column_vectors_)

    def _labels_of(self, X):
        embedding = self._embed(X)
        return self.centre_rule_.labels(embedding)

    def _membership_of(self, X):
        embedding = self._embed(X)
        return self.centre_rule_.membership(embedding)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        # scikit-learn's check of sparse input asks this of everything that has predict_proba
        tags.classifier_tags = ClassifierTags(multi_class=True)
        return tags
