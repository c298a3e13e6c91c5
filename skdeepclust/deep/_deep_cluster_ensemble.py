# SPDX-License-Identifier: BSD-3-Clause
"""DeepCluE end to end: a trained network, base clusterings of its layers, their weighted consensus."""

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted, check_memory

from .._support._images import check_enough_rows, validate_rows
from .._support._parameters import check_integer, draw_seed
from ..cluster import BaseClusterings
from ..consensus import EntropyWeightedConsensus
from ..consensus._membership import ConsensusMixin
from ..encoders import ContrastiveEncoder
from ..encoders._contrastive import check_layers

_ENCODER_PARAMETERS = (
    "n_clusters",
    "layers",
    "backbone",
    "augmentation",
    "max_epochs",
    "batch_size",
    "learning_rate",
    "device",
    "precision",
)


class DeepClusterEnsemble(ConsensusMixin, BaseEstimator):
    """Cluster images or vectors with a deep network whose layers vote (DeepCluE).

    1. Train a network without labels (:class:`~skdeepclust.ContrastiveEncoder`).
    2. Cluster the features of each chosen layer several times, each time into a different, mostly larger number of
       clusters (:class:`~skdeepclust.BaseClusterings`: U-SPEC and k-means in turn).
    3. Weigh every base cluster by how well the other clusterings confirm it, and cut the bipartite graph of
       objects and clusters into `n_clusters` parts (:class:`~skdeepclust.EntropyWeightedConsensus`).

    After short training the layers know more than the network's own cluster head, which is not used.

    Parameters
    ----------
    n_clusters : int, default=10
        Number of clusters, >= 1.
    image_shape : tuple (h, w) or (h, w, c), default=None
        What the rows of a 2-D `X` are when they are flattened images; None for a table. Arrays (n, h, w) and
        (n, h, w, c) are images by themselves.
    encoder : transformer or None, default=None
        What turns rows into features; cloned, and seeded if it has a `random_state` of None. None is a
        ContrastiveEncoder with the parameters below; they have no effect on an encoder of your own.
    layers : tuple of str, default=("backbone", "instance", "cluster_hidden")
        Layers to cluster: "backbone", "instance_hidden", "instance", "cluster_hidden", "cluster".
    n_estimators : int, default=40
        Number of base clusterings, spread evenly over the layers; at least one per layer.
    base_clusterer : estimator or None, default=None
        Clusterer of the base clusterings, with parameters `n_clusters` and `random_state` and a `predict`.
        None takes USPEC and, with half as many clusters, k-means in turn.
    base_n_clusters : tuple (low, high) or None, default=None
        Closed range from which the number of clusters of each base clustering is drawn. None is (20, 60),
        lowered for fewer than 400 rows.
    theta : float or None, default=1.0
        How sharply the weight of a base cluster falls with its entropy; None for equal weights.
    weighting : {"paper", "debiased", "cross_group"}, default="paper"
        Which entropy makes the weights, see :class:`~skdeepclust.EntropyWeightedConsensus`; the groups are the
        layers.
    backbone : {"auto", "compact", "resnet18", "resnet34", "mlp"} or callable, default="auto"
        The network, see ContrastiveEncoder.
    augmentation : {"auto", "gray", "color", "table", "none"} or callable, default="auto"
        How views are made, see ContrastiveEncoder.
    max_epochs : int or "auto", default="auto"
        Passes over the data; "auto" gives about 1000 steps of 256 samples, between 8 and 60 epochs.
    batch_size : int, default=256
        Samples per training step.
    learning_rate : float, default=1e-3
        Peak learning rate of AdamW.
    device : str or torch.device, default=None
        None: the best there is.
    precision : {"auto", "bfloat16", "float32"}, default="auto"
        Of the network while training.
    memory : str, joblib.Memory or None, default=None
        Where to cache trained encoders and their features, as in a Pipeline: a grid search over everything
        behind the network then trains it once per split. Needs an int `random_state`.
    n_jobs : int or None, default=None
        joblib workers for the base clusterings; does not change the result.
    random_state : int, RandomState instance or None, default=None
        One seed for all parts. The same int gives the same labels on one kind of device.
    verbose : int, default=0
        1 shows a progress bar while training.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int32
        Labels by cluster size, largest first; equal to ``predict(X)``.
    n_clusters_ : int
        Clusters found; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    encoder_ : transformer
        The trained encoder.
    base_clusterings_ : BaseClusterings
    consensus_ : EntropyWeightedConsensus
    base_labels_ : ndarray of shape (n_samples, n_estimators), int32
        The base clusterings of the training rows.
    cluster_weights_ : ndarray, float64
        Weight of every base cluster.
    history_ : list of dict
        One record per epoch of the encoder; empty if it keeps none.
    n_iter_ : int
        Epochs trained.
    image_shape_ : tuple (h, w, c) or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when `X` has string column names.

    Raises
    ------
    ValueError, TypeError
        For parameters out of range or data that do not fit them, before any training starts.

    See Also
    --------
    USENC : The same without a network, for features that are good as they are.
    ContrastiveClustering : The network's own cluster head, the baseline.

    References
    ----------
    .. [1] Huang et al., "DeepCluE: Enhanced Deep Clustering via Multi-layer Ensembles in Neural Networks",
       IEEE TETCI 8(2), 2024 (arXiv 2206.00359).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import DeepClusterEnsemble
    >>> images = load_digits().images[:300]
    >>> model = DeepClusterEnsemble(n_clusters=10, n_estimators=4, max_epochs=2, random_state=0).fit(images)
    >>> model.labels_.shape, model.base_labels_.shape, model.predict(images[:5]).shape
    ((300,), (300, 4), (5,))
    """

    def __init__(
        self,
        n_clusters=10,
        *,
        image_shape=None,
        encoder=None,
        layers=("backbone", "instance", "cluster_hidden"),
        n_estimators=40,
        base_clusterer=None,
        base_n_clusters=None,
        theta=1.0,
        weighting="paper",
        backbone="auto",
        augmentation="auto",
        max_epochs="auto",
        batch_size=256,
        learning_rate=1e-3,
        device=None,
        precision="auto",
        memory=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.n_clusters = n_clusters
        self.image_shape = image_shape
        self.encoder = encoder
        self.layers = layers
        self.n_estimators = n_estimators
        self.base_clusterer = base_clusterer
        self.base_n_clusters = base_n_clusters
        self.theta = theta
        self.weighting = weighting
        self.backbone = backbone
        self.augmentation = augmentation
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.device = device
        self.precision = precision
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Train the network, cluster its layers, and combine the clusterings.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Table or images; uint8 pixels are divided by 255.
        y : Ignored
            Present by convention.

        Returns
        -------
        self : DeepClusterEnsemble
        """
        rows, self.image_shape_ = validate_rows(self, X, self.image_shape, reset=True)
        check_enough_rows(rows, check_integer("n_clusters", self.n_clusters, low=1))
        seed = draw_seed(self.random_state)
        encoder = self._build_encoder(seed)
        base, consensus = self._build_ensemble(seed, len(rows), _n_blocks(encoder))

        # 1. Train, or fetch from the cache; kept on self at once, so that nothing later can lose it.
        train = check_memory(self.memory).cache(_train_and_encode, ignore=["verbose"])
        self.encoder_, features = train(encoder, rows, verbose=self.verbose)
        vars(self).pop("consensus_", None)  # of an earlier fit: it does not belong to the new encoder
        self.history_ = getattr(self.encoder_, "history_", [])
        self.n_iter_ = getattr(self.encoder_, "n_iter_", 1)
        # 2. Base clusterings, layer by layer.
        base.set_params(group_sizes=getattr(self.encoder_, "layer_sizes_", None))
        self.base_labels_ = base.fit_transform(features)
        self.base_clusterings_ = base
        # 3. Weighted consensus.
        if consensus.weighting == "cross_group":
            consensus.set_params(groups=base.groups_)
        self.consensus_ = consensus.fit(self.base_labels_)
        self.labels_ = consensus.labels_
        self.n_clusters_ = consensus.n_clusters_
        self.cluster_weights_ = consensus.cluster_weights_
        return self

    def _build_encoder(self, seed):
        if self.encoder is None:
            parameters = {name: getattr(self, name) for name in _ENCODER_PARAMETERS}
            return ContrastiveEncoder(**parameters, image_shape=self.image_shape_, random_state=seed)
        if isinstance(self.encoder, type) or not all(hasattr(self.encoder, m) for m in ("fit", "transform")):
            raise TypeError(f"encoder must be None or a transformer; got {self.encoder!r}.")
        encoder = clone(self.encoder)
        own = encoder.get_params(deep=False)
        if "random_state" in own and own["random_state"] is None:
            encoder.set_params(random_state=seed)
        if "image_shape" in own and own["image_shape"] is None:
            encoder.set_params(image_shape=self.image_shape_)
        return encoder

    def _build_ensemble(self, seed, n_samples, n_blocks):
        """Build what follows the encoder and check all of its parameters, so that no training is wasted."""
        base = BaseClusterings(
            self.n_estimators,
            base_clusterer=self.base_clusterer,
            base_n_clusters=self.base_n_clusters,
            n_jobs=self.n_jobs,
            random_state=seed,
        ).set_output(transform="default")
        consensus = EntropyWeightedConsensus(
            self.n_clusters, theta=self.theta, weighting=self.weighting, random_state=seed
        )
        n_estimators, *_ = base.check_parameters(n_samples, n_blocks or 1)
        if isinstance(self.weighting, str) and self.weighting == "cross_group":  # groups of this number, for now
            consensus.set_params(groups=np.arange(n_estimators) % (n_blocks or n_estimators))
        consensus.check_parameters(n_samples, n_estimators)
        return base, consensus

    def _base_labels(self, X):
        check_is_fitted(self, "consensus_")
        rows, _ = validate_rows(self, X, None, reset=False)
        return self.base_clusterings_.transform(np.asarray(self.encoder_.transform(rows)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _n_blocks(encoder):
    """Number of layers that `encoder` will return side by side; None if that shows after `fit` only."""
    return len(check_layers(encoder.layers)) if isinstance(encoder, ContrastiveEncoder) else None


def _train_and_encode(encoder, rows, verbose):
    """Fit `encoder` and return it with the features of `rows`; a plain function, so that joblib can cache it."""
    if "verbose" in encoder.get_params(deep=False):
        encoder.set_params(verbose=verbose)
    encoder.fit(rows)
    return encoder, np.asarray(encoder.transform(rows))
