# SPDX-License-Identifier: BSD-3-Clause
"""The training of the multi-scale graph network: self-adaptive targets, one pass per step."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .graph_convolution import Propagation, SmoothedRows, WholeGraphs
from .multi_scale_network import MultiScaleNetwork, Outputs, log_membership
from .recipe import learning_rate_factor
from .self_training import divergence, safe_log, student_t_assignment, target_distribution
from .training_loop import TrainingLoop

TERMS = ("reconstruction", "bottleneck_loss", "graph_a_loss", "graph_b_loss")


@dataclass(frozen=True)
class GraphRecipe:
    """How to train the graph network; all numbers, no data.

    Parameters
    ----------
    max_epochs : int
        Passes over the data; with whole graphs a pass is a step.
    batch_size : int
        Rows per step; with whole graphs all of them.
    learning_rate : float
        Peak rate of Adam; linear warm-up, then a cosine down to zero.
    loss_weights : tuple of three floats
        (alpha, beta, eta): of the bottleneck and of the two streams.
    start_share : float
        Share of the training in which the network learns to reconstruct, and the labels to start from where there are
        some; after it, the centres are set and the targets are its own.
    max_time : float or None, default=None
        Seconds of training, at most.
    cool_down : float, default=0.25
        Share of the steps made so far that a training takes to come to its end when it is asked to.
    """

    max_epochs: int
    batch_size: int
    learning_rate: float
    loss_weights: tuple[float, float, float]
    start_share: float
    max_time: float | None = None
    cool_down: float = 0.25

    def decides(self) -> dict[str, object]:
        """Return what the result of a training depends on, as plain values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def towards(p: Tensor, found: Outputs, log_q: Tensor, z: Tensor, weights: Sequence[float]) -> Tensor:
    """Terms of the loss for given targets, whose sum is the loss.

    ::

        L = |Z - Zhat|^2 / (n d) + alpha KL(P || Q) + beta KL(P || out_a) + eta KL(P || out_b)

    Parameters
    ----------
    p : Tensor of shape (n, K)
        Targets, without graph.
    found : Outputs
        Of the network.
    log_q : Tensor of shape (n, K)
        Logarithm of what the bottleneck says.
    z : Tensor of shape (n, d)
        Input features.
    weights : sequence of three floats
        alpha, beta, eta.

    Returns
    -------
    Tensor of shape (4,)

    Notes
    -----
    Xu et al. (arXiv 2207.07173), eq. 17-20, scaled as in their code: means over entries and rows, not sums.
    """
    says = (log_q, *(x.log_softmax(1) for x in found.logits))
    return torch.stack([F.mse_loss(found.reconstruction, z), *(w * divergence(p, q) for w, q in zip(weights, says))])


def self_training_terms(
    network: MultiScaleNetwork, z: Tensor, propagate: Propagation, weights
) -> tuple[Tensor, Outputs]:
    """Terms of the loss with the targets of the network's own q, and the outputs, from a single pass.

    The targets are a function of q, which the pass that has to be made for the loss finds anyway: a pass of its own
    for them, between which and the other nothing changes, would find the same.
    """
    found = network(z, propagate)
    q = student_t_assignment(network.assigned(found.bottleneck), network.centers)
    return towards(target_distribution(q), found, safe_log(q), z, weights), found


class GraphTraining(TrainingLoop):
    """Train a :class:`MultiScaleNetwork` in place.

    1. For `recipe.start_share` of the training: reconstruct, and tell the start labels, where there are some, from the
       bottleneck and in both streams.
    2. Once: set the centres.
    3. Targets P from the assignments Q to the centres, anew in every step; see :func:`towards`.

    Parameters
    ----------
    network : MultiScaleNetwork
    Z : ndarray of shape (n, d), float32
        Input features.
    graphs : WholeGraphs or sequence of Tensor of shape (n, d)
        The graphs, or for each stream the features that they have smoothed, for steps of some rows.
    start : ndarray of shape (n,) or None
        Labels to start from.
    find_centers : callable
        Gets the bottleneck of all rows (n, K) and the start labels (n,) or None, and returns the centres (K, K).
    recipe : GraphRecipe
    seed : int

    Attributes
    ----------
    labels : Tensor of shape (n,), int64
        For every row the largest output of the streams' mean, when it was last seen.
    is_started : bool
        Whether the centres are set.
    history, progress, step, notes, was_interrupted
        See :class:`~skdeepclust.nn.training_loop.TrainingLoop`; the terms of the loss are "reconstruction",
        "bottleneck_loss", "graph_a_loss" and "graph_b_loss".
    """

    TERMS: tuple[str, ...] = TERMS

    def __init__(
        self,
        network: MultiScaleNetwork,
        Z: np.ndarray,
        graphs: WholeGraphs | Sequence[Tensor],
        start: np.ndarray | None,
        find_centers: Callable[[np.ndarray, np.ndarray | None], np.ndarray],
        recipe: GraphRecipe,
        seed: int,
    ):
        device = network.centers.device
        optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate)
        super().__init__(network, optimizer, Z, recipe, seed)
        self.network: MultiScaleNetwork = network
        self.z = torch.from_numpy(Z).to(device)
        self.graphs, self.find_centers = graphs, find_centers
        self.start = None if start is None else torch.from_numpy(start).long().to(device)
        self.labels = torch.zeros(len(Z), dtype=torch.int64, device=device)
        self.is_started = False

    def make_step(self, batch: Tensor, progress: float) -> Tensor:
        if not self.is_started and progress >= self.recipe.start_share:
            self._set_centers()
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * learning_rate_factor(self.step, progress)
        rows, propagate = self._rows(batch)
        self.optimizer.zero_grad()
        if self.is_started:
            terms, found = self_training_terms(self.network, self.z[rows], propagate, self.recipe.loss_weights)
        else:
            terms, found = self._start_terms(rows, propagate)
        terms.sum().backward()
        self.optimizer.step()
        self.labels[rows] = log_membership(found.logits).detach().argmax(1)
        return terms.detach()

    def _rows(self, batch: Tensor) -> tuple[slice | Tensor, Propagation]:
        """The rows of a step, and how they propagate."""
        if isinstance(self.graphs, WholeGraphs):
            return slice(None), self.graphs
        rows = batch.to(self.z.device)
        return rows, SmoothedRows([means[rows] for means in self.graphs])

    def _start_terms(self, rows, propagate) -> tuple[Tensor, Outputs]:
        z = self.z[rows]
        found = self.network(z, propagate)
        if self.start is None:
            rebuilt = F.mse_loss(found.reconstruction, z)
            return torch.cat([rebuilt.reshape(1), rebuilt.new_zeros(3)]), found
        p = F.one_hot(self.start[rows], found.bottleneck.shape[1]).to(z.dtype)
        return towards(p, found, found.bottleneck.log_softmax(1), z, self.recipe.loss_weights), found

    def _set_centers(self) -> None:
        with torch.no_grad():
            _, h = self.network.autoencoder.encode(self.z)
            start = None if self.start is None else self.start.cpu().numpy()
            centers = self.find_centers(self.network.assigned(h).cpu().numpy(), start)
            self.network.centers.copy_(torch.from_numpy(np.asarray(centers, np.float32)))
        self.is_started = True

    def own_state(self) -> dict:
        return {"is_started": self.is_started, "labels": self.labels, "start": self.start}

    def load_own_state(self, state: dict) -> None:
        self.is_started = state["is_started"]
        self.labels = state["labels"].to(self.labels.device)
        self.start = None if state["start"] is None else state["start"].to(self.labels.device)
