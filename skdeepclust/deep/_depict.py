# SPDX-License-Identifier: BSD-3-Clause
"""DEPICT: a convolutional autoencoder and a softmax head, trained together on targets of the head's own making."""

import warnings

from .._support._images import validate_rows
from .._support._parameters import check_choice, check_integer, check_real
from .._support._warnings import ClusterCollapseWarning, UniformTargetWarning
from ..encoders._network_encoder import NetworkEncoder
from ..encoders._recipe import settle_length
from ..nn.augment import build_augmentation
from ..nn.depict_network import LAYERS, DepictNetwork, default_hidden_sizes
from ..nn.depict_training import DepictRecipe, DepictTraining
from ..nn.device import resolve_device
from ..nn.inference import extract_layers
from ._check_alone import check_alone
from ._head_reading import HeadClustererMixin, labels_by_size
from ._initial_head import initial_head

_TARGETS = {"dec": (2.0, 1.0), "paper": (1.0, 0.5)}  # powers of p and of the cluster sizes
_AUTO_STEPS = 4000  # of 128 rows: 51 epochs for 10,000 images
_HIDDEN_WEIGHT = 0.1
_LEAST_EMBEDDING = 10


class DEPICT(HeadClustererMixin, NetworkEncoder):
    """Cluster with an autoencoder and a softmax head that are trained together (DEPICT).

    An encoder runs twice on every row x: clean, and noisy, with an augmented x and dropout. With z the embedding, h_l
    the hidden layers, d_l their reconstructions from the noisy z, and ``p = softmax(Theta z + beta)``:

    1. Train the autoencoder: ``L_R = mean (d_0 - x)^2 + 0.1 sum_l mean (d_l - h_l)^2``, where x and h_l are clean.
    2. Cluster the clean z of all rows (:class:`~skdeepclust.PathIntegralClustering`); fit Theta and beta to the
       clusters.
    3. Train all together on ``L = w L_R - (1/n) sum_ik q_ik log p~_ik``, where p~ comes from the noisy z, and the
       targets from the clean p of all rows, anew before every epoch::

           q_ik = (p_ik^2 / f_k) / (row sum),     f_k = sum_i p_ik

    The label of a row is the largest entry of its clean p.

    Steps 2 and 3 are made several times over, see `n_rounds`.

    Parameters
    ----------
    n_clusters : int, default=10
        Number K of clusters, >= 1.
    image_shape : tuple (h, w) or (h, w, c), default=None
        What the rows of a 2-D `X` are when they are flattened images; None for a table. Arrays (n, h, w) and
        (n, h, w, c) are images by themselves.
    hidden_sizes : tuple of int or "auto", default="auto"
        Maps of the convolutions, all of stride 2, or for a table widths of the hidden layers. "auto" is two of 50 as
        published, and one more for every doubling of images beyond 64 pixels; for tables (256, 256).
    embedding_dim : int or "auto", default="auto"
        Width of z. "auto" is `n_clusters` as published, but at least 10.
    dropout : float, default=0.1
        Share of the input and of the hidden layers but the last that the noisy pathway drops, from 0 to 0.9.
    augmentation : {"auto", "gray", "color", "table", "none"} or callable, default="auto"
        Noise of the noisy input, see :func:`skdeepclust.nn.augment.build_augmentation`. "auto" is "gray" for images,
        coloured ones included, and "table" for tables. "none" is the published method.
    initializer : {"path_integral", "kmeans"}, default="path_integral"
        What clusters the embeddings of the autoencoder. Path integrals take at most 100,000 rows, drawn at random.
    target : {"dec", "paper"}, default="dec"
        "dec": q as above, as in the code of the publication. "paper": ``q_ik = (p_ik / f_k^(1/2)) / (row sum)``, as
        in its text, which does not sharpen: the rows become less and less certain, and the training ends with a
        :class:`UniformTargetWarning`.
    reconstruction_weight : float, default=1.0
        w, >= 0.
    pretraining : float, default=0.4
        Share of the training before the clusters, between 0 and 1. At 1 the labels are those of the initial clusters,
        as the head tells them.
    n_rounds : int, default=3
        Parts of step 3, >= 1. Step 2 is made before each of them, and once more at the end if there are several. 1 is
        the published method, whose head clings to the mistakes of the first clusters.
    layers : tuple of str, default=("embedding", "cluster")
        The layers that `transform` returns, side by side: "hidden" (the last hidden layer), "embedding", "cluster"
        (logits).
    max_epochs : int or "auto", default="auto"
        Passes over the data, both phases together. "auto" gives about 4000 steps of 128 rows, between 20 and 300
        epochs; with `max_time` it sets no limit.
    max_time : float or None, default=None
        Seconds of training; the clustering of the embeddings is not counted.
    batch_size : int, default=128
        Rows per step.
    learning_rate : float, default=2e-3
        Peak rate of Adam; each phase has a cosine down to zero.
    device : str or torch.device, default=None
        None: the best there is, CUDA, XPU, MPS, CPU.
    precision : {"auto", "bfloat16", "float32"}, default="float32"
        Of the network while training. bfloat16 does not make small convolutions faster.
    checkpoint_dir : str or path-like, default=None
        Where the state of the training is kept, as in :class:`~skdeepclust.ContrastiveEncoder`.
    checkpoint_every : float, default=120
        Seconds between two states.
    random_state : int, RandomState instance or None, default=None
        Of the initial weights, the order, the noise and the clusters.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int32
        Labels by cluster size, largest first; equal to ``predict(X)``.
    probabilities_ : ndarray of shape (n_samples,), float64
        Largest membership of each row: ``predict_proba(X).max(axis=1)``, without running the network again.
    n_clusters_ : int
        Clusters in use; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    initial_labels_ : ndarray of shape (n_samples,), int64
        The clusters of step 2.
    confidence_ : list of float
        Mean largest entry of p before each epoch of step 3.
    heads_ : ndarray of int
        Which output each label stands for.
    reading_ : str
        Layer of the network that `predict` reads, "cluster".
    network_ : DepictNetwork
        The trained network.
    layer_sizes_ : tuple of int
        Widths of `layers`.
    score_groups_ : tuple of int
        Where "cluster" stands in `layers`.
    history_ : list of dict
        One record per epoch: "epoch", "loss" and its terms, each with its weight: "reconstruction",
        "hidden_reconstruction", "cluster_loss"; "samples_per_second", "seconds".
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
        If clusters are empty.
    UniformTargetWarning
        If the rows became less certain three epochs in a row, and than at the start of the round, which ends the
        training.
    WeakRecipeWarning
        For a table whose rows look like flattened images.
    TrainingInterruptedWarning
        If Ctrl-C ended the training; before step 2 that is made at once.

    See Also
    --------
    PathIntegralClustering : Where the clusters come from.
    DeepClusterEnsemble : Takes this as its `encoder`.

    Notes
    -----
    Differences from the publication [1]_ and its code: augmentation; Adam at a high rate for some thirty epochs per
    phase instead of a low one for up to 4000; He's initial weights, with which these rates work; Theta and beta fitted
    by logistic regression; Q of one clean pass; clean hidden layers are targets without gradient.

    References
    ----------
    .. [1] Ghasedi Dizaji et al., "Deep clustering via joint convolutional autoencoder embedding and relative entropy
       minimization", ICCV 2017 (arXiv 1704.06327).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import DEPICT
    >>> images = load_digits().images[:300]
    >>> model = DEPICT(n_clusters=10, max_epochs=8, random_state=0).fit(images)
    >>> model.labels_.shape, model.predict(images[:5]).shape, model.transform(images).shape
    ((300,), (5,), (300, 20))
    """

    _layers_known = LAYERS
    _identity = ("n_clusters", "hidden_sizes", "embedding_dim", "dropout", "augmentation", "initializer")

    def __init__(
        self,
        n_clusters=10,
        *,
        image_shape=None,
        hidden_sizes="auto",
        embedding_dim="auto",
        dropout=0.1,
        augmentation="auto",
        initializer="path_integral",
        target="dec",
        reconstruction_weight=1.0,
        pretraining=0.4,
        n_rounds=3,
        layers=("embedding", "cluster"),
        max_epochs="auto",
        max_time=None,
        batch_size=128,
        learning_rate=2e-3,
        device=None,
        precision="float32",
        checkpoint_dir=None,
        checkpoint_every=120,
        random_state=None,
        verbose=0,
    ):
        self.n_clusters = n_clusters
        self.image_shape = image_shape
        self.hidden_sizes = hidden_sizes
        self.embedding_dim = embedding_dim
        self.dropout = dropout
        self.augmentation = augmentation
        self.initializer = initializer
        self.target = target
        self.reconstruction_weight = reconstruction_weight
        self.pretraining = pretraining
        self.n_rounds = n_rounds
        self.layers = layers
        self.max_epochs = max_epochs
        self.max_time = max_time
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.device = device
        self.precision = precision
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    def _label(self, X):
        rows, _ = validate_rows(self, X, None, reset=False)
        self.reading_ = "cluster"
        logits = extract_layers(self.network_, self.reader_, rows, ("cluster",))
        self.labels_, self.probabilities_, self.heads_ = labels_by_size(logits)
        self.n_clusters_ = len(self.heads_)
        if self.n_clusters_ < self.n_clusters:
            warnings.warn(
                f"{self.n_clusters_} of the {self.n_clusters} clusters asked for are in use. Ask for fewer, train "
                "longer (max_epochs), or look at initial_labels_.",
                ClusterCollapseWarning,
                stacklevel=4,
            )
        if self._has_drifted:
            warnings.warn(
                "the rows became less certain three epochs in a row, to a mean largest probability of "
                f"{self.confidence_[-1]:.3f}, and the training was ended after {self.n_iter_} epochs. Use target='dec' "
                f"(it is {self.target!r}), weaker augmentation or less dropout.",
                UniformTargetWarning,
                stacklevel=4,
            )
        return self

    def _recipe(self, n, image_shape):
        check_alone(resolve_device(self.device), "DEPICT")
        check_choice("initializer", self.initializer, ("path_integral", "kmeans"))
        check_choice("target", self.target, tuple(_TARGETS))
        check_choice("precision", self.precision, ("auto", "bfloat16", "float32"))
        check_integer("verbose", self.verbose, low=0)
        check_real("dropout", self.dropout, low=0, high=0.9)
        if not isinstance(self.embedding_dim, str):
            check_integer("embedding_dim", self.embedding_dim, low=1)
        else:
            check_choice("embedding_dim", self.embedding_dim, ("auto",), hint='Pass an integer >= 1, or "auto".')
        if isinstance(self.hidden_sizes, str):
            check_choice("hidden_sizes", self.hidden_sizes, ("auto",), hint="Pass a tuple of integers >= 1.")
        elif not isinstance(self.hidden_sizes, (tuple, list)) or not self.hidden_sizes:
            raise TypeError(f'hidden_sizes must be "auto" or a tuple of integers >= 1; got {self.hidden_sizes!r}.')
        else:
            for size in self.hidden_sizes:
                check_integer("hidden_sizes", size, low=1)
        power, balance = _TARGETS[self.target]
        max_epochs, max_time = settle_length(self, n, _AUTO_STEPS * 128, low=20, high=300)
        return DepictRecipe(
            max_epochs=max_epochs,
            max_time=max_time,
            batch_size=check_integer("batch_size", self.batch_size, low=1),
            learning_rate=check_real("learning_rate", self.learning_rate, low=0, closed_low=False),
            pretraining=check_real("pretraining", self.pretraining, low=0, high=1),
            n_rounds=check_integer("n_rounds", self.n_rounds, low=1),
            reconstruction_weight=check_real("reconstruction_weight", self.reconstruction_weight, low=0),
            hidden_weight=_HIDDEN_WEIGHT,
            target_power=power,
            target_balance=balance,
            precision=self.precision,
        )

    def _build_augmentation(self, in_shape):
        is_auto = isinstance(self.augmentation, str) and self.augmentation == "auto" and len(in_shape) == 3
        return build_augmentation("gray" if is_auto else self.augmentation, in_shape)

    def _build_network(self, in_shape):
        sizes = default_hidden_sizes(in_shape) if isinstance(self.hidden_sizes, str) else tuple(self.hidden_sizes)
        width = max(self.n_clusters, _LEAST_EMBEDDING) if isinstance(self.embedding_dim, str) else self.embedding_dim
        return DepictNetwork(in_shape, self.n_clusters, sizes, width, self.dropout)

    def _build_training(self, network, reader, X, augment, recipe, seed, ranks):
        return DepictTraining(
            network,
            reader,
            X,
            augment,
            recipe,
            seed,
            lambda z, seed: initial_head(z, self.n_clusters, self.initializer, seed),
        )

    def _fitted(self, training):
        return {
            "initial_labels_": None if training.initial_labels is None else training.initial_labels.numpy(),
            "confidence_": list(training.confidence),
            "_has_drifted": training.drifted,
        }
