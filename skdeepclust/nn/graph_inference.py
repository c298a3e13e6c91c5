# SPDX-License-Identifier: BSD-3-Clause
"""Layers of a trained graph network, for its own nodes and for new ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .graph_convolution import NewNodes, SmoothedRows, SparseMatrix, WholeGraphs
from .multi_scale_network import LAYERS, MultiScaleNetwork, read_layers


def smooth(matrix: SparseMatrix, z: Tensor, n_hops: int) -> list[Tensor]:
    """Features of the nodes, propagated 0 to `n_hops` times: ``[Z, Ahat Z, ..., Ahat^n_hops Z]``."""
    powers = [z]
    for _ in range(n_hops):
        powers.append(matrix @ powers[-1])
    return powers


@dataclass(frozen=True)
class Edges:
    """How new nodes are joined to one of the graphs: to their nearest nodes, by edges of the mean weight.

    Parameters
    ----------
    n_neighbors : int
        k.
    weight : float
        w of an edge; 1 in a graph without weights.
    degree : Tensor of shape (n,)
        Row sums D_j of A + I.
    normalization : {"symmetric", "row"}
        A new node has ``D = k w + 1``. "symmetric" makes edges ``w / sqrt(D D_j)``, "row" makes them ``w / D``; its own
        loop has ``1 / D`` either way.
    """

    n_neighbors: int
    weight: float
    degree: Tensor
    normalization: str

    def to(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Weights (b, k) of the edges to the nodes `index` (b, k), and of the loops (b, 1)."""
        own = 1 / (self.n_neighbors * self.weight + 1)
        loops = torch.full((len(index), 1), own)
        if self.normalization == "row":
            return torch.full(index.shape, own * self.weight), loops
        return self.weight * (own / self.degree[index]).sqrt(), loops


@dataclass(frozen=True)
class GraphMemory:
    """What has to be kept of the nodes so that layers of new ones can be computed; all on the CPU.

    Parameters
    ----------
    sent : list of dict
        For each stream what the layers send along the edges (n, w), by depth; in the linear form the features
        propagated so many times.
    n_hops : int or None
        Times that the linear form propagates; None where every layer does.
    edges : list of Edges
        For each stream.
    layers : Tensor of shape (n, sum of layer sizes)
        All layers of the nodes themselves, side by side.
    """

    sent: list[dict[int, Tensor]]
    n_hops: int | None
    edges: list[Edges]
    layers: Tensor


def remember(
    network: MultiScaleNetwork, z: Tensor, graphs: WholeGraphs | Sequence[Sequence[Tensor]], edges: list[Edges]
) -> GraphMemory:
    """Run all nodes through the network once more, and keep what their new neighbours will need.

    Parameters
    ----------
    network : MultiScaleNetwork
    z : Tensor of shape (n, d)
    graphs : WholeGraphs, or for each stream the features propagated 0 to m times
    edges : list of Edges
    """
    with torch.no_grad():
        if isinstance(graphs, WholeGraphs):
            graphs.sent = [{0: z} for _ in graphs.matrices]
            layers = read_layers(network(z, graphs), LAYERS)
            sent, graphs.sent = graphs.sent, None
            n_hops = None
        else:
            sent, n_hops = [dict(enumerate(powers[:-1])) for powers in graphs], len(graphs[0]) - 1
            parts = []
            for rows in torch.arange(len(z)).split(8192):
                means = SmoothedRows([powers[-1][rows] for powers in graphs])
                parts.append(torch.cat(read_layers(network(z[rows], means), LAYERS), dim=1))
            layers = [torch.cat(parts)]
    kept = [{depth: x.cpu() for depth, x in stream.items()} for stream in sent]
    return GraphMemory(kept, n_hops, edges, torch.cat(layers, dim=1).cpu())


def graph_layers(
    network: MultiScaleNetwork,
    memory: GraphMemory,
    Z: np.ndarray,
    index: np.ndarray,
    is_node: np.ndarray,
    names: tuple[str, ...],
) -> np.ndarray:
    """Layers of any rows, side by side; those of a row do not depend on the others.

    Parameters
    ----------
    network : MultiScaleNetwork
        On the CPU.
    memory : GraphMemory
    Z : ndarray of shape (m, d), float32
        Input features of the rows.
    index : ndarray of shape (m, K)
        Their nearest nodes, K at least the number of neighbours in either graph.
    is_node : ndarray of shape (m,), bool
        Whether a row equals its nearest node, whose layers it then gets.
    names : tuple of str
        Of the layers.

    Returns
    -------
    ndarray of shape (m, sum of layer sizes), float32

    Notes
    -----
    New rows go through the network one at a time: products of few columns differ in the last bit by where in a batch a
    row stands.
    """
    columns = _columns(network, names)
    out = memory.layers.numpy()[index[:, 0]][:, columns]
    new = np.flatnonzero(~is_node)
    with torch.inference_mode():
        for row in new:
            z, near = torch.from_numpy(Z[[row]]), torch.from_numpy(index[[row]].astype(np.int64))
            out[row] = _layers_of_new(network, memory, z, near, names).numpy()
    return out


def _layers_of_new(network, memory, z, near, names):
    index = [near[:, : edges.n_neighbors] for edges in memory.edges]
    weight, own = zip(*(edges.to(i) for edges, i in zip(memory.edges, index)))
    nodes = NewNodes(memory.sent, index, weight, own)
    if memory.n_hops is None:
        return torch.cat(read_layers(network(z, nodes), names), dim=1)
    means = []
    for stream in range(len(memory.edges)):
        x = z
        for hop in range(memory.n_hops):
            x = nodes(x, stream, hop)
        means.append(x)
    return torch.cat(read_layers(network(z, SmoothedRows(means)), names), dim=1)


def _columns(network, names):
    """Places of the named layers among all of them."""
    ends = np.cumsum([0, *(network.layer_sizes[name] for name in LAYERS)])
    return np.concatenate([np.arange(ends[i], ends[i + 1]) for i in (LAYERS.index(name) for name in names)])
