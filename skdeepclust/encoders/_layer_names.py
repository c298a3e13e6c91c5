# SPDX-License-Identifier: BSD-3-Clause
"""Names of layers: which a user may choose, and what the features of the chosen ones are called."""

import numpy as np
from sklearn.utils.validation import check_is_fitted


class LayerNamesMixin:
    """``get_feature_names_out`` for transformers that return the features of several layers, side by side.

    The estimator has a `network_` with `layer_sizes` once it is fitted, and the parameter `layers` with names from
    `_layers_known`, or its own `_layer_names`.
    """

    _layers_known: tuple[str, ...]

    def _layer_names(self):
        """Check and return the names of the layers that `transform` returns."""
        return check_layers(self.layers, self._layers_known)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features: the layer and the position in it, as in "backbone_17".

        Parameters
        ----------
        input_features : Ignored
            Present by convention.

        Returns
        -------
        ndarray of str objects
            The layer "", a whole module, is called "output".
        """
        check_is_fitted(self, "network_")
        sizes = self.network_.layer_sizes
        layers = [(name or "output", sizes[name]) for name in self._layer_names()]
        return np.array([f"{name}_{i}" for name, width in layers for i in range(width)], dtype=object)


def check_layers(layers, known):
    """Return `layers` as a tuple of different layer names that are `known`."""
    names = (layers,) if isinstance(layers, str) else layers
    if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"layers must be a tuple of layer names from {known}; got {layers!r}.")
    if not names or len(set(names)) < len(names) or not set(names) <= set(known):
        raise ValueError(f"layers must be one or more different names from {known}; got {layers!r}.")
    return tuple(names)
