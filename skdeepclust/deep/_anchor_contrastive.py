# SPDX-License-Identifier: BSD-3-Clause
"""Anchor-loss contrastive clustering: centres among the embeddings, and views that are held to the plain image."""

import warnings
from dataclasses import asdict

from .._support._images import validate_rows
from .._support._parameters import check_choice, check_real
from .._support._warnings import ClusterCollapseWarning
from ..encoders import ContrastiveEncoder
from ..nn.anchor_network import KMEANS, LAYERS, AnchorNetwork
from ..nn.anchor_training import AnchorRecipe, AnchorTraining
from ..nn.inference import extract_layers
from ._first_centers import consensus_centers, kmeans_centers
from ._head_reading import HeadClustererMixin, labels_by_size

_INITIALIZERS = {"kmeans": kmeans_centers, "consensus": consensus_centers}
_READINGS = {"head": "cluster", "kmeans": KMEANS}  # layer that holds the log-memberships


class AnchorContrastiveClustering(HeadClustererMixin, ContrastiveEncoder):
    """Cluster with centres among the embeddings of a contrastive network, all views held to the plain one.

    Anchor-loss contrastive clustering [1]_. A backbone h and an instance head g are trained without labels, first by
    contrast alone. Then K centres mu are placed among the unit embeddings, every sample gets a soft
    assignment by Student's t ::

        c_ik = (1 + ||h_i / |h_i| - mu_k||^2 / s)^(-p) / (row sum)

    and backbone, head and centres are trained together on three views of each sample: x as it is, an augmentation x1,
    and an augmentation x2 of one of its mutual nearest neighbours. With c = c(x), p1 = c(x1) and p2 = c(x2)::

        L   = L_I + w_C L_C + w_A L_A + w_B (log K - entropy of the mean assignment)
        L_I = NT-Xent( g(x1), g(x2); temperature )
        L_C = mean_i KL( t_i || c_i ),       t_ik = (c_ik^2 / f_k) / (row sum),   f_k = sum_i c_ik
        L_A = mean_i [ KL( c_i || p1_i ) + KL( c_i || p2_i ) ]

    The targets t and the anchors c in L_A are constants: L_C sharpens what the plain views say, L_A teaches the
    augmented ones to say the same.

    Parameters
    ----------
    n_clusters : int, default=10
        Number K of centres, >= 1.
    image_shape : tuple (h, w) or (h, w, c), default=None
        As in :class:`~skdeepclust.ContrastiveEncoder`.
    pretraining : float, default=0.5
        Share of the training that is contrastive only, between 0 and 1. At 0 the first centres are those of a random
        network, as in the published code; at 1 they stay where they are found.
    initializer : {"kmeans", "consensus"}, default="kmeans"
        How the first centres are found: by k-means with ten starts, or as the means of the clusters that an ensemble
        finds, made as that of :class:`~skdeepclust.DeepClusterEnsemble`. Which is better depends on the data.
    cluster_weight : float, default=1.0
        w_C, >= 0. Rises from 0 over the first fifth of the joint training, as does `anchor_weight`.
    anchor_weight : float, default=1.0
        w_A, >= 0.
    balance_weight : float, default=1.0
        w_B, >= 0.
    target : {"global", "batch"}, default="global"
        Over which samples the cluster sizes f are summed: "global", over as many batches as an epoch has; "batch",
        over the samples of a step, as published, which is noisy unless a batch is much larger than K.
    centers_learning_rate : float, default=1e-2
        Peak rate of the centres, on the same course as `learning_rate`; 0 keeps them where they are found.
    labels_from : {"head", "kmeans"}, default="head"
        Which reading of the trained network the labels are: the largest assignment, or a new k-means of the
        embeddings. Both are there after `fit`.
    layers : tuple of str, default=("backbone", "instance", "cluster")
        The layers that `transform` returns, side by side: "backbone", "instance_hidden", "instance" (before
        normalisation), "cluster" (log c).
    backbone, augmentation, n_neighbors, neighbors_from, max_epochs, max_time, batch_size, micro_batch_size, \
learning_rate, weight_decay, temperature, projection_dim, device, precision, checkpoint_dir, checkpoint_every, \
random_state, verbose : see ContrastiveEncoder
        As in :class:`~skdeepclust.ContrastiveEncoder`. A step of the joint training has three views per sample.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int32
        Labels by cluster size, largest first; equal to ``predict(X)``.
    probabilities_ : ndarray of shape (n_samples,), float64
        Largest membership of each row: ``predict_proba(X).max(axis=1)``, without running the network again.
    head_labels_ : ndarray of shape (n_samples,), int32
        The reading "head".
    kmeans_labels_ : ndarray of shape (n_samples,), int32
        The reading "kmeans".
    n_clusters_ : int
        Clusters in use; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    heads_ : ndarray of int
        Which centre each label stands for.
    reading_ : str
        Layer of the network that `predict` reads: "cluster" or "kmeans".
    network_ : AnchorNetwork
        The trained network.
    layer_sizes_ : tuple of int
        Widths of `layers`.
    score_groups_ : tuple of int
        Where "cluster" stands in `layers`.
    history_ : list of dict
        One record per epoch: "epoch", "loss" and its terms, each with its weight: "instance_loss", "cluster_loss",
        "anchor_loss", "balance"; "samples_per_second", "seconds".
    n_iter_ : int
        Epochs trained.
    was_interrupted_ : bool
        Whether Ctrl-C ended the training.
    image_shape_ : tuple (h, w, c) or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when `X` has string column names.

    Raises
    ------
    ValueError, TypeError
        Before training starts.
    FloatingPointError
        If the loss stops being finite.

    Warns
    -----
    ClusterCollapseWarning
        If clusters of the chosen reading are empty, or ``initializer="consensus"`` finds fewer than `n_clusters` and
        k-means takes its place.
    WeakRecipeWarning, TrainingInterruptedWarning
        As ContrastiveEncoder does.

    See Also
    --------
    ContrastiveClustering : A softmax head in place of the centres, one phase.
    DeepClusterEnsemble : Takes this as its `encoder`.

    Notes
    -----
    In the publication s = p = 1 on embeddings of any length. Here s is the median squared distance from a centre when
    the centres are placed, and p the least power >= 1 that gives a mean largest assignment of 0.5.

    Ctrl-C ends the training as in ContrastiveEncoder; before the joint phase it leaves the first centres.

    References
    ----------
    .. [1] Sundareswaran et al., "Cluster Analysis with Deep Embeddings and Contrastive Learning", 2021
       (arXiv 2109.12714).
    .. [2] Xie et al., "Unsupervised Deep Embedding for Clustering Analysis", ICML 2016: c, t and L_C.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import AnchorContrastiveClustering
    >>> images = load_digits().images[:200]
    >>> model = AnchorContrastiveClustering(n_clusters=10, max_epochs=10, batch_size=50, random_state=0).fit(images)
    >>> model.predict_proba(images).shape == (200, model.n_clusters_)
    True
    >>> model.transform(images).shape, model.layer_sizes_
    ((200, 394), (256, 128, 10))
    """

    _layers_known = LAYERS
    _identity = (*ContrastiveEncoder._identity, "initializer")

    def __init__(
        self,
        n_clusters=10,
        *,
        image_shape=None,
        pretraining=0.5,
        initializer="kmeans",
        cluster_weight=1.0,
        anchor_weight=1.0,
        balance_weight=1.0,
        target="global",
        centers_learning_rate=1e-2,
        labels_from="head",
        layers=("backbone", "instance", "cluster"),
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
        super().__init__(
            n_clusters,
            image_shape=image_shape,
            layers=layers,
            backbone=backbone,
            augmentation=augmentation,
            n_neighbors=n_neighbors,
            neighbors_from=neighbors_from,
            max_epochs=max_epochs,
            max_time=max_time,
            batch_size=batch_size,
            micro_batch_size=micro_batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            temperature=temperature,
            projection_dim=projection_dim,
            device=device,
            precision=precision,
            checkpoint_dir=checkpoint_dir,
            checkpoint_every=checkpoint_every,
            random_state=random_state,
            verbose=verbose,
        )
        self.pretraining = pretraining
        self.initializer = initializer
        self.cluster_weight = cluster_weight
        self.anchor_weight = anchor_weight
        self.balance_weight = balance_weight
        self.target = target
        self.centers_learning_rate = centers_learning_rate
        self.labels_from = labels_from

    def _label(self, X):
        rows, _ = validate_rows(self, X, None, reset=False)
        log_c = extract_layers(self.network_, self.reader_, rows, tuple(_READINGS.values()))
        head = self.head_labels_, *_ = labels_by_size(log_c[:, : self.n_clusters])
        kmeans = self.kmeans_labels_, *_ = labels_by_size(log_c[:, self.n_clusters :])
        self.reading_ = _READINGS[self.labels_from]
        self.labels_, self.probabilities_, self.heads_ = head if self.labels_from == "head" else kmeans
        self.n_clusters_ = len(self.heads_)
        if self.n_clusters_ < self.n_clusters:
            warnings.warn(
                f"{self.n_clusters_} of the {self.n_clusters} clusters asked for are in use. Train longer "
                "(max_epochs), raise balance_weight, change augmentation, or use the other reading (labels_from).",
                ClusterCollapseWarning,
                stacklevel=4,
            )
        return self

    def _recipe(self, n, image_shape):
        check_choice("labels_from", self.labels_from, tuple(_READINGS))
        check_choice("initializer", self.initializer, tuple(_INITIALIZERS))
        return AnchorRecipe(
            **asdict(super()._recipe(n, image_shape)),
            pretraining=check_real("pretraining", self.pretraining, low=0, high=1),
            cluster_weight=check_real("cluster_weight", self.cluster_weight, low=0),
            anchor_weight=check_real("anchor_weight", self.anchor_weight, low=0),
            balance_weight=check_real("balance_weight", self.balance_weight, low=0),
            target=check_choice("target", self.target, ("global", "batch")),
            centers_learning_rate=check_real("centers_learning_rate", self.centers_learning_rate, low=0),
        )

    def _build_heads(self, backbone, width):
        return AnchorNetwork(backbone, width, self.n_clusters, self.projection_dim)

    def _build_training(self, network, reader, X, augment, recipe, seed, ranks):
        return AnchorTraining(
            network, reader, X, augment, recipe, seed, _INITIALIZERS[self.initializer], kmeans_centers, ranks
        )
