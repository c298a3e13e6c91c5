# SPDX-License-Identifier: BSD-3-Clause
"""IcicleGCN: a contrastive network, neighbour graphs of its features, and a network of graph convolutions over them."""

import warnings
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._support._callbacks import CallbackSupportMixin, with_callbacks
from .._support._images import check_enough_rows, validate_rows
from .._support._parameters import check_integer, draw_seed
from .._support._warnings import ClusterCollapseWarning
from ..cluster._neighbour_graph import neighbour_graph
from ..cluster._neighbour_vote import NeighbourVote
from ..cluster._path_integral_graph import kernel_width
from ..cluster._row_neighbours import make_row_search
from ..consensus._labels import number_by_size
from ..encoders import ContrastiveEncoder
from ..encoders._layer_names import LayerNamesMixin
from ..encoders._saved_network import SaveNetworkMixin
from ..nn.device import resolve_device, torch_threads
from ..nn.graph_inference import graph_layers
from ..nn.multi_scale_network import LAYERS
from ._check_alone import check_alone
from ._graph_features import check_encoded, fit_node_features, split_columns
from ._graph_plan import check_graph_parameters, check_graphs, encoder_time
from ._graph_stage import build_graph_network, train_graph_network
from ._graph_start import find_start
from ._node_labels import first_equal_rows
from ._prepared_encoder import prepare_encoder

_ENCODER_PARAMETERS = (
    "n_clusters",
    "backbone",
    "augmentation",
    "max_epochs",
    "batch_size",
    "device",
    "precision",
    "checkpoint_every",
    "verbose",
)


class IcicleGCN(LayerNamesMixin, SaveNetworkMixin, CallbackSupportMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Cluster by graph convolutions over neighbour graphs of two scales (IcicleGCN).

    1. Train a network without labels (:class:`~skdeepclust.ContrastiveEncoder`) and take its backbone's output, in its
       leading principal components Z.
    2. Join every row to its nearest neighbours, in a fine graph and in a coarse one:
       ``A = max(N, N^T)``, ``Ahat = D^-1/2 (A + I) D^-1/2``. Cut the coarse graph by spectral clustering.
    3. Train an autoencoder of Z (hidden layers H, bottleneck h) and, beside it, two streams a, b of graph convolutions,
       one in each graph, which are joined layer by layer (u is a stream, v the other)::

           G_u^(1)   = relu( Ahat_u Z W_0 + b_0 )
           G_u^(l+1) = relu( Ahat_u (s G_u^(l) + g G_v^(l) + r H^(l)) W_l + b_l ),     out_u = softmax, without relu

       For a quarter of the steps the targets P are the clusters to start from: the spectral ones; or those of the
       encoder's own cluster head, spread over the coarse graph, if they agree with the spectral ones by an NMI of 0.95
       or cut the graph no worse.
       Then, with centres mu of the bottleneck, ``q_ik ~ 1 / (1 + |h_i - mu_k|^2)``, ``p_ik ~ q_ik^2 / sum_i q_ik``
       and::

           L = |Z - Zhat|^2 / (n d) + alpha KL(P || Q) + beta KL(P || out_a) + eta KL(P || out_b)

       The label of a row is the largest entry of ``(out_a + out_b) / 2``.
    4. Keep these labels where they cut the coarse graph no worse than those it started from, else the latter.

    The last step is a guard without labels, and a one-sided one: spectral clustering looks for a small cut, the network
    does not. All labellings are kept; ``labels_from="network"`` takes the network's at any rate.

    Sources: Xu et al., "Deep image clustering with contrastive learning and multi-scale graph convolutional networks",
    Pattern Recognition 146, 2024 (arXiv 2207.07173), and SDCN, Bo et al., WWW 2020. See docs/icicle_gcn.md.

    Parameters
    ----------
    n_clusters : int, default=10
        K, >= 1.
    image_shape : tuple (h, w) or (h, w, c), default=None
        What the rows of a 2-D `X` are when they are flattened images; None for a table.
    encoder : transformer, "passthrough" or None, default=None
        What makes features of rows; cloned, and seeded if it has a `random_state` of None. Scores of clusters, which
        encoders of this package may return as well, are no features. "passthrough": the rows are the features. None is
        a ContrastiveEncoder with the parameters below.
    n_neighbors : tuple of two int, default=(5, 15)
        Neighbours in the fine and in the coarse graph; at most n - 1 are used. A graph of single nearest neighbours
        falls into thousands of pieces.
    n_components : int, default=64
        Principal components of the features.
    hidden_sizes : tuple of int, default=(128, 128)
        Widths of the hidden layers of the autoencoder and of the streams.
    fusion : tuple of three floats, default=(0.4, 0.2, 0.4)
        s, g, r. The published code has (0.5, 0.2, 0.5).
    loss_weights : tuple of three floats, default=(0.1, 0.05, 0.01)
        alpha, beta, eta.
    normalization : {"symmetric", "row"}, default="symmetric"
        Ahat as above, as in the paper; or ``D^-1 (A + I)``, as in its code.
    bottleneck : {"logits", "softmax"}, default="logits"
        Whether h, or as published its softmax, is assigned to centres and joined to the streams. With a softmax, q is
        never above ``3 / (K + 2)``, so that targets stay vague.
    start : {"auto", "spectral", "kmeans"}, default="auto"
        First targets, whose means are the first centres: the spectral clusters, or with "auto" the encoder's own where
        these are confirmed, as above. "kmeans": only reconstruction at first, and centres by k-means.
    propagation : {"auto", "layers", "linear"}, default="auto"
        "layers": graph convolutions as above, all rows in every step. "linear": Z is propagated beforehand, as many
        times as there are convolutions, and steps are made of 4096 rows. "auto" is "linear" above 50,000 rows.
    labels_from : {"auto", "network"}, default="auto"
        Whether the guard may take the clusters of the start.
    layers : tuple of str, default=("hidden", "bottleneck", "graph_hidden", "graph")
        What `transform` returns, side by side: the last hidden layer and the bottleneck of the autoencoder, the mean of
        the last hidden layers of the streams, and the logarithm of their mean output.
    max_iter : int, default=200
        Steps of the graph network; in the linear form at least five passes.
    learning_rate : float, default=3e-3
        Peak rate of Adam for the graph network.
    tol : float, default=1e-3
        The graph network is done when twice in a row less than this share of the labels has changed in ten passes.
    backbone, augmentation, max_epochs : see ContrastiveEncoder
        Of the ContrastiveEncoder with ``encoder=None``; without effect on an encoder of your own.
    max_time : float or None, default=None
        Seconds of training: three quarters for the ContrastiveEncoder of ``encoder=None``, the rest, or with an encoder
        of your own all of it, for the graph network.
    batch_size : int, default=256
        Samples per step of the ContrastiveEncoder with ``encoder=None``.
    device : str or torch.device, default=None
        Where to train; None: the best there is. New rows go through the graph network on the CPU.
    precision : {"auto", "bfloat16", "float32"}, default="auto"
        Of the ContrastiveEncoder with ``encoder=None``.
    checkpoint_dir : str or path-like, default=None
        Where the states of both trainings are kept, so that the same call after a crash goes on from there.
    checkpoint_every : float, default=120
        Seconds between two states.
    random_state : int, RandomState instance or None, default=None
        One seed for all parts.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int32
        Labels by cluster size, largest first; equal to ``predict(X)``.
    probabilities_ : ndarray of shape (n_samples,), float64
        Largest membership of each row: ``predict_proba(X).max(axis=1)``, without running the network again.
    n_clusters_ : int
        Clusters found; below `n_clusters` only with a :class:`ClusterCollapseWarning`.
    network_labels_, spectral_labels_ : ndarray of shape (n_samples,), int32
        Labels of the network and of the spectral clustering of the coarse graph.
    encoder_labels_, spread_labels_ : ndarray of shape (n_samples,), int32, or None
        Labels of the encoder's cluster head, where it has one with `n_clusters` outputs, and these spread over the
        coarse graph: ``F <- 0.9 Ahat F + 0.1 Y``, fifty times, with Y the labels.
    cuts_ : dict of str to float
        Mean share of their edges in the coarse graph that clusters have with others, of "network", "spectral" and,
        where there are some, "encoder" and "spread".
    chosen_ : {"network", "spectral", "spread"}
        What `labels_` are.
    graphs_ : list of two csr_array of shape (n_samples, n_samples)
        The fine and the coarse graph, without self-loops.
    encoder_ : transformer or "passthrough"
    network_ : MultiScaleNetwork
    layer_sizes_, score_groups_ : tuple of int
        Widths of `layers`, and which of them hold scores of clusters.
    history_ : list of dict
        One record per pass: "epoch", "loss", its four terms, "label_change" now and then, "seconds".
    n_iter_ : int
        Passes made.
    was_interrupted_ : bool
        Whether Ctrl-C ended one of the trainings.
    image_shape_ : tuple (h, w, c) or None
    n_features_in_ : int

    Raises
    ------
    ValueError, TypeError
        Before training, for parameters out of range, or data or a graph that do not fit them.

    See Also
    --------
    DeepClusterEnsemble : Also takes this as its `encoder`.

    Notes
    -----
    A new row gets its label from the votes of its nearest rows of ``fit``. Callbacks watch the graph network, whose
    passes are the tasks; those of the encoder belong on an encoder that is passed.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import IcicleGCN
    >>> X, y = load_digits(n_class=4, return_X_y=True)
    >>> model = IcicleGCN(n_clusters=4, encoder="passthrough", max_iter=20, random_state=0).fit(X)
    >>> model.labels_.shape, model.transform(X[:5]).shape, sorted(model.cuts_)
    ((720,), (5, 264), ['network', 'spectral'])
    """

    _layers_known = LAYERS

    def __init__(
        self,
        n_clusters=10,
        *,
        image_shape=None,
        encoder=None,
        n_neighbors=(5, 15),
        n_components=64,
        hidden_sizes=(128, 128),
        fusion=(0.4, 0.2, 0.4),
        loss_weights=(0.1, 0.05, 0.01),
        normalization="symmetric",
        bottleneck="logits",
        start="auto",
        propagation="auto",
        labels_from="auto",
        layers=("hidden", "bottleneck", "graph_hidden", "graph"),
        max_iter=200,
        learning_rate=3e-3,
        tol=1e-3,
        backbone="auto",
        augmentation="auto",
        max_epochs="auto",
        max_time=None,
        batch_size=256,
        device=None,
        precision="auto",
        checkpoint_dir=None,
        checkpoint_every=120,
        random_state=None,
        verbose=0,
    ):
        self.n_clusters = n_clusters
        self.image_shape = image_shape
        self.encoder = encoder
        self.n_neighbors = n_neighbors
        self.n_components = n_components
        self.hidden_sizes = hidden_sizes
        self.fusion = fusion
        self.loss_weights = loss_weights
        self.normalization = normalization
        self.bottleneck = bottleneck
        self.start = start
        self.propagation = propagation
        self.labels_from = labels_from
        self.layers = layers
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.tol = tol
        self.backbone = backbone
        self.augmentation = augmentation
        self.max_epochs = max_epochs
        self.max_time = max_time
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(self, X, y=None, *, graph=None):
        """Train the encoder, make the graphs, train the graph network, and label the rows of `X`.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Table or images; uint8 pixels are divided by 255.
        y : Ignored
            Present by convention.
        graph : sparse matrix of shape (n, n), or pair of them, default=None
            Adjacency in place of the neighbour graphs: one for both streams, or a fine and a coarse one. Weights >= 0;
            it is made symmetric by the larger of both directions, and its diagonal is left out.

        Returns
        -------
        self : IcicleGCN
        """
        rows, self.image_shape_ = validate_rows(self, X, self.image_shape, reset=True)
        check_enough_rows(rows, check_integer("n_clusters", self.n_clusters, low=1))
        check_graph_parameters(self)
        self._layer_names()
        device = check_alone(resolve_device(self.device), "IcicleGCN")
        graphs = check_graphs(graph, len(rows))
        seed = draw_seed(self.random_state)

        # 1. Features of a network trained by contrast
        self.encoder_ = self._fit_encoder(rows, seed)
        encoded = self._encode(rows)
        features, scores = split_columns(self.encoder_, encoded.shape[1])
        has_head = len(scores) == self.n_clusters
        self.encoder_labels_ = number_by_size(encoded[:, scores].argmax(axis=1), len(scores)) if has_head else None
        self.node_features_ = fit_node_features(encoded, features, self.n_components)
        Z = self.node_features_(encoded)
        # 2. Graphs of two scales, and clusters to start from
        search = make_row_search(Z)
        k_fine, k_coarse = (min(k, len(Z) - 1) for k in self.n_neighbors)
        index, distance = search.neighbours(k_coarse)
        self.graphs_ = graphs or [neighbour_graph(index[:, :k_fine]), neighbour_graph(index)]
        first = first_equal_rows(Z, distance)
        start_name = find_start(self, first, seed)
        # 3. Graph convolutions, and labels
        start = getattr(self, f"{start_name}_labels_")
        vote = NeighbourVote(search, start, self.n_clusters, k_coarse, kernel_width(distance, 1.0))
        train_graph_network(self, Z, first, vote, start_name, device, seed)
        if self.n_clusters_ < self.n_clusters:
            warnings.warn(
                f"{self.n_clusters_} of the {self.n_clusters} clusters asked for are in use. Ask for fewer, raise "
                "max_iter, or look at spectral_labels_.",
                ClusterCollapseWarning,
                stacklevel=3,
            )
        return self

    def _fit_encoder(self, rows, seed):
        if isinstance(self.encoder, str) and self.encoder == "passthrough":
            return self.encoder
        own = seed if isinstance(self.random_state, Integral) else np.random.RandomState(seed)
        if self.encoder is not None:
            encoder = prepare_encoder(self.encoder, self.image_shape_, own)
        else:
            parameters = {name: getattr(self, name) for name in _ENCODER_PARAMETERS}
            folder = None if self.checkpoint_dir is None else Path(self.checkpoint_dir) / "encoder"
            encoder = ContrastiveEncoder(
                **parameters,
                image_shape=self.image_shape_,
                layers=("backbone", "cluster"),
                max_time=encoder_time(self.max_time),
                checkpoint_dir=folder,
                random_state=own,
            )
        return encoder.fit(rows, None)

    def _encode(self, rows):
        encoded = rows[:] if isinstance(self.encoder_, str) else self.encoder_.transform(rows)
        return check_encoded(encoded, len(rows))

    @property
    def probabilities_(self):
        """Largest membership of each row of ``fit``."""
        check_is_fitted(self, "vote_")
        return self.vote_.membership(self.vote_.search.rows).max(axis=1)

    def predict(self, X):
        """Label rows by a vote of their nearest rows of ``fit``; one of these gets its own label.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Rows like those seen in `fit`.

        Returns
        -------
        ndarray of shape (n,), int32
        """
        Z = self._nodes(X)
        return self.vote_.scores(Z)[1]

    def predict_proba(self, X):
        """Shares of the clusters in the vote, whose weights are ``exp(-d^2 / sigma^2)``.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Rows like those seen in `fit`.

        Returns
        -------
        ndarray of shape (n, n_clusters_), float64
            Rows sum to 1; the largest entry is at the predicted label.
        """
        Z = self._nodes(X)
        return self.vote_.membership(Z)

    def transform(self, X):
        """Return the chosen layers of the graph network, side by side.

        A new row has edges to its nearest rows of ``fit``, which learn nothing of it.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Rows like those seen in `fit`.

        Returns
        -------
        ndarray of shape (n, sum of layer_sizes_), float32
        """
        Z = self._nodes(X)
        index, distance = self.vote_.search.nearest(Z, self.vote_.n_neighbors)
        with torch_threads():
            return graph_layers(self.network_, self.memory_, Z, index, distance[:, 0] == 0.0, self._layer_names())

    def _nodes(self, X):
        """Features of rows as the graph network gets them."""
        check_is_fitted(self, "vote_")
        rows, _ = validate_rows(self, X, None, reset=False)
        return self.node_features_(self._encode(rows))

    def _untrained_network(self):
        return build_graph_network(self, self.node_features_.axes.shape[1])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
