# SPDX-License-Identifier: BSD-3-Clause
"""The training of anchor-loss contrastive clustering: first contrast alone, then centres, and all losses together."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .anchor_centers import cluster_frequency, settle_kernel
from .anchor_losses import anchor_divergence, cluster_divergence, log_frequency, log_target
from .anchor_network import AnchorNetwork, Centers
from .augment import Augmentation
from .contrastive_training import ContrastiveTraining
from .device import autocast
from .inference import extract_layers
from .losses import balance_penalty, normalized_temperature_cross_entropy
from .objective import Gather, backward_of
from .ranks import Ranks
from .recipe import Recipe, seed_by_counter
from .running_statistics import statistics_counted_anew
from .samples import SampleReader

_SETTLE = 3  # a stream of random numbers; the loop and ContrastiveTraining have 0 to 2
_N_SETTLING = 10  # batches
_RAMP = 0.2  # share of the joint phase over which the weights of its losses rise
FindCenters = Callable[[np.ndarray, int, int], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class AnchorRecipe(Recipe):
    """How to train; all numbers, no data.

    Parameters
    ----------
    pretraining : float
        Share of the training that is contrastive only, between 0 and 1.
    cluster_weight, anchor_weight, balance_weight : float
        Of the terms of the loss.
    target : {"global", "batch"}
        Whose cluster sizes make the target.
    centers_learning_rate : float
        Peak rate of the centres.
    """

    pretraining: float
    cluster_weight: float
    anchor_weight: float
    balance_weight: float
    target: str
    centers_learning_rate: float


def joint_terms(
    z: Tensor, log_c: Tensor, frequency: Tensor | None, recipe: AnchorRecipe, ramp: float, gather: Gather
) -> Tensor:
    """Instance loss, cluster loss, anchor loss and balance of the global batch, each with its weight: shape (4,).

    Parameters
    ----------
    z : Tensor of shape (3b, D)
        Instance projections of the plain views of this rank's samples, of their first and of their second views.
    log_c : Tensor of shape (3b, K)
        Log-assignments of the same.
    frequency : Tensor of shape (K,) or None
        Cluster sizes for the target; None for those of the batch.
    recipe : AnchorRecipe
        Its weights and `temperature` are used.
    ramp : float
        Factor of the weights of cluster and anchor loss.
    gather : callable
        Joins the rows of all ranks, with gradients.
    """
    z_a, z_b = (gather(view) for view in z.float().chunk(3)[1:])
    plain, p_a, p_b = (gather(view) for view in log_c.float().chunk(3))
    tiny = torch.finfo(torch.float32).tiny
    log_f = log_frequency(plain) if frequency is None else frequency.clamp_min(tiny).log()
    return torch.stack(
        [
            normalized_temperature_cross_entropy(z_a, z_b, recipe.temperature),
            ramp * recipe.cluster_weight * cluster_divergence(plain, log_target(plain, log_f)),
            ramp * recipe.anchor_weight * anchor_divergence(plain, p_a, p_b),
            recipe.balance_weight * balance_penalty(torch.cat([plain, p_a, p_b]).exp()),
        ]
    )


class AnchorTraining(ContrastiveTraining):
    """Train `network` in place without labels, in two phases.

    1. Contrast: the instance loss of two views per step, as in ContrastiveTraining, neighbours as positives.
    2. Jointly: centres are placed where `first_centers` finds them in the unit embeddings of all rows; from then on a
       step has three views of each sample, plain, augmented, and an augmented neighbour, in one pass, so that batch
       norm has the statistics of all three::

           L = L_instance + w_cluster L_C + w_anchor L_A + w_balance balance

       The weights of L_C and L_A rise from 0 over the first fifth of the phase. The sizes of clusters in the target
       are those of all samples, counted over as many steps as an epoch has, then replaced; at first those of the
       new centres.

    Parameters
    ----------
    network : AnchorNetwork
        On the reader's device.
    reader, X, augment, seed, ranks
        As in :class:`~skdeepclust.nn.contrastive_training.ContrastiveTraining`.
    recipe : AnchorRecipe
    first_centers, last_centers : callable
        Get unit embeddings (n, d), the number K and a seed; return K centres (K, d). Called on the first rank: for
        those that the joint phase starts from, and in the end for those of the layer "kmeans".

    Raises
    ------
    ValueError
        If micro-batches would leave a single view over, in either phase: batch norm cannot do with one.

    Attributes
    ----------
    history, progress, step, notes, was_interrupted
        See :class:`~skdeepclust.nn.training_loop.TrainingLoop`; the terms of the loss are "instance_loss",
        "cluster_loss", "anchor_loss" and "balance", each with its weight.
    """

    TERMS = ("instance_loss", "cluster_loss", "anchor_loss", "balance")
    network: AnchorNetwork  # type: ignore[assignment]
    recipe: AnchorRecipe

    def __init__(
        self,
        network: AnchorNetwork,
        reader: SampleReader,
        X: np.ndarray,
        augment: Augmentation,
        recipe: AnchorRecipe,
        seed: int,
        first_centers: FindCenters,
        last_centers: FindCenters,
        ranks: Ranks | None = None,
    ):
        super().__init__(network, reader, X, augment, recipe, seed, ranks)  # type: ignore[arg-type]
        self.first_centers, self.last_centers = first_centers, last_centers
        n_samples, micro = self._part.stop - self._part.start, recipe.micro_batch_size
        if micro is not None and 1 in (2 * n_samples % micro, 3 * n_samples % micro):
            raise ValueError(
                f"micro_batch_size={micro} leaves a single one of the views of {n_samples} samples over, which has no "
                f"statistics (there are two of each sample, later three); use a divisor of {n_samples}."
            )
        self._frequency = torch.zeros(network.layer_sizes["cluster"], device=reader.device)
        self._counted = torch.zeros_like(self._frequency)  # the next frequency, so far
        self._n_counted = 0  # steps
        self._begin_joint(None)

    @staticmethod
    def _parameter_groups(network) -> list[dict]:
        moved = [p for name, p in network.named_parameters() if name.split(".")[0] not in ("cluster", "kmeans")]
        return [{"params": moved}, {"params": [network.cluster.centers], "weight_decay": 0.0}]

    def _peak_rates(self) -> tuple[float, ...]:
        return self.recipe.learning_rate, self.recipe.centers_learning_rate

    def run(self, *arguments, **keywords) -> None:
        """Train to the end, and place the centres of the network's second reading."""
        super().run(*arguments, **keywords)
        if self._joint_from is None:  # stopped before: not part of the state, so that a training that goes on does not
            self._place(self.network.cluster, self.first_centers)
        self._place(self.network.kmeans, self.last_centers)

    def make_step(self, batch: Tensor, progress: float) -> Tensor:
        if self._joint_from is None and progress >= self.recipe.pretraining:
            with self.clock_stopped():
                self._frequency = self._place(self.network.cluster, self.first_centers)
            self._begin_joint(progress)
        return super().make_step(batch, progress)

    def _begin_joint(self, progress: float | None) -> None:
        """Say at which progress the joint phase began, None while it did not: until then centres have no gradient."""
        self._joint_from = progress
        self.network.cluster.requires_grad_(progress is not None)

    def _place(self, head: Centers, find: FindCenters) -> Tensor:
        """Set the centres and the kernel of `head`; return the sizes of its clusters (K,)."""
        self._settle_batch_norm()
        found = self._find(find) if self.ranks.is_first else None
        centers, scale, power, frequency = self.ranks.broadcast_object(found)
        head.place(centers, scale, power)
        return frequency.to(self._frequency.device)

    def _settle_batch_norm(self) -> None:
        """Bring running statistics up to date, so that centres found in evaluation are centres in training too."""
        self.network.train()
        with torch.no_grad(), statistics_counted_anew(self.network) as any_norm:
            for i in range(_N_SETTLING if any_norm else 0):
                seed_by_counter(self.seed, _SETTLE, self.step, i)
                batch = torch.randint(len(self.X), (self.batch_size,))
                views = self._joint_views(batch, batch if self._positives is None else self._positives.draw(batch))
                for piece in views.split(self.recipe.micro_batch_size or len(views)):
                    with autocast(piece.device, self.recipe.precision):
                        self.network.backbone(piece)

    def _find(self, find: FindCenters) -> tuple[Tensor, float, float, Tensor]:
        h = extract_layers(self.network, self.reader, self.X, ("backbone",))
        h /= np.maximum(np.linalg.norm(h, axis=1, keepdims=True), 1e-12)
        centers = np.ascontiguousarray(find(h, len(self._frequency), self.seed), dtype=np.float32)
        scale, power = settle_kernel(h, centers)
        return torch.from_numpy(centers), scale, power, cluster_frequency(h, centers, scale, power)

    def _views(self, batch: Tensor, partner: Tensor) -> Tensor:
        return super()._views(batch, partner) if self._joint_from is None else self._joint_views(batch, partner)

    def _joint_views(self, batch: Tensor, partner: Tensor) -> Tensor:
        """Plain views, first views and second views of this rank's samples."""
        pixels = self._read(batch, partner)
        plain = pixels[: len(pixels) // 2].clone()  # an augmentation may write into its argument
        return torch.cat([plain, self._augmented(pixels, len(batch))])

    def _backward(self, views: Tensor, progress: float) -> Tensor:
        objective = self._contrast if self._joint_from is None else self._joint(progress)
        return backward_of(objective, self.network, views, self.recipe)

    def _contrast(self, z: Tensor, log_c: Tensor) -> Tensor:
        z_a, z_b = (self.ranks.gather(view) for view in z.float().chunk(2))
        loss = normalized_temperature_cross_entropy(z_a, z_b, self.recipe.temperature)
        return torch.stack([loss, *loss.new_zeros(3)])

    def _joint(self, progress: float) -> Callable[[Tensor, Tensor], Tensor]:
        recipe, begun = self.recipe, self._joint_from or 0.0
        ramp = min(1.0, (progress - begun) / max(_RAMP * (1 - begun), 1e-12))

        def objective(z: Tensor, log_c: Tensor) -> Tensor:
            frequency = None if recipe.target == "batch" else self._frequency
            terms = joint_terms(z, log_c, frequency, recipe, ramp, self.ranks.gather)
            self._count(log_c.detach().float().chunk(3)[0])
            return terms

        return objective

    def _count(self, plain: Tensor) -> None:
        """Add the assignments of a step to the next frequency; after the steps of an epoch it becomes the current."""
        self._counted += self.ranks.gather(plain).exp().sum(dim=0)
        self._n_counted += 1
        if self._n_counted == self.steps_per_epoch:
            self._frequency, self._counted = self._counted, torch.zeros_like(self._counted)
            self._n_counted = 0

    def own_state(self) -> dict:
        return {
            **super().own_state(),
            "joint_from": self._joint_from,
            "frequency": self._frequency,
            "counted": self._counted,
            "n_counted": self._n_counted,
        }

    def load_own_state(self, state: dict) -> None:
        super().load_own_state(state)
        self._begin_joint(state["joint_from"])
        device = self._frequency.device
        self._frequency, self._counted = state["frequency"].to(device), state["counted"].to(device)
        self._n_counted = state["n_counted"]
