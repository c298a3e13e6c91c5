# SPDX-License-Identifier: BSD-3-Clause
"""The second stage of IcicleGCN: the graph network is trained on the graphs of an estimator, and its labels judged."""

import copy
import hashlib
from dataclasses import replace
from numbers import Integral

import numpy as np
import torch

from ..cluster._graph_cut import normalised_cut
from ..cluster._neighbour_graph import normalised
from ..consensus._labels import number_by_size
from ..encoders._run_training import run_training
from ..nn.device import torch_threads
from ..nn.graph_convolution import SparseMatrix, WholeGraphs
from ..nn.graph_inference import Edges, remember, smooth
from ..nn.graph_training import GraphTraining
from ..nn.multi_scale_network import MultiScaleNetwork
from ._first_centers import cluster_means, kmeans_centers
from ._graph_plan import is_linear, settle_graph_recipe
from ._label_monitor import LabelMonitor


def train_graph_network(model, Z, first, vote, start_name, device, seed):
    """Train the graph network of `model` and set what is fitted.

    Parameters
    ----------
    model : IcicleGCN
        Its parameters are checked; it has its encoder, its graphs, the labels that are found without training and
        their cuts.
    Z : ndarray of shape (n, d), float32
        Features of the nodes.
    first : ndarray of shape (n,)
        For each node the first one that equals it.
    vote : NeighbourVote
        With the labels to start from; what labels new rows is the same with others.
    start_name : {"spectral", "spread"}
        What these are.
    device : torch.device
    seed : int
    """
    start = vote.labels
    linear = is_linear(model.propagation, len(Z))
    recipe = settle_graph_recipe(model, len(Z), linear)
    fork = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
    with fork, torch_threads():
        torch.manual_seed(seed)
        network = build_graph_network(model, Z.shape[1]).to(device)
        z = torch.from_numpy(Z).to(device)
        matrices = [SparseMatrix(normalised(A, model.normalization), device) for A in model.graphs_]
        if linear:
            graphs = [smooth(matrix, z, len(model.hidden_sizes) + 2) for matrix in matrices]
            seen = [powers[-1] for powers in graphs]
        else:
            graphs = seen = WholeGraphs(matrices, z)
        has_targets = model.start != "kmeans"
        training = GraphTraining(
            network,
            Z,
            seen,
            start if has_targets else None,
            lambda h, labels: (
                cluster_means(h, labels, model.n_clusters)
                if has_targets
                else kmeans_centers(h, model.n_clusters, seed, n_init=20)
            ),
            recipe,
            seed,
        )
        run_training(
            model,
            training,
            identity=_identity(model, linear, seed),
            save_every=float(model.checkpoint_every),
            fitted_attributes=lambda network: {
                **_fitted(model, network, remember(network, z, graphs, _edges(model)), first, vote, start_name),
                "history_": training.history,
                "n_iter_": len(training.history),
                "was_interrupted_": training.was_interrupted or getattr(model.encoder_, "was_interrupted_", False),
            },
            monitor=LabelMonitor(model.tol),
        )


def build_graph_network(model, n_features):
    """A new network for `n_features` of each node, as the parameters of `model` describe it."""
    return MultiScaleNetwork(
        n_features, tuple(model.hidden_sizes), model.n_clusters, tuple(model.fusion), model.bottleneck
    )


def _edges(model):
    return [
        Edges(
            min(k, A.shape[0] - 1),
            float(A.data.mean()) if A.nnz else 1.0,
            torch.from_numpy(np.asarray(A.sum(axis=1), np.float32).reshape(-1) + 1),
            model.normalization,
        )
        for k, A in zip(model.n_neighbors, model.graphs_, strict=True)
    ]


def _identity(model, linear, seed):
    """What the training of the graph network depends on, beside its recipe and the features."""
    names = ("n_clusters", "hidden_sizes", "fusion", "normalization", "bottleneck", "start", "tol")
    digest = hashlib.sha256()
    for A in model.graphs_:
        for part in (A.indptr, A.indices, A.data):
            digest.update(np.ascontiguousarray(part).tobytes())
    return {
        "seed": seed if isinstance(model.random_state, Integral) else None,
        "linear": linear,
        "graphs": digest.hexdigest()[:16],
        **{name: getattr(model, name) for name in names},
    }


def _fitted(model, network, memory, first, vote, start_name):
    """Attributes of an estimator with this graph network."""
    layers = model._layer_names()
    scores = memory.layers[:, -model.n_clusters :].argmax(dim=1).numpy()  # "graph" is the last of all layers
    labellings = {
        "network": number_by_size(scores[first], model.n_clusters),
        start_name: getattr(model, f"{start_name}_labels_"),
    }
    of_network = normalised_cut(model.graphs_[1], labellings["network"], model.n_clusters)
    cuts = model.cuts_ | {"network": of_network}
    chosen = min(labellings, key=cuts.get) if model.labels_from == "auto" else "network"
    labels = labellings[chosen]
    n_clusters = int(labels.max()) + 1
    return {
        "network_": copy.deepcopy(network).cpu(),
        "memory_": memory,
        "layer_sizes_": tuple(network.layer_sizes[name] for name in layers),
        "score_groups_": tuple(i for i, name in enumerate(layers) if name == "graph"),
        "network_labels_": labellings["network"],
        "cuts_": cuts,
        "chosen_": chosen,
        "labels_": labels,
        "n_clusters_": n_clusters,
        "vote_": replace(vote, labels=labels, n_clusters=n_clusters),
    }
