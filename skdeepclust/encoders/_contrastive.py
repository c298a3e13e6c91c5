# SPDX-License-Identifier: BSD-3-Clause
"""The contrastive encoder: a network trained without labels, as a transformer."""

import warnings

from .._support._callbacks import with_callbacks
from .._support._parameters import check_integer
from .._support._warnings import WeakRecipeWarning
from ..nn.backbones import build_backbone
from ..nn.contrastive_network import LAYERS, ContrastiveNetwork
from ..nn.contrastive_training import ContrastiveTraining
from ._network_encoder import NetworkEncoder
from ._recipe import settle_recipe


class ContrastiveEncoder(NetworkEncoder):
    """Train a network by contrastive learning and return the features of its layers.

    The network of Contrastive Clustering [1]_: a backbone, an instance head and a cluster head, trained
    together without labels. Two views of a sample are made to agree, and so are the two views of every
    cluster::

        L = NT-Xent(instance rows; temperature) + NT-Xent(cluster columns; 1) + balance

    with one change that matters for short training: the second view is an augmentation of one of the sample's
    mutual nearest neighbours, first in the principal components of the input, later in these and the network's
    own features together.

    Parameters
    ----------
    n_clusters : int, default=10
        Outputs of the cluster head, >= 1.
    image_shape : tuple (h, w) or (h, w, c), default=None
        What the rows of a 2-D `X` are when they are flattened images; None for a table. Arrays (n, h, w) and
        (n, h, w, c) are images by themselves.
    layers : tuple of str, default=("backbone", "instance", "cluster_hidden")
        The layers that `transform` returns, side by side: "backbone", "instance_hidden", "instance" (before
        normalisation), "cluster_hidden", "cluster" (logits).
    backbone : {"auto", "compact", "resnet18", "resnet34", "mlp"} or callable, default="auto"
        "auto": "compact", a small convolutional net made for CPUs, for images; "mlp" for tables. A callable
        gets the shape of one sample, (c, h, w) or (d,), and returns a new ``nn.Module`` with outputs
        (n, features).
    augmentation : {"auto", "gray", "color", "table", "none"} or callable, default="auto"
        How views are made, see :func:`skdeepclust.nn.augment.build_augmentation`. A callable gets and returns a
        float tensor (n, c, h, w) or (n, d); pixels lie in [0, 1].
    n_neighbors : int or "auto", default="auto"
        The second view of a sample is made from one of its mutual neighbours: samples that are among each
        other's `n_neighbors` nearest. "auto" is sqrt(n_samples) / 10, between 5 and 10; for colour images, whose
        neighbours are seldom of a kind, it is 0 unless `neighbors_from` says where to seek. 0 for views of the
        same sample only, the published recipe. At most n_samples - 1 are used.
    neighbors_from : {"auto", "input", "features"}, default="auto"
        Where neighbours are sought: in 64 principal components of the input, joined by the backbone's output
        after a third and two thirds of the epochs; or in the backbone's output alone, so that there are none in
        the first third. "auto" is "features" for colour images, whose pixels say little, else "input".
    max_epochs : int or "auto", default="auto"
        Passes over the data. "auto" gives about 1000 steps of 256 samples, between 8 and 60 epochs; with
        `max_time` it sets no limit.
    max_time : float or None, default=None
        Seconds of training, preparation and clustering not counted. The learning rate follows whichever of
        `max_epochs` and `max_time` is nearer to its end, so that the time given is used well, but the result
        then depends on the speed of the machine.
    batch_size : int, default=256
        Samples per step, each in two views. A batch never exceeds the data; a last partial batch is left out,
        another one each epoch.
    micro_batch_size : int or None, default=None
        At most so many views go through the network at a time, two per sample, to save memory; the loss
        contrasts the whole batch all the same, for a third more arithmetic. None sets no limit.
    learning_rate : float, default=1e-3
        Peak rate of AdamW, after a short warm-up and before a cosine down to zero.
    weight_decay : float, default=1e-4
        Of AdamW.
    temperature : float, default=0.5
        Of the instance loss.
    projection_dim : int, default=128
        Outputs of the instance head.
    device : str or torch.device, default=None
        None: the best there is, CUDA, XPU, MPS, CPU.
    precision : {"auto", "bfloat16", "float32"}, default="auto"
        Of the network while training; "auto" is bfloat16 where the hardware multiplies it. Losses and features
        are float32 always.
    checkpoint_dir : str or path-like, default=None
        Where the state of the training is kept, in one file, written whole or not at all. The same call after a
        crash goes on from there and ends with the same network as an uninterrupted run on a CPU; after a
        complete training it returns that one at once. A file of other data or parameters is refused; functions
        and classes among the parameters are told apart by their names.
    checkpoint_every : float, default=120
        Seconds between two states.
    random_state : int, RandomState instance or None, default=None
        Of the initial weights, the order, the neighbours and the augmentation. An int gives the same network
        every time on one kind of device; torch's and numpy's global generators are left as they were.
    verbose : int, default=0
        1 shows a progress bar with the loss, images per second and the time left.

    Attributes
    ----------
    network_ : ContrastiveNetwork
        The trained network.
    layer_sizes_ : tuple of int
        Widths of `layers`: `group_sizes` of :class:`~skdeepclust.BaseClusterings` behind it in a pipeline.
    score_groups_ : tuple of int
        Which of `layers` hold scores of clusters, that is, where "cluster" stands: `score_groups` of
        :class:`~skdeepclust.BaseClusterings` behind it in a pipeline.
    history_ : list of dict
        One record per epoch: "epoch", "loss" and its three terms, "samples_per_second", "seconds".
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
        Before training starts, for parameters out of range or data that do not fit them, or a `checkpoint_dir`
        that holds another training.
    FloatingPointError
        If the loss stops being finite.

    Warns
    -----
    WeakRecipeWarning
        For colour images with ``max_epochs="auto"``, and for a table whose rows look like flattened images.
    TrainingInterruptedWarning
        If Ctrl-C ended the training; the network is kept as it was then.

    See Also
    --------
    DeepClusterEnsemble : Clusters what this returns.

    Notes
    -----
    The result for a row does not depend on the rows it comes with: batches are padded to one fixed size.

    ``set_callbacks`` takes callbacks of scikit-learn's interface, on older versions of scikit-learn the same
    interface in small. Every epoch is a task; its ``metadata["record"]`` is what `history_` gets, and a true value
    from ``on_fit_task_end`` ends the training.

    Under ``torchrun`` several processes train one network together, each on its rows of every batch.

    References
    ----------
    .. [1] Li et al., "Contrastive Clustering", AAAI 2021 (arXiv 2009.09687).
    .. [2] Huang et al., "DeepCluE", IEEE TETCI 8(2), 2024 (arXiv 2206.00359).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import ContrastiveEncoder
    >>> images = load_digits().images[:200]
    >>> encoder = ContrastiveEncoder(max_epochs=1, random_state=0).fit(images)
    >>> encoder.transform(images).shape, encoder.layer_sizes_
    ((200, 640), (256, 128, 256))
    """

    def __init__(
        self,
        n_clusters=10,
        *,
        image_shape=None,
        layers=("backbone", "instance", "cluster_hidden"),
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
        self.layers = layers
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

    @with_callbacks
    def fit(self, X, y=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Table or images; uint8 pixels are divided by 255. Read batch by batch, never copied whole.
        y : Ignored
            Present by convention.

        Returns
        -------
        self : ContrastiveEncoder
        """
        return self._fit(X)

    @with_callbacks
    def fit_watched(self, X, monitor):
        """Train the network under the eyes of `monitor`.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            As in `fit`.
        monitor : callable
            Called after every epoch with the training, a :class:`~skdeepclust.nn.training_loop.TrainingLoop`. It
            returns a dict that is added to the record of the epoch; with ``"cool_down": True`` in it, the training
            comes to its end within a quarter of the steps made so far.

        Returns
        -------
        self : ContrastiveEncoder
        """
        return self._fit(X, monitor)

    _layers_known = LAYERS
    _identity = ("n_clusters", "projection_dim", "backbone", "augmentation")

    def _recipe(self, n, image_shape):
        check_integer("projection_dim", self.projection_dim, low=1)
        return settle_recipe(self, n, _is_color(image_shape))

    def _warn_before(self, recipe, image_shape):
        if _is_color(image_shape) and self.max_epochs == "auto" and self.max_time is None:
            warnings.warn(
                f"X holds colour images, in which the default recipe ({recipe.max_epochs} epochs from scratch) finds "
                "little: in 10,000 photographs of CIFAR-10 clusters with an NMI of 0.25. Cluster the features of a "
                "pretrained network (FrozenEncoder), or train longer: max_epochs or max_time, which also silence this.",
                WeakRecipeWarning,
                stacklevel=5,
            )

    def _build_network(self, in_shape):
        backbone, width = build_backbone(self.backbone, in_shape)
        return self._build_heads(backbone, width)

    # What another network and training that are made of the same parts may replace.

    def _build_heads(self, backbone, width):
        return ContrastiveNetwork(backbone, width, self.n_clusters, self.projection_dim)

    def _build_training(self, network, reader, X, augment, recipe, seed, ranks):
        return ContrastiveTraining(network, reader, X, augment, recipe, seed, ranks)


def _is_color(image_shape):
    return image_shape is not None and image_shape[2] == 3
