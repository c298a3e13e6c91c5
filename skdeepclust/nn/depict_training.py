# SPDX-License-Identifier: BSD-3-Clause
"""The training of DEPICT: an autoencoder, then clusters in its embedding that sharpen while it still reconstructs."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .augment import Augmentation, check_view
from .depict_network import DepictNetwork
from .device import autocast
from .inference import extract_layers
from .recipe import learning_rate_factor, seed_by_counter
from .row_batches import RowBatches
from .samples import SampleReader
from .self_training import target_distribution
from .training_loop import TrainingLoop

_STEP = 1  # a stream of random numbers; the loop has 0
_N_FALLING = 3  # refreshes in a row
FindClusters = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class DepictRecipe:
    """How to train; all numbers, no data.

    Parameters
    ----------
    max_epochs : int or None
        Passes over the data, at most; None where time alone decides.
    batch_size : int
    learning_rate : float
        Peak rate of Adam in both phases.
    pretraining : float
        Share of the training in which there is only the autoencoder.
    n_rounds : int
        Parts of the rest; clusters are found before each, and once more at the end if there are several.
    reconstruction_weight, hidden_weight : float
        Of the reconstruction in the joint phase; of hidden layers within it.
    target_power, target_balance : float
        See :func:`~skdeepclust.nn.self_training.target_distribution`.
    precision : {"auto", "bfloat16", "float32"}
    max_time : float or None, default=None
        Seconds of training, at most.
    cool_down : float, default=0.25
        Share of the steps made so far that a training takes to come to its end when it is asked to.
    """

    max_epochs: int | None
    batch_size: int
    learning_rate: float
    pretraining: float
    n_rounds: int
    reconstruction_weight: float
    hidden_weight: float
    target_power: float
    target_balance: float
    precision: str
    max_time: float | None = None
    cool_down: float = 0.25

    def decides(self) -> dict[str, object]:
        """Return what the result of a training depends on, as plain values."""
        return asdict(self)


def reconstruction_terms(found: list[Tensor], x: Tensor, hidden: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Means over all elements of ``(d0 - x)^2``, and of ``(d_l - h_l)^2`` summed over the hidden layers l.

    Parameters
    ----------
    found : list of Tensor
        d0, d1, ...: what the decoder makes of the noisy embedding.
    x : Tensor
        Clean input, scaled as the decoder's output is.
    hidden : list of Tensor
        h1, h2, ...: clean hidden layers. Without graph: they are targets.

    Notes
    -----
    Ghasedi Dizaji et al., ICCV 2017; means over elements and the separate weight are those of their code.
    """
    inner = [F.mse_loss(d.float(), h.float()) for d, h in zip(found[1:], hidden, strict=True)]
    return F.mse_loss(found[0].float(), x), torch.stack(inner).sum()


class DepictTraining(TrainingLoop):
    """Train `network` in place without labels, in two phases.

    1. Autoencoder: the noisy pathway, which gets an augmented and thinned out x, shall reconstruct the clean x and the
       clean hidden layers.
    2. Jointly: `find_clusters` makes clusters of the clean embeddings of all rows and a head that tells them. From then
       on the noisy pathway shall also tell the target Q of its row, which is made of the clean P of all rows, anew
       before every epoch::

           L = w_R [ mean (d0 - x)^2 + w_H sum_l mean (d_l - h_l)^2 ] - (1/n) sum_ik q_ik log p~_ik

       In every further round, and at the end of the last of several, clusters and head are found anew: a head clings to
       its first mistakes, the embedding outgrows them.

    The learning rate comes down by a cosine in each phase, and Adam starts anew in the second.

    Parameters
    ----------
    network : DepictNetwork
        On the reader's device.
    reader : SampleReader
        Makes batches of rows of `X`.
    X : ndarray of shape (n, d)
        Read batch by batch.
    augment : callable
        Tensor -> Tensor of the same shape: the noise of the input.
    recipe : DepictRecipe
    seed : int
        Of the order, the augmentation, the dropout and `find_clusters`.
    find_clusters : callable
        Gets embeddings (n, D) and a seed; returns labels (n,), and weights (K, D) and biases (K,) of the head.

    Attributes
    ----------
    initial_labels : Tensor of shape (n,) or None
        What `find_clusters` found first.
    confidence : list of float
        Mean of the rows' largest entry of P at each refresh of the target.
    drifted : bool
        Whether the confidence fell three times in a row, below where its round began, which ended the training.
    history, progress, step, notes, was_interrupted
        See :class:`~skdeepclust.nn.training_loop.TrainingLoop`; the terms of the loss, each with its weight, are
        "reconstruction", "hidden_reconstruction" and "cluster_loss".
    """

    TERMS: tuple[str, ...] = ("reconstruction", "hidden_reconstruction", "cluster_loss")

    def __init__(
        self,
        network: DepictNetwork,
        reader: SampleReader,
        X: np.ndarray,
        augment: Augmentation,
        recipe: DepictRecipe,
        seed: int,
        find_clusters: FindClusters,
    ):
        optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate, fused=True)
        super().__init__(network, optimizer, X, recipe, seed)
        self.network: DepictNetwork = network
        self.reader, self.augment, self.find_clusters = reader, augment, find_clusters
        self.initial_labels: Tensor | None = None
        self.confidence: list[float] = []
        self.drifted = False
        self._joint_from: tuple[int, float] | None = None  # step and progress
        self._n_found = 0  # times that clusters were found
        self._n_falling = 0  # refreshes in a row that found less confidence
        self._round_began_with = 0.0  # confidence
        self._target: Tensor | None = None
        self._rows = RowBatches(X, reader)

    def run(self, *arguments, **keywords) -> None:
        """Train to the end, and find the clusters of the embedding as it has become."""
        try:
            super().run(*arguments, **keywords)
        finally:
            self._rows.close()
        # Not part of the state: a training that goes on does not begin with it.
        if self._joint_from is None or self.recipe.n_rounds > 1:
            self._find_clusters()

    def make_step(self, batch: Tensor, progress: float) -> Tensor:
        if progress >= self.recipe.pretraining:
            self._find_if_due(progress)
            if self._target is None or self.step == self._epoch_began_at:
                self._refresh_target()
        rate = self.recipe.learning_rate * self._rate_factor(progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        seed_by_counter(self.seed, _STEP, self.step)
        x = self._rows(batch.numpy())
        if self.next_batch is not None and self._rows.is_useful:
            self._rows.announce(self.next_batch.numpy())
        with torch.no_grad():
            view = self.augment(x.clone())  # it may write into its argument
            check_view(view, x)
        self.optimizer.zero_grad()
        terms = self._terms(x, view, batch)
        terms.sum().backward()
        self.optimizer.step()
        return terms.detach()

    def _find_if_due(self, progress: float) -> None:
        """Find clusters at the start of every round of the joint phase."""
        if self._joint_from is None:
            self._joint_from = (self.step, progress)
            self.optimizer.state.clear()
        due = 1 + int(self._joint_progress(progress) * self.recipe.n_rounds)
        if self._n_found < due:
            with self.clock_stopped():
                self._find_clusters()
            self._n_found, self._target = due, None

    def _joint_progress(self, progress: float) -> float:
        _, begun = self._joint_from  # type: ignore[misc]
        return (progress - begun) / max(1 - begun, 1e-12)

    def _rate_factor(self, progress: float) -> float:
        if self._joint_from is None:
            return learning_rate_factor(self.step, progress / max(self.recipe.pretraining, progress, 1e-12))
        return learning_rate_factor(self.step - self._joint_from[0], self._joint_progress(progress))

    def _terms(self, x: Tensor, view: Tensor, batch: Tensor) -> Tensor:
        network, recipe = self.network.train(), self.recipe
        weight = 1.0 if self._joint_from is None else recipe.reconstruction_weight
        with autocast(x.device, recipe.precision):
            with torch.no_grad():
                clean = network.encode(network.scaled(x))
            noisy = network.encode(network.scaled(view), noisy=True)
            found = network.decode(noisy.embedding)
            outer, inner = reconstruction_terms(found, network.scaled(x), clean.hidden)
            logits = network.cluster(noisy.embedding)
        terms = [weight * outer, weight * recipe.hidden_weight * inner]
        if self._target is None:
            return torch.stack([*terms, outer.new_zeros(())])
        q = self._target[batch].to(x.device)
        return torch.stack([*terms, -(q * logits.float().log_softmax(dim=1)).sum(dim=1).mean()])

    def _find_clusters(self) -> None:
        """Make clusters of the embeddings as they are, and let the head tell them."""
        z = extract_layers(self.network, self.reader, self.X, ("embedding",))
        labels, weight, bias = self.find_clusters(z, self.seed)
        if self.initial_labels is None:
            self.initial_labels = torch.from_numpy(np.asarray(labels, np.int64))
        head = self.network.cluster
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(np.asarray(weight, np.float32)))
            head.bias.copy_(torch.from_numpy(np.asarray(bias, np.float32)))

    def _refresh_target(self) -> None:
        """Make the target of one clean pass over all rows; stop where they have become less and less certain."""
        logits = torch.from_numpy(extract_layers(self.network, self.reader, self.X, ("cluster",)))
        p = logits.double().softmax(dim=1)
        confidence = p.max(dim=1).values.mean().item()
        if self._target is None:
            self._round_began_with, self._n_falling = confidence, 0
        else:
            self._n_falling = self._n_falling + 1 if confidence < self.confidence[-1] else 0
        self.confidence.append(confidence)
        self.drifted = self._n_falling >= _N_FALLING and confidence < self._round_began_with
        if self.drifted:
            self.stop()
        self._target = target_distribution(p, self.recipe.target_power, self.recipe.target_balance).float()

    def own_state(self) -> dict:
        return {
            "joint_from": None if self._joint_from is None else list(self._joint_from),
            "n_found": self._n_found,
            "n_falling": self._n_falling,
            "round_began_with": self._round_began_with,
            "target": self._target,
            "initial_labels": self.initial_labels,
            "confidence": self.confidence,
            "drifted": self.drifted,
        }

    def load_own_state(self, state: dict) -> None:
        at = state["joint_from"]
        self._joint_from = None if at is None else (int(at[0]), float(at[1]))
        self._n_found, self._n_falling = state["n_found"], state["n_falling"]
        self._round_began_with = state["round_began_with"]
        self._target = None if state["target"] is None else state["target"].cpu()
        self.initial_labels = None if state["initial_labels"] is None else state["initial_labels"].cpu()
        self.confidence, self.drifted = list(state["confidence"]), state["drifted"]
