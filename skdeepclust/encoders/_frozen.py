# SPDX-License-Identifier: BSD-3-Clause
"""The frozen encoder: inner layers of a trained network of the user's, as a transformer."""

import copy
import os
from dataclasses import replace
from itertools import chain

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._support._array_file import write_array
from .._support._images import validate_rows
from .._support._parameters import check_choice, check_integer
from .._support._saving import SaveMixin
from ..nn.device import keep_freed_memory, resolve_device, torch_threads
from ..nn.inference import extract_layers
from ..nn.inner_layers import InnerLayers, check_layer_names
from ..nn.module_state import restore, store
from ..nn.pooling import POOLINGS
from ..nn.samples import SampleReader, fit_reader
from ._layer_names import LayerNamesMixin
from ._settled_device import settled_device

_BATCH = 64
# On a CPU. A few outputs of that size are what the C library keeps for the next layer when they are freed, see
# keep_freed_memory; clearing new pages in every pass can take twice the time of the network (benchmarks.speed.passes).
_LARGEST_OUTPUT = 14 * 2**20


class FrozenEncoder(LayerNamesMixin, SaveMixin, TransformerMixin, BaseEstimator):
    """Return the features of inner layers of a trained network, which is not trained any further.

    For a network from torchvision, timm, Hugging Face or a training of your own: what it knows of your data lies in
    several of its layers, and :class:`~skdeepclust.DeepClusterEnsemble` clusters them one by one and combines the
    clusterings.

    Parameters
    ----------
    module : nn.Module
        The trained network. It is called with one tensor, in evaluation mode and without gradients, and left as it
        was: weights, and the mode of each of its parts.
    layers : tuple of str
        Dotted names of the submodules whose outputs are the features, as ``module.named_modules()`` lists them; ""
        is the whole module.
    image_shape : tuple (h, w) or (h, w, c), default=None
        What the rows of a 2-D `X` are when they are flattened images; None for a table. Arrays (n, h, w) and
        (n, h, w, c) are images by themselves.
    preprocess : callable or None, default=None
        Applied to each batch before the module: resizing, normalisation. Images come as float32 (n, c, h, w) with
        values in [0, 1], rows of a table as float32 (n, d), as they are. None passes them on.
    pooling : {"avg", "cls", "flatten"} or callable, default="avg"
        How an output becomes one row per sample. "avg": the mean over positions, of (n, c, h, w), or over tokens, of
        (n, tokens, c). "cls": the first token. "flatten": all values. "avg" and "cls" take (n, features) as it is. A
        callable gets a tensor and returns (n, features).
    batch_size : int or "auto", default="auto"
        Rows in a pass. The last pass is padded to this number. "auto" is 64, on a CPU as many of these as keep every
        output of every part of the module at or below 14 MiB.
    precision : {"auto", "bfloat16", "float32"}, default="auto"
        Of the passes; "auto" is bfloat16 where the hardware multiplies it. Features are float32 always.
    device : str or torch.device, default=None
        None: the best there is, CUDA, XPU, MPS, CPU. A module that lies elsewhere is copied there.
    features_dir : str or path-like, default=None
        Where `transform` writes the features of more rows than go into a pass, a new file ``features-*.npy`` for each
        call, which is there whole or not at all. It returns the file as a read-only ``numpy.memmap``.
    verbose : int, default=0
        1 shows a progress bar in `transform`.

    Attributes
    ----------
    layer_sizes_ : tuple of int
        Widths of `layers`: `group_sizes` of :class:`~skdeepclust.BaseClusterings` behind it in a pipeline.
    image_shape_ : tuple (h, w, c) or None
    largest_output_ : int
        Bytes of the largest output of any part of the module for one row.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when `X` has string column names.

    Raises
    ------
    TypeError
        If `module` is no ``nn.Module``, or a layer returns no tensor or several from which none can be chosen.
    ValueError
        For parameters out of range, names that are no submodules, a module that cannot process the rows, or outputs
        that do not go with `pooling`; the message names the layer.
    FloatingPointError
        If features are not finite.

    See Also
    --------
    DeepClusterEnsemble : Clusters what this returns, layer by layer.
    ContrastiveEncoder : Trains a network; behind this one in a pipeline, heads on its features.

    Notes
    -----
    What a tuple stands for is its first tensor, what a dict stands for its "last_hidden_state" or its only tensor. If
    a layer is called several times in a pass, its last output counts.

    `fit` looks at the widths of the layers and at the range of images: uint8 pixels are divided by 255, floats in
    [0, 1] are taken as they are, and any other range is mapped to [0, 1] by one shift and one scale. Where the pixels
    of 95 % of the images fill less than half of another range, their range is mapped, and others are clamped.

    The result for a row does not depend on the rows it comes with: all passes have one size.

    A pickle holds the module's parameters and buffers as CPU arrays and its class by name, as all pickles do.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from torch import nn
    >>> from skdeepclust import FrozenEncoder
    >>> network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3))  # yours is a trained one
    >>> encoder = FrozenEncoder(network, layers=("1", "2"))
    >>> encoder.fit_transform(load_digits().images[:100]).shape, encoder.layer_sizes_
    ((100, 24), (8, 16))
    """

    def __init__(
        self,
        module,
        layers,
        *,
        image_shape=None,
        preprocess=None,
        pooling="avg",
        batch_size="auto",
        precision="auto",
        device=None,
        features_dir=None,
        verbose=0,
    ):
        self.module = module
        self.layers = layers
        self.image_shape = image_shape
        self.preprocess = preprocess
        self.pooling = pooling
        self.batch_size = batch_size
        self.precision = precision
        self.device = device
        self.features_dir = features_dir
        self.verbose = verbose

    def fit(self, X, y=None):
        """Check the parameters with two rows of `X`, and learn the widths of the layers and the range of images.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
            Table or images. Read batch by batch, never copied whole.
        y : Ignored
            Present by convention.

        Returns
        -------
        self : FrozenEncoder
        """
        layers = self._check_parameters()
        X, image_shape = validate_rows(self, X, self.image_shape, reset=True)
        device = resolve_device(self.device)
        if image_shape is None:
            reader = SampleReader(None, np.zeros(X.shape[1]), np.ones(X.shape[1]), device)
        else:
            reader = replace(fit_reader(X, image_shape, device, keeps_units=True), smallest_side=0)
        network = InnerLayers(self._module_on(device), self.preprocess, self.pooling, self.precision)
        with torch_threads():
            outputs = network.layers(reader(X[:2]), layers)
            self.largest_output_ = network.largest_output(reader(X[:1]))
        self.network_, self.reader_, self.image_shape_ = network, reader, image_shape
        self.layer_sizes_ = tuple(rows.shape[1] for rows in outputs)
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
            A ``numpy.memmap`` with `features_dir`.
        """
        from tqdm.auto import tqdm

        check_is_fitted(self, "layer_sizes_")
        X, _ = validate_rows(self, X, None, reset=False)
        self._settle()
        batch_size = self._rows_in_a_pass()
        keep_freed_memory()

        def fill(out):
            with torch_threads(), tqdm(total=len(X), desc="features", unit="row", disable=not self.verbose) as bar:
                layers = self._layer_names()
                extract_layers(
                    self.network_, self.reader_, X, layers, batch_size=batch_size, out=out, report=bar.update
                )

        shape = len(X), sum(self.layer_sizes_)
        if self.features_dir is not None and len(X) > batch_size:
            return write_array(self.features_dir, "features-", shape, fill)
        features = np.empty(shape, np.float32)
        fill(features)
        return features

    def _layer_names(self):
        return tuple(self.network_.layer_sizes)

    def _check_parameters(self):
        """Check all parameters that can be checked without data; return the names of the layers."""
        if not isinstance(self.module, torch.nn.Module):
            raise TypeError(f"module must be a torch.nn.Module; got {self.module!r}.")
        layers = check_layer_names(self.module, self.layers)
        if self.preprocess is not None and not callable(self.preprocess):
            raise TypeError(f"preprocess must be None or a callable on batches of tensors; got {self.preprocess!r}.")
        if not callable(self.pooling):
            check_choice("pooling", self.pooling, POOLINGS, "Or pass a callable from a tensor to (n, features).")
        if not (isinstance(self.batch_size, str) and self.batch_size == "auto"):
            check_integer("batch_size", self.batch_size, low=1, hint="Or use 'auto'.")
        check_choice("precision", self.precision, ("auto", "bfloat16", "float32"))
        if self.features_dir is not None and not isinstance(self.features_dir, str | os.PathLike):
            raise TypeError(f"features_dir must be None or the path of a folder; got {self.features_dir!r}.")
        check_integer("verbose", self.verbose, low=0)
        return layers

    def _module_on(self, device):
        """The module itself, or a copy on `device` if it lies elsewhere."""
        tensors = chain(self.module.parameters(), self.module.buffers())
        is_there = all(tensor.device == device for tensor in tensors)
        return self.module if is_there else copy.deepcopy(self.module).to(device)

    def _settle(self):
        """Put an encoder that was just unpickled on the best device this machine has."""
        if self.reader_.device is None:
            self._put_on(settled_device(self.device))

    def _put_on(self, device):
        """Let the network, if there is one, run on a device."""
        if hasattr(self, "network_"):
            device = resolve_device(device)
            self.network_ = replace(self.network_, module=self._module_on(device))
            self.reader_ = self.reader_.on(device)

    def _rows_in_a_pass(self):
        if self.batch_size != "auto":
            return self.batch_size
        on_cpu = self.reader_.device.type == "cpu"
        return min(_BATCH, max(1, _LARGEST_OUTPUT // self.largest_output_)) if on_cpu else _BATCH

    _given_back = ("preprocess", "pooling")

    def _saved_state(self):
        return super()._saved_state() | {"module": self.module}

    def __getstate__(self):
        """Leave the device out of the pickle, and the place in memory, so that equal encoders have equal hashes.

        The module travels with arrays for tensors, and once: what `network_` runs is made of it where it is loaded.
        """
        state = dict(super().__getstate__())
        if isinstance(self.module, torch.nn.Module):
            state["module"] = store(self.module)
        if "network_" in state:
            state["network_"] = replace(self.network_, module=None)
            state["reader_"] = self.reader_.on(None)
        return state

    def __setstate__(self, state):
        if isinstance(state["module"], torch.nn.Module):
            state = {**state, "module": restore(state["module"])}
        super().__setstate__(state)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
