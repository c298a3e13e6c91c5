# SPDX-License-Identifier: BSD-3-Clause
"""From the parameters of IcicleGCN and the user's graph to what the training takes: checked, without any "auto"."""

import numpy as np

from .._support._parameters import check_choice, check_integer, check_integer_range, check_real
from ..cluster._neighbour_graph import check_graph
from ..nn.graph_training import GraphRecipe

MAX_LAYERED_ROWS = 50_000  # above, steps on all rows take too long and too much memory
_LINEAR_BATCH = 4096
_LEAST_PASSES = 5
_START_SHARE = 0.25
_TRAINING_SHARE = 0.75  # of `max_time`, for the encoder


def check_graph_parameters(model):
    """Refuse parameters of `model` that are out of range, in whatever order they will be used.

    Raises
    ------
    ValueError, TypeError
    """
    check_integer_range("n_neighbors", model.n_neighbors, low=1)
    check_integer("n_components", model.n_components, low=1)
    if not isinstance(model.hidden_sizes, (tuple, list)) or not model.hidden_sizes:
        raise TypeError(f"hidden_sizes must be a tuple of one or more integers >= 1; got {model.hidden_sizes!r}.")
    for size in model.hidden_sizes:
        check_integer("hidden_sizes", size, low=1)
    check_three("fusion", model.fusion)
    check_three("loss_weights", model.loss_weights)
    check_choice("normalization", model.normalization, ("symmetric", "row"))
    check_choice("bottleneck", model.bottleneck, ("logits", "softmax"))
    check_choice("start", model.start, ("auto", "spectral", "kmeans"))
    check_choice("propagation", model.propagation, ("auto", "layers", "linear"))
    check_choice("labels_from", model.labels_from, ("auto", "network"))
    check_integer("max_iter", model.max_iter, low=1)
    check_real("learning_rate", model.learning_rate, low=0, closed_low=False)
    check_real("tol", model.tol, low=0)
    check_real("checkpoint_every", model.checkpoint_every, low=0)
    check_integer("verbose", model.verbose, low=0)
    if model.max_time is not None:
        check_real("max_time", model.max_time, low=0, closed_low=False)


def check_three(name, value):
    """Return `value` as three floats >= 0."""
    if not isinstance(value, (tuple, list, np.ndarray)) or len(value) != 3:
        raise TypeError(f"{name} must be three numbers >= 0; got {value!r}.")
    return tuple(check_real(name, v, low=0) for v in value)


def check_graphs(graph, n):
    """Return the user's graph or pair of graphs as two adjacencies of `n` rows, None if there is none."""
    if graph is None:
        return None
    if isinstance(graph, (tuple, list)):
        if len(graph) != 2:
            raise ValueError(f"graph must be one matrix or a pair of them, a fine and a coarse one; got {len(graph)}.")
        return [check_graph(one, n, f"graph[{i}]") for i, one in enumerate(graph)]
    return [check_graph(graph, n)] * 2


def is_linear(propagation, n):
    """Whether features of `n` rows are propagated once, before the training, instead of in every layer."""
    return propagation == "linear" or (propagation == "auto" and n > MAX_LAYERED_ROWS)


def encoder_time(max_time):
    """Share of `max_time` for the encoder, None without a limit."""
    return None if max_time is None else _TRAINING_SHARE * max_time


def settle_graph_recipe(model, n, linear):
    """The recipe of the graph network for `n` rows: what of `max_time` is not the encoder's is for it."""
    batch_size = min(_LINEAR_BATCH, n) if linear else n
    max_epochs = max(_LEAST_PASSES, -(-model.max_iter // (n // batch_size))) if linear else model.max_iter
    max_time = model.max_time
    if max_time is not None and model.encoder is None:
        max_time = max_time - encoder_time(max_time)
    return GraphRecipe(
        max_epochs=max_epochs,
        batch_size=batch_size,
        learning_rate=float(model.learning_rate),
        loss_weights=check_three("loss_weights", model.loss_weights),
        start_share=_START_SHARE,
        max_time=max_time,
    )
