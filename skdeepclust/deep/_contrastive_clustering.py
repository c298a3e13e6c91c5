# SPDX-License-Identifier: BSD-3-Clause
"""Contrastive Clustering: the labels of the cluster head alone."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._support._callbacks import CALLBACK_ATTRIBUTES, CallbackSupportMixin
from .._support._images import validate_rows
from .._support._saving import SaveMixin
from .._support._warnings import ClusterCollapseWarning
from ..encoders import ContrastiveEncoder
from ._head_reading import labels_by_size, memberships


class ContrastiveClustering(
    SaveMixin, CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    """Cluster with the softmax head of a contrastive network.

    The baseline that :class:`DeepClusterEnsemble` is measured against: the same network and training, but the
    label of a row is the largest output of the cluster head. Source: Li et al., "Contrastive Clustering",
    AAAI 2021 (arXiv 2009.09687). ``n_neighbors=0`` and ``augmentation`` as in the paper give its views.

    Parameters
    ----------
    n_clusters : int, default=10
        Outputs of the cluster head, >= 1.
    image_shape, backbone, augmentation, n_neighbors, neighbors_from, max_epochs, max_time, batch_size, \
micro_batch_size, learning_rate, weight_decay, temperature, projection_dim, device, precision, \
checkpoint_dir, checkpoint_every, random_state, verbose : see ContrastiveEncoder
        As in :class:`~skdeepclust.ContrastiveEncoder`.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int32
        Labels by cluster size, largest first; equal to ``predict(X)``.
    probabilities_ : ndarray of shape (n_samples,), float64
        Largest membership of each row: ``predict_proba(X).max(axis=1)``, without running the network again.
    n_clusters_ : int
        Clusters in use; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    encoder_ : ContrastiveEncoder
        The trained network.
    history_ : list of dict
        One record per epoch.
    n_iter_ : int
        Epochs trained.
    image_shape_ : tuple (h, w, c) or None
    n_features_in_ : int

    Raises
    ------
    ValueError, TypeError
        Before training starts.

    See Also
    --------
    DeepClusterEnsemble : A consensus of many clusterings of the layers below the head.
    AnchorContrastiveClustering : Centres among the embeddings in place of the head.
    ContrastiveEncoder : The network alone, as a transformer.

    Notes
    -----
    Callbacks set with ``set_callbacks`` watch the training of the encoder, which is the `estimator` that they get.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import ContrastiveClustering
    >>> images = load_digits().images[:200]
    >>> model = ContrastiveClustering(n_clusters=10, max_epochs=20, batch_size=50, random_state=0).fit(images)
    >>> model.predict_proba(images).shape == (200, model.n_clusters_)
    True
    """

    def __init__(
        self,
        n_clusters=10,
        *,
        image_shape=None,
        backbone="auto",
        augmentation="auto",
        n_neighbors="auto",
        neighbors_from="auto",
        max_epochs="auto",
        max_time=None,
        batch_size=256,
        micro_batch_size=None,
        learning_rate=1e-3,
        weight_decay=1e-4,
        temperature=0.5,
        projection_dim=128,
        device=None,
        precision="auto",
        checkpoint_dir=None,
        checkpoint_every=120,
        random_state=None,
        verbose=0,
    ):
        self.n_clusters = n_clusters
        self.image_shape = image_shape
        self.backbone = backbone
        self.augmentation = augmentation
        self.n_neighbors = n_neighbors
        self.neighbors_from = neighbors_from
        self.max_epochs = max_epochs
        self.max_time = max_time
        self.batch_size = batch_size
        self.micro_batch_size = micro_batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.temperature = temperature
        self.projection_dim = projection_dim
        self.device = device
        self.precision = precision
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Train the network and label `X`.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Table or images.
        y : Ignored
            Present by convention.

        Returns
        -------
        self : ContrastiveClustering
        """
        rows, self.image_shape_ = validate_rows(self, X, self.image_shape, reset=True)
        parameters = {**self.get_params(deep=False), "image_shape": self.image_shape_}
        self.encoder_ = ContrastiveEncoder(**parameters, layers=("cluster",)).set_output(transform="default")
        # Training is all there is to watch: the encoder stands in this estimator's place for its callbacks.
        callbacks = {name: vars(self)[name] for name in CALLBACK_ATTRIBUTES if name in vars(self)}
        vars(self.encoder_).update(callbacks)
        try:
            self.encoder_.fit(rows)
        finally:
            for name in callbacks:
                delattr(self.encoder_, name)
        self.history_ = self.encoder_.history_
        self.n_iter_ = self.encoder_.n_iter_
        self.labels_, self.probabilities_, self.heads_ = labels_by_size(self.encoder_.transform(rows))
        self.n_clusters_ = len(self.heads_)
        if self.n_clusters_ < self.n_clusters:
            warnings.warn(
                f"the cluster head uses {self.n_clusters_} of the {self.n_clusters} clusters asked for. Train longer "
                "(max_epochs), change augmentation, or use DeepClusterEnsemble, which does not rely on the head.",
                ClusterCollapseWarning,
                stacklevel=2,
            )
        return self

    def predict(self, X):
        """Label rows by the largest output of the cluster head.

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
        """Softmax of the cluster head over the clusters in use.

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
        return memberships(self.encoder_.transform(rows), self.heads_)

    def transform(self, X):
        """Membership of the rows in the clusters: :meth:`predict_proba`.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Rows like those seen in `fit`.

        Returns
        -------
        ndarray of shape (n, n_clusters_), float64
        """
        return self.predict_proba(X)

    @property
    def _n_features_out(self):
        return self.n_clusters_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags
