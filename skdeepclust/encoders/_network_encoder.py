# SPDX-License-Identifier: BSD-3-Clause
"""What encoders that train a network have in common: all but their parameters, their network and its training."""

import copy
import warnings
from numbers import Integral

import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._support._callbacks import CallbackSupportMixin
from .._support._flattened_images import advice_on_flattened_images
from .._support._images import check_enough_rows, validate_rows
from .._support._parameters import check_integer, check_real, draw_seed
from .._support._warnings import WeakRecipeWarning
from ..nn.augment import build_augmentation
from ..nn.device import resolve_device, torch_threads
from ..nn.inference import extract_layers
from ..nn.ranks import find_ranks
from ..nn.samples import fit_reader
from ._layer_names import LayerNamesMixin
from ._run_training import run_training
from ._saved_network import SaveNetworkMixin
from ._settled_device import settled_device


class NetworkEncoder(LayerNamesMixin, SaveNetworkMixin, CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Base of the transformers that train a network and return the features of its layers.

    A subclass has the parameters `n_clusters`, `image_shape`, `layers`, `augmentation`, `max_epochs`, `max_time`,
    `device`, `checkpoint_dir`, `checkpoint_every`, `random_state` and `verbose`, and implements `_recipe`,
    `_build_network` and `_build_training`. Its `fit` calls `_fit`.
    """

    _identity: tuple[str, ...]  # parameters that a checkpoint belongs to, beside the recipe

    def _recipe(self, n, image_shape):
        """Check the parameters of network and training; return the recipe for `n` rows."""
        raise NotImplementedError

    def _build_augmentation(self, in_shape):
        return build_augmentation(self.augmentation, in_shape)

    def _build_network(self, in_shape):
        """Return a new network for samples of `in_shape`, with `layer_sizes` and `layers`."""
        raise NotImplementedError

    def _build_training(self, network, reader, X, augment, recipe, seed, ranks):
        """Return a :class:`~skdeepclust.nn.training_loop.TrainingLoop`."""
        raise NotImplementedError

    def _fitted(self, training):
        """Return fitted attributes beside those that all encoders have, by name."""
        return {}

    def _warn_before(self, recipe, image_shape):
        """Warn of what has been checked and is allowed, right before the training."""

    def _warn_of_flattened_images(self, X):
        chosen = (getattr(self, name, "auto") for name in ("augmentation", "backbone"))
        advice = advice_on_flattened_images(X) if all(isinstance(c, str) and c == "auto" for c in chosen) else None
        if advice is not None:
            warnings.warn(
                f"The rows of X look like flattened images of {advice}. As a table they get neither convolutions nor "
                "augmentations of images, and less is found. If they are none, augmentation='table' silences this.",
                WeakRecipeWarning,
                stacklevel=5,
            )

    def _fit(self, X, monitor=None):
        layers = self._layer_names()
        X, image_shape = validate_rows(self, X, self.image_shape, reset=True)
        check_enough_rows(X, check_integer("n_clusters", self.n_clusters, low=1))
        recipe = self._recipe(len(X), image_shape)
        save_every = check_real("checkpoint_every", self.checkpoint_every, low=0)
        ranks = find_ranks(resolve_device(self.device))
        ranks.part(min(recipe.batch_size, len(X)))  # before anything takes time
        reader = fit_reader(X, image_shape, ranks.device)
        augment = self._build_augmentation(reader.in_shape)
        if image_shape is None:
            self._warn_of_flattened_images(X)
        self._warn_before(recipe, image_shape)
        seed = ranks.broadcast_object(draw_seed(self.random_state))
        # Any other random_state draws a new seed in every call; a training that goes on has the one it began with.
        identity = {"seed": seed if isinstance(self.random_state, Integral) else None}
        identity |= {name: getattr(self, name) for name in self._identity}
        identity["image_shape"] = image_shape

        # Weights, order and augmentation draw from torch's global generator: fork it, so that the user's is untouched.
        fork = torch.random.fork_rng(devices=[ranks.device] if ranks.device.type == "cuda" else [])
        with fork, torch_threads():
            torch.manual_seed(seed)
            network = self._build_network(reader.in_shape)
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
                    **self._fitted(training),
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
        return extract_layers(self.network_, self.reader_, X, self._layer_names())

    def _settle(self):
        """Move a network that was just unpickled to the best device this machine has."""
        if self.reader_.device is None:
            self._put_on(settled_device(self.device))

    def _put_on(self, device):
        """Move the network, if there is one, to a device."""
        if hasattr(self, "network_"):
            device = resolve_device(device)
            self.network_.to(device)
            self.reader_ = self.reader_.on(device)

    def _untrained_network(self):
        return self._build_network(self.reader_.in_shape)

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
