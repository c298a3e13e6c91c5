# SPDX-License-Identifier: BSD-3-Clause
"""The contrastive encoder: a network trained without labels, as a transformer."""

import copy
import warnings
from numbers import Integral

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._support._callbacks import CallbackSupportMixin, with_callbacks
from .._support._images import check_enough_rows, validate_rows
from .._support._parameters import check_integer, check_real, draw_seed
from .._support._warnings import DeviceChangedWarning, WeakRecipeWarning
from ..nn.augment import build_augmentation
from ..nn.backbones import build_backbone
from ..nn.contrastive_network import LAYERS, ContrastiveNetwork
from ..nn.contrastive_training import ContrastiveTraining
from ..nn.device import resolve_device, torch_threads
from ..nn.inference import extract_layers
from ..nn.ranks import find_ranks
from ..nn.samples import fit_reader
from ._recipe import settle_recipe
from ._run_training import run_training


class ContrastiveEncoder(CallbackSupportMixin, TransformerMixin, BaseEstimator):
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
        other's `n_neighbors` nearest. "auto" is sqrt(n_samples) / 10, between 5 and 10. 0 for views of the same
        sample only, the published recipe. At most n_samples - 1 are used.
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

    Warns
    -----
    WeakRecipeWarning
        For colour images with ``max_epochs="auto"``.
    TrainingInterruptedWarning
        If Ctrl-C ended the training; the network is kept as it was then.

    Raises
    ------
    ValueError, TypeError
        Before training starts, for parameters out of range or data that do not fit them, or a `checkpoint_dir`
        that holds another training.
    FloatingPointError
        If the loss stops being finite.

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

    def _fit(self, X, monitor=None):
        layers = check_layers(self.layers, self._layers_known)
        X, image_shape = validate_rows(self, X, self.image_shape, reset=True)
        check_enough_rows(X, check_integer("n_clusters", self.n_clusters, low=1))
        is_color = image_shape is not None and image_shape[2] == 3
        recipe = self._recipe(len(X), is_color)
        check_integer("projection_dim", self.projection_dim, low=1)
        save_every = check_real("checkpoint_every", self.checkpoint_every, low=0)
        ranks = find_ranks(resolve_device(self.device))
        ranks.part(min(recipe.batch_size, len(X)))  # before anything takes time
        reader = fit_reader(X, image_shape, ranks.device)
        augment = build_augmentation(self.augmentation, reader.in_shape)
        if is_color and self.max_epochs == "auto" and self.max_time is None:
            warnings.warn(
                f"X holds colour images, and the default recipe ({recipe.max_epochs} epochs from scratch) has been "
                "measured on grey ones only. Compare with USENC, cluster the features of a pretrained network, or set "
                "max_epochs or max_time to silence this.",
                WeakRecipeWarning,
                stacklevel=4,
            )
        seed = ranks.broadcast_object(draw_seed(self.random_state))
        # Any other random_state draws a new seed in every call; a training that goes on has the one it began with.
        identity = {"seed": seed if isinstance(self.random_state, Integral) else None}
        identity |= {name: getattr(self, name) for name in ("n_clusters", "projection_dim", "backbone", "augmentation")}
        identity["image_shape"] = image_shape

        # Weights, order and augmentation draw from torch's global generator: fork it, so that the user's is untouched.
        fork = torch.random.fork_rng(devices=[ranks.device] if ranks.device.type == "cuda" else [])
        with fork, torch_threads():
            torch.manual_seed(seed)
            backbone, width = build_backbone(self.backbone, reader.in_shape)
            network = self._build_network(backbone, width)
            network.to(ranks.device, memory_format=torch.channels_last)
            training = self._build_training(network, reader, X, augment, recipe, seed, ranks)
            run_training(
                self,
                training,
                identity=identity,
                save_every=save_every,
                fitted_attributes=lambda network: {
                    "network_": network,
                    "reader_": reader,
                    "image_shape_": image_shape,
                    "layer_sizes_": tuple(network.layer_sizes[name] for name in layers),
                    "score_groups_": score_groups(layers),
                    "history_": training.history,
                    "n_iter_": len(training.history),
                    "was_interrupted_": training.was_interrupted,
                },
                monitor=monitor,
            )
        return self

    def transform(self, X):
        """Return the features of the chosen layers, side by side.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Rows like those seen in `fit`.

        Returns
        -------
        ndarray of shape (n, sum of layer_sizes_), float32
        """
        check_is_fitted(self, "network_")
        X, _ = validate_rows(self, X, None, reset=False)
        self._settle()
        return extract_layers(self.network_, self.reader_, X, check_layers(self.layers, self._layers_known))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features: the layer and the position in it, as in "backbone_17".

        Parameters
        ----------
        input_features : Ignored
            Present by convention.

        Returns
        -------
        ndarray of str objects
        """
        check_is_fitted(self, "network_")
        sizes = self.network_.layer_sizes
        names = check_layers(self.layers, self._layers_known)
        return np.array([f"{name}_{i}" for name in names for i in range(sizes[name])], dtype=object)

    # What another network and training that are made of the same parts may replace.

    _layers_known = LAYERS

    def _recipe(self, n, is_color):
        return settle_recipe(self, n, is_color)

    def _build_network(self, backbone, width):
        return ContrastiveNetwork(backbone, width, self.n_clusters, self.projection_dim)

    def _build_training(self, network, reader, X, augment, recipe, seed, ranks):
        return ContrastiveTraining(network, reader, X, augment, recipe, seed, ranks)

    def _settle(self):
        """Move a network that was just unpickled to the best device this machine has."""
        if self.reader_.device is not None:
            return
        try:
            device = resolve_device(self.device)
        except ValueError:
            device = resolve_device(None)
            warnings.warn(
                f"device={str(self.device)!r} is not available here; the network runs on {device}. "
                "Set the device parameter to silence this.",
                DeviceChangedWarning,
                stacklevel=3,
            )
        self.network_.to(device)
        self.reader_ = self.reader_.on(device)

    def __getstate__(self):
        """Leave the device out of the pickle: weights travel as CPU tensors and settle where they are loaded."""
        state = dict(super().__getstate__())
        if "network_" in state:
            state["network_"] = copy.deepcopy(self.network_).cpu()
            state["reader_"] = self.reader_.on(None)
        return state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def score_groups(layers):
    """Positions of the layers that hold scores of clusters rather than features."""
    return tuple(i for i, name in enumerate(layers) if name == "cluster")


def check_layers(layers, known=LAYERS):
    """Return `layers` as a tuple of different layer names that are `known`."""
    names = (layers,) if isinstance(layers, str) else layers
    if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"layers must be a tuple of layer names from {known}; got {layers!r}.")
    if not names or len(set(names)) < len(names) or not set(names) <= set(known):
        raise ValueError(f"layers must be one or more different names from {known}; got {layers!r}.")
    return tuple(names)
