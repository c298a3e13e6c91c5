# SPDX-License-Identifier: BSD-3-Clause
"""DeepCluE end to end: a trained network, base clusterings of its layers, their weighted consensus."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, check_memory

from .._support._callbacks import CallbackSupportMixin, with_callbacks
from .._support._images import check_enough_rows, validate_rows
from .._support._parameters import check_integer, check_real, draw_seed
from ..cluster import BaseClusterings
from ..consensus import EntropyWeightedConsensus
from ..consensus._membership import ConsensusMixin
from ..encoders import ContrastiveEncoder
from ..encoders._network_encoder import NetworkEncoder, score_groups
from ..nn.device import resolve_device
from ..nn.ranks import find_ranks
from ._agreement_monitor import AgreementMonitor
from ._layer_consensus import fit_layer_consensus
from ._prepared_encoder import encoder_branches, encoder_layers, prepare_encoder

_ENCODER_PARAMETERS = (
    "n_clusters",
    "layers",
    "backbone",
    "augmentation",
    "max_epochs",
    "max_time",
    "batch_size",
    "learning_rate",
    "device",
    "precision",
    "checkpoint_dir",
)


class DeepClusterEnsemble(CallbackSupportMixin, ConsensusMixin, BaseEstimator):
    """Cluster images or vectors with a deep network whose layers vote (DeepCluE).

    1. Train a network without labels (:class:`~skdeepclust.ContrastiveEncoder`).
    2. Cluster the features of each chosen layer several times, each time into a different, mostly larger number of
       clusters (:class:`~skdeepclust.BaseClusterings`: U-SPEC and k-means in turn). The clusters of the network's own
       cluster head are one more clustering, with a tenth of the votes, if they agree with what the layers say without
       them (NMI of 0.95 or more).
    3. Weigh every base cluster by how well the other clusterings confirm it, and cut the bipartite graph of
       objects and clusters into `n_clusters` parts (:class:`~skdeepclust.EntropyWeightedConsensus`).

    After short training the layers know more than the head alone; the head, which saw all clusters in every step, knows
    where a stray piece of a cluster belongs.

    Parameters
    ----------
    n_clusters : int, default=10
        Number of clusters, >= 1.
    image_shape : tuple (h, w) or (h, w, c), default=None
        What the rows of a 2-D `X` are when they are flattened images; None for a table. Arrays (n, h, w) and
        (n, h, w, c) are images by themselves.
    encoder : transformer or None, default=None
        What turns rows into features; cloned, and seeded if it has a `random_state` of None. A FeatureUnion of encoders
        makes an ensemble over the layers of several networks. None is a ContrastiveEncoder with the parameters below;
        they have no effect on an encoder of your own.
    layers : tuple of str, default=("backbone", "instance", "cluster_hidden", "cluster")
        Layers to cluster: "backbone", "instance_hidden", "instance", "cluster_hidden". "cluster", the outputs of the
        cluster head, is not clustered again: the largest output is the cluster.
    n_estimators : int, default=40
        Number of base clusterings, a tenth of them, at least one, for the layer "cluster" and the others spread evenly;
        at least one per layer.
    base_clusterer : estimator or None, default=None
        Clusterer of the base clusterings, with parameters `n_clusters` and `random_state` and a `predict`.
        None takes USPEC and, with half as many clusters, k-means in turn.
    base_n_clusters : tuple (low, high) or None, default=None
        Closed range from which the number of clusters of each base clustering is drawn. None is (20, 60),
        lowered for fewer than 400 rows.
    theta : float or None, default=0.6
        How sharply the weight of a base cluster falls with its entropy; None for equal weights. 0.4 is the published
        value; in EntropyWeightedConsensus, made for base clusterings of any kind, the default is a milder 1.
    weighting : {"paper", "debiased", "cross_group"}, default="paper"
        Which entropy makes the weights, see :class:`~skdeepclust.EntropyWeightedConsensus`; the groups are the
        layers.
    backbone : {"auto", "compact", "resnet18", "resnet34", "mlp"} or callable, default="auto"
        The network, see ContrastiveEncoder.
    augmentation : {"auto", "gray", "color", "table", "none"} or callable, default="auto"
        How views are made, see ContrastiveEncoder.
    max_epochs : int or "auto", default="auto"
        Passes over the data; "auto" gives about 1000 steps of 256 samples, between 8 and 60 epochs; with
        `max_time` it sets no limit.
    max_time : float or None, default=None
        Seconds of training; the clustering that follows is not counted.
    stop_agreement : float or None, default=None
        End the training early when the consensus has settled: about every hundred steps a small ensemble of at most
        4000 rows is made, and when its NMI with the one before reaches this in two checks in a row, the learning
        rate goes down to zero within a quarter of the steps made so far. Between 0 and 1. The checks are
        "agreement" in `history_`. Only with ``encoder=None`` or an encoder of this package that trains a network.
    batch_size : int, default=256
        Samples per training step.
    learning_rate : float, default=1e-3
        Peak learning rate of AdamW.
    device : str or torch.device, default=None
        None: the best there is.
    precision : {"auto", "bfloat16", "float32"}, default="auto"
        Of the network while training.
    checkpoint_dir : str or path-like, default=None
        Where the state of the training is kept, so that the same call after a crash goes on from there, see
        ContrastiveEncoder.
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
    probabilities_ : ndarray of shape (n_samples,), float64
        Largest membership of each row: ``predict_proba(X).max(axis=1)``, without running the network again.
    n_clusters_ : int
        Clusters found; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    encoder_ : transformer
        The trained encoder.
    base_clusterings_ : BaseClusterings
    consensus_ : EntropyWeightedConsensus
    base_labels_ : ndarray of shape (n_samples, n_estimators), int32
        The base clusterings of the training rows; without those of the cluster head if it does not vote.
    votes_ : ndarray of shape (n_estimators,), bool
        Which of `base_clusterings_` take part in the consensus.
    cluster_weights_ : ndarray, float64
        Weight of every base cluster.
    history_ : list of dict
        One record per epoch of the encoder, of the first of several; empty if it keeps none.
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

    Warns
    -----
    WeakRecipeWarning, TrainingInterruptedWarning
        As ContrastiveEncoder does, unless `encoder` is another one.

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
    >>> model.labels_.shape, model.votes_.shape, model.predict(images[:5]).shape
    ((300,), (4,), (5,))
    """

    def __init__(
        self,
        n_clusters=10,
        *,
        image_shape=None,
        encoder=None,
        layers=("backbone", "instance", "cluster_hidden", "cluster"),
        n_estimators=40,
        base_clusterer=None,
        base_n_clusters=None,
        theta=0.6,
        weighting="paper",
        backbone="auto",
        augmentation="auto",
        max_epochs="auto",
        max_time=None,
        stop_agreement=None,
        batch_size=256,
        learning_rate=1e-3,
        device=None,
        precision="auto",
        checkpoint_dir=None,
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
        self.max_time = max_time
        self.stop_agreement = stop_agreement
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.device = device
        self.precision = precision
        self.checkpoint_dir = checkpoint_dir
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
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
        base, consensus = self._build_ensemble(seed, len(rows), _layers_of(encoder))

        ranks = find_ranks(resolve_device(self.device))
        monitor = self._build_monitor(encoder, seed)
        context = self._init_callback_context(max_subtasks=2).call_on_fit_task_begin(estimator=self, X=rows)

        # 1. Train, or fetch from the cache; kept on self at once, so that nothing later can lose it.
        memory = check_memory(self.memory if ranks.size == 1 else None)
        train = memory.cache(_train_and_encode, ignore=["encode", "verbose", "context"])
        task = context.subcontext(task_name="training").call_on_fit_task_begin(estimator=self, X=rows)
        try:
            self.encoder_, features = train(encoder, rows, monitor, ranks.is_first, self.verbose, task)
        except _InterruptedTraining as unfinished:
            self.encoder_, features = unfinished.args
        task.call_on_fit_task_end(estimator=self, X=rows)
        vars(self).pop("consensus_", None)  # of an earlier fit: it does not belong to the new encoder
        trained = encoder_branches(self.encoder_)[0][-1]
        self.history_ = getattr(trained, "history_", [])
        self.n_iter_ = getattr(trained, "n_iter_", 1)
        # 2. Cluster, on the first rank.
        task = context.subcontext(task_name="clustering").call_on_fit_task_begin(estimator=self, X=rows)
        fitted = self._cluster(base, consensus, features) if ranks.is_first else None
        self.base_clusterings_, self.base_labels_, self.votes_, self.consensus_ = ranks.broadcast_object(fitted)
        self.labels_ = self.consensus_.labels_
        self.n_clusters_ = self.consensus_.n_clusters_
        self.cluster_weights_ = self.consensus_.cluster_weights_
        task.call_on_fit_task_end(estimator=self, X=rows)
        context.call_on_fit_task_end(estimator=self, X=rows, reconstruction_attributes=lambda: vars(self))
        return self

    def _cluster(self, base, consensus, features):
        """Base clusterings, layer by layer, and their weighted consensus."""
        group_sizes, score_groups = encoder_layers(self.encoder_)
        base.set_params(group_sizes=group_sizes, score_groups=score_groups)
        self.base_labels_ = base.fit_transform(features)
        votes, voting = fit_layer_consensus(consensus, self.base_labels_, base.groups_, base.score_groups)
        return base, voting, votes, consensus

    def _build_monitor(self, encoder, seed):
        if self.stop_agreement is None:
            return None
        threshold = check_real("stop_agreement", self.stop_agreement, low=0, high=1)
        if not isinstance(encoder, NetworkEncoder):
            raise ValueError(
                f"stop_agreement={self.stop_agreement!r} needs an encoder of this package to watch; with "
                f"encoder={type(encoder).__name__} use stop_agreement=None."
            )
        return AgreementMonitor(self.n_clusters, _layers_of(encoder), threshold, seed)

    def _build_encoder(self, seed):
        if not isinstance(self.random_state, Integral):  # a checkpoint then goes on with the seed it began with
            seed = np.random.RandomState(seed)
        if self.encoder is None:
            parameters = {name: getattr(self, name) for name in _ENCODER_PARAMETERS}
            return ContrastiveEncoder(**parameters, image_shape=self.image_shape_, random_state=seed)
        return prepare_encoder(self.encoder, self.image_shape_, seed)

    def _build_ensemble(self, seed, n_samples, layers):
        """Build what follows the encoder and check all of its parameters, so that no training is wasted."""
        base = BaseClusterings(
            self.n_estimators,
            base_clusterer=self.base_clusterer,
            base_n_clusters=self.base_n_clusters,
            score_groups=score_groups(layers or ()),
            n_jobs=self.n_jobs,
            random_state=seed,
        ).set_output(transform="default")
        consensus = EntropyWeightedConsensus(
            self.n_clusters, theta=self.theta, weighting=self.weighting, random_state=seed
        )
        n_estimators, *_ = base.check_parameters(n_samples, len(layers or (None,)))
        if isinstance(self.weighting, str) and self.weighting == "cross_group":  # groups of this number, for now
            n_groups = len(layers) - len(base.score_groups) if layers else n_estimators
            consensus.set_params(groups=np.arange(n_estimators) % n_groups)
        consensus.check_parameters(n_samples, n_estimators)
        return base, consensus

    def _base_labels(self, X):
        check_is_fitted(self, "consensus_")
        rows, _ = validate_rows(self, X, None, reset=False)
        return self.base_clusterings_.transform(np.asarray(self.encoder_.transform(rows)))[:, self.votes_]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _layers_of(encoder):
    """Layers that `encoder` will return side by side; None if that shows after `fit` only."""
    ends = [way[-1] for way in encoder_branches(encoder)]
    if not all(isinstance(end, NetworkEncoder) for end in ends):
        return None
    return tuple(name for end in ends for name in end._layer_names())


class _InterruptedTraining(Exception):
    """Carries the encoder and its features past the cache, which must not take them for those of a whole training."""


def _train_and_encode(encoder, rows, monitor, encode, verbose, context):
    """Fit `encoder`; return it with the features of `rows` where `encode`. A function, so that joblib can cache it."""
    ways = encoder_branches(encoder)
    for step in (step for way in ways for step in way):
        if "verbose" in step.get_params(deep=False):
            step.set_params(verbose=verbose)
    with context.propagate_callback_context(encoder):
        if monitor is None:
            encoder.fit(rows, None)
        else:
            encoder.fit_watched(rows, monitor)
    features = np.asarray(encoder.transform(rows)) if encode else None
    if any(getattr(way[-1], "was_interrupted_", False) for way in ways):
        raise _InterruptedTraining(encoder, features)
    return encoder, features
