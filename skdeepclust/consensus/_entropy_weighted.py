# SPDX-License-Identifier: BSD-3-Clause
"""Entropy-weighted consensus of base clusterings (LWGP and LWEA)."""

import warnings
from functools import partial

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from .._support._parameters import check_choice, check_integer, check_real, draw_seed
from .._support._saving import SaveMixin
from .._support._warnings import FallbackWarning
from .._support._weights import check_sample_weight
from ._code_rules import encode_and, fit_average, fit_transfer_cut, labels_or_missing, membership_or_uniform
from ._ensemble import code_ensemble, validate_labels
from ._entropy import (
    DEFAULT_THETA,
    DEFAULT_WEIGHTING,
    WEIGHTINGS,
    balance_groups,
    cross_group_entropy,
    debiased_entropy,
    entropy_table,
    index_from_entropy,
)
from ._n_clusters import AUTO, check_n_clusters
from ._parts import LocalParts, map_rows
from ._running import start_running

METHODS = ("transfer_cut", "diffusion", "average")


def _has_partial_fit(estimator):
    if estimator.method == "average":
        raise AttributeError(
            "method='average' needs all rows at once: it has no partial_fit, method='transfer_cut' has."
        )
    return True


class EntropyWeightedConsensus(
    SaveMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    """Combine base clusterings into one, trusting clusters that the other clusterings confirm.

    Every cluster i gets the weight ``ECI_i = exp(-H_i / theta)``, H_i its mean entropy over the M clusterings
    (:func:`ensemble_cluster_index`). Then either

    * ``method="transfer_cut"`` (LWGP): the graph that joins each object to its M clusters, edges weighted by
      ECI, is partitioned by transfer cut (:func:`transfer_cut`). Linear in the number of objects;
    * ``method="diffusion"``: the same graph, cut in its diffusion map, 2 k eigenvectors scaled by mu^10 (Coifman
      and Lafon, "Diffusion maps", 2006) instead of k unscaled ones. When a small, clean piece of a cluster has
      an eigenvalue next to that of two true clusters, the first k eigenvectors see only one of them; here both
      count by how long a random walk stays inside them;
    * ``method="average"`` (LWEA): average linkage on the weighted co-association matrix, the mean weight of
      shared clusters. Quadratic in the number of *distinct* rows of the label matrix.

    Source: Huang, Wang, Lai, "Locally Weighted Ensemble Clustering", IEEE Transactions on Cybernetics 48(5),
    2018, equations 7 to 10 and 24, definition 8.

    Parameters
    ----------
    n_clusters : int or "auto", default=8
        Number of clusters; "auto" takes it from the spectrum, see :func:`eigengap_n_clusters`.
    method : {"transfer_cut", "diffusion", "average"}, default="transfer_cut"
        Consensus function.
    theta : float or None, default=1.0
        How sharply weights fall with entropy; 0.2 to 1 is the sensible range. LWGP publishes 0.4, MDEC 1. None
        means equal weights.
    weighting : {"paper", "debiased", "cross_group"}, default="paper"
        Which entropy makes the weights: as published; divided by its upper bound, so that small clusters have no
        advantage; or over clusterings of other groups only.
    groups : array-like of shape (n_clusterings,) or None, default=None
        Group (layer, feature block, source) of each base clustering; `BaseClusterings.groups_` fits.
    balance_groups : bool, default=False
        Scale the weights so that each group has the same total: one vote per group. Needs `groups`.
    n_init : int, default=10
        Restarts of the final k-means.
    max_iter : int, default=100
        Iterations of the final k-means.
    random_state : int, RandomState or None, default=None
        Seed of the final k-means; an int makes results repeatable.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int32
        Consensus labels, numbered by cluster size, largest first; -1 for a row whose base labels are all
        missing. Equal to ``predict(base_labels)``.
    n_clusters_ : int
        Number of clusters found; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    cluster_entropy_ : ndarray of shape (q,), float64
        Entropy of every base cluster over all clusterings, in bits: column by column, within a column by
        ascending label.
    cluster_weights_ : ndarray of shape (q,), float64
        Weight of every base cluster, in the same order.
    spectrum_ : ndarray, float64
        Leading eigenvalues of the reduced graph, descending (not for ``method="average"``); a gap after the
        k-th speaks for k clusters.
    n_iter_ : int
        Iterations of the final k-means; 1 for ``method="average"``.
    label_coder_ : LabelCoder
        The labels seen in each column.
    running_ : RunningEnsemble
        What ``partial_fit`` keeps of the rows seen; ``running_.n_seen`` is their number.
    rule_ : TransferCutRule or AverageRule
        What labels new rows.
    n_features_in_ : int
        Number of base clusterings.

    See Also
    --------
    BaseClusterings : Makes a label matrix from features.
    ensemble_cluster_index : The weights alone.
    stability_curve : Compares numbers of clusters on the same label matrix.

    Notes
    -----
    A label that ``fit`` has not seen counts as missing in ``predict``.

    Examples
    --------
    >>> from skdeepclust import EntropyWeightedConsensus
    >>> votes = [[0, 0, 1], [0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 1, 0]]
    >>> consensus = EntropyWeightedConsensus(n_clusters=2, random_state=0).fit(votes)
    >>> print(consensus.labels_, consensus.predict([[0, -1, 1]]))
    [0 0 0 1 1] [0]
    """

    def __init__(
        self,
        n_clusters=8,
        *,
        method="transfer_cut",
        theta=DEFAULT_THETA,
        weighting=DEFAULT_WEIGHTING,
        groups=None,
        balance_groups=False,
        n_init=10,
        max_iter=100,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.method = method
        self.theta = theta
        self.weighting = weighting
        self.groups = groups
        self.balance_groups = balance_groups
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        """Combine the base clusterings.

        Parameters
        ----------
        X : array-like or dask.array.Array of shape (n_samples, n_clusterings)
            Label matrix; any whole numbers, -1 = missing. A column of non-whole numbers is cut into at most 10
            quantile bins, with a :class:`FallbackWarning`. A dask array is worked on chunk by chunk.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, at least 0; a whole number counts a row that many times.

        Returns
        -------
        self : EntropyWeightedConsensus
        """
        X = validate_labels(self, X, reset=True)
        groups = self.check_parameters(*X.shape)
        weights = check_sample_weight(sample_weight, len(X))
        seed = draw_seed(self.random_state)
        vars(self).pop("running_", None)

        ensemble = code_ensemble(X, weights)
        self.label_coder_, sizes = ensemble.coder, ensemble.coder.sizes
        _warn_single_clustering(sizes, self.n_clusters)
        overlap = ensemble.overlap()
        self.cluster_entropy_, self.cluster_weights_ = self._weigh(overlap, sizes, groups)
        ensemble.leave_out_unlabelled(self.n_clusters)
        self.rule_, labels, self.spectrum_ = self._cut(ensemble, overlap, seed)
        self.labels_ = ensemble.with_unlabelled(labels)
        self.n_clusters_ = self.rule_.n_clusters
        self.n_iter_ = self.rule_.n_iter
        return self

    @available_if(_has_partial_fit)
    def partial_fit(self, X, y=None):
        """Take in another block of rows from the same base clusterings, and refresh the consensus.

        What is kept does not grow with the number of rows: the overlaps of all clusters, and the labels of a random
        sample of 20,000 rows. Up to that many rows the consensus is that of :meth:`fit` on all of them. Beyond, the
        final k-means sees the sample only; and with `theta`, the degrees of the objects in the graph, which depend on
        the weights, are replaced by their means over clusters. After :meth:`fit` it starts anew.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_clusterings)
            Label matrix of the block; -1 = missing. Labels not seen before are new clusters.
        y : None
            Ignored.

        Returns
        -------
        self : EntropyWeightedConsensus
            ``labels_`` are those of this block; ``predict`` labels any rows by the refreshed consensus.
        """
        started = hasattr(self, "running_")
        X = validate_data(self, X, reset=not started, dtype="numeric", ensure_min_samples=1 if started else 2)
        running = self.running_ if started else start_running(X)
        self.check_parameters(running.n_seen + len(X), X.shape[1])
        seed = draw_seed(self.random_state) if not started else self.running_seed_
        running = running.add(X, seed)
        groups = self.check_parameters(running.n_labelled, X.shape[1])
        _warn_single_clustering(running.coder.sizes, self.n_clusters)

        self.label_coder_, sizes = running.coder, running.coder.sizes
        self.cluster_entropy_, self.cluster_weights_ = self._weigh(running.overlap, sizes, groups)
        self.rule_, _, self.spectrum_ = fit_transfer_cut(
            LocalParts(running.sample.T),
            [running.sample],
            sizes,
            self.cluster_weights_,
            self.n_clusters,
            graph=running.graph(self.cluster_weights_),
            diffuse=self.method == "diffusion",
            n_init=self.n_init,
            max_iter=self.max_iter,
            seed=seed,
        )
        self.running_, self.running_seed_ = running, seed
        self.n_clusters_, self.n_iter_ = self.rule_.n_clusters, self.rule_.n_iter
        self.labels_ = labels_or_missing(self.rule_, running.coder.encode(X), sizes)
        return self

    def _cut(self, ensemble, overlap, seed):
        """Consensus of the coded ensemble: rule, labels and spectrum (None for the tree)."""
        sizes, weights = ensemble.coder.sizes, self.cluster_weights_
        if self.method == "average":
            return *fit_average(*ensemble.gathered(), sizes, weights, self.n_clusters), None
        return fit_transfer_cut(
            ensemble.parts,
            ensemble.codes,
            sizes,
            weights,
            self.n_clusters,
            graph=ensemble.equal_weight_graph(overlap, weights),
            multiplicity=ensemble.multiplicity,
            diffuse=self.method == "diffusion",
            n_init=self.n_init,
            max_iter=self.max_iter,
            seed=seed,
        )

    def check_parameters(self, n_samples, n_clusterings):
        """Check all parameters but `random_state`, before the label matrix itself is there.

        Parameters
        ----------
        n_samples, n_clusterings : int
            Shape of the label matrix that `fit` will get.

        Returns
        -------
        groups : ndarray of shape (n_clusterings,) or None
            `groups` as an array.
        """
        check_n_clusters(self.n_clusters, n_samples)
        check_choice("method", self.method, METHODS)
        if self.n_clusters == AUTO and self.method == "average":
            raise ValueError(
                "n_clusters='auto' reads the number off a spectrum, which method='average' does not have; use "
                "method='transfer_cut', or give a number."
            )
        check_integer("n_init", self.n_init, low=1)
        check_integer("max_iter", self.max_iter, low=1)
        return self._check_weighting(n_clusterings)

    def _check_weighting(self, n_clusterings):
        """Check theta, weighting, groups and balance_groups; return groups as an array or None."""
        if self.theta is not None:
            check_real("theta", self.theta, low=0, closed_low=False, hint="None means equal weights.")
        check_choice("weighting", self.weighting, WEIGHTINGS)
        check_choice("balance_groups", self.balance_groups, (False, True))
        if self.groups is None:
            if self.weighting == "cross_group" or self.balance_groups:
                reason = "balance_groups=True" if self.balance_groups else "weighting='cross_group'"
                raise ValueError(
                    f"{reason} needs groups, the group of each of the {n_clusterings} base clusterings; got None. "
                    "Pass groups=BaseClusterings(...).groups_ or your own."
                )
            return None
        groups = np.asarray(self.groups)
        if groups.shape != (n_clusterings,):
            raise ValueError(
                f"groups must have one entry for each of the {n_clusterings} base clusterings; got shape "
                f"{groups.shape}."
            )
        if self.weighting == "cross_group" and len(np.unique(groups)) < 2:
            raise ValueError(
                "weighting='cross_group' needs at least two different groups; got one. Use weighting='paper' instead."
            )
        return groups

    def _weigh(self, overlap, sizes, groups):
        """Entropy and weight of every cluster."""
        own = np.repeat(np.arange(len(sizes)), sizes)
        table = entropy_table(overlap, sizes)
        if self.theta is None:
            weights = np.ones(len(own))
        else:
            if self.weighting == "cross_group":
                mean = cross_group_entropy(table, own, groups)
            elif self.weighting == "debiased":
                mean = debiased_entropy(table, overlap, sizes)
            else:
                mean = table.sum(axis=1) / len(sizes)
            # Only ratios of weights matter: the largest is lifted where a tiny theta would make all of them 0.
            weights = index_from_entropy(mean, float(self.theta))
            if weights.max() < 1e-100:
                weights = index_from_entropy(mean - mean.min(), float(self.theta))
        if self.balance_groups:
            weights = balance_groups(weights, np.diagonal(overlap), own, groups)
        return table.sum(axis=1), weights

    def _on_codes(self, X, function, dtype, n_columns=None):
        """``function(codes)`` of new rows; lazily for a dask array."""
        check_is_fitted(self)
        X = validate_labels(self, X, reset=False)
        return map_rows(X, partial(encode_and, coder=self.label_coder_, function=function), dtype, n_columns)

    def predict(self, X):
        """Consensus label of each row of base labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_clusterings)
            Base labels from the clusterers that made the label matrix of ``fit``.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int32
            -1 where no base label is known.
        """
        check_is_fitted(self)
        rule = partial(labels_or_missing, self.rule_, sizes=self.label_coder_.sizes)
        return self._on_codes(X, rule, np.int32)

    def predict_proba(self, X):
        """Membership of each row in each cluster.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_clusterings)
            Base labels.

        Returns
        -------
        membership : ndarray of shape (n_samples, n_clusters_), float64
            Rows sum to 1; the largest entry of a row is at its label; 1 / n_clusters_ where no label is known.
        """
        check_is_fitted(self)
        rule = partial(membership_or_uniform, self.rule_, sizes=self.label_coder_.sizes)
        return self._on_codes(X, rule, np.float64, self.n_clusters_)

    def transform(self, X):
        """Membership, the same as :meth:`predict_proba`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_clusterings)
            Base labels.

        Returns
        -------
        membership : ndarray of shape (n_samples, n_clusters_), float64
        """
        return self.predict_proba(X)

    def score(self, X, y=None):
        """Agreement of the consensus with the base clusterings, see :func:`skdeepclust.metrics.ensemble_agreement`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_clusterings)
            Base labels.
        y : None
            Ignored.

        Returns
        -------
        score : float
        """
        from ..metrics import ensemble_agreement

        check_is_fitted(self)
        sizes = self.label_coder_.sizes
        codes = self.label_coder_.encode(np.asarray(validate_labels(self, X, reset=False)))
        labels = labels_or_missing(self.rule_, codes, sizes)
        return ensemble_agreement(labels, np.where(codes == sizes[:, None], -1, codes.astype(np.int64)).T)

    @property
    def _n_features_out(self):
        return self.n_clusters_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # float64 whatever the input
        return tags


def _warn_single_clustering(sizes, n_clusters):
    if len(sizes) == 1 and n_clusters not in (AUTO, sizes[0]):
        warnings.warn(
            f"base_labels has one clustering with {sizes[0]} clusters, which says nothing about how to make "
            f"n_clusters={n_clusters} of them; clusters were merged or kept arbitrarily. Pass more base clusterings.",
            FallbackWarning,
            stacklevel=3,
        )
