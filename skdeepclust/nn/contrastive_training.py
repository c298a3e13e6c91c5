# SPDX-License-Identifier: BSD-3-Clause
"""The training of Contrastive Clustering, with views of mutual neighbours."""

import numpy as np
import torch
from torch import Tensor

from .augment import Augmentation, check_view
from .contrastive_network import ContrastiveNetwork
from .drawn_augmentation import DrawnAugmentation
from .inference import extract_layers
from .objective import TERMS, backward
from .positives import Positives, input_space, seek_positives, unit_rows
from .ranks import Ranks
from .recipe import Recipe, counted_seed, learning_rate_factor, seed_by_counter
from .row_batches import RowBatches
from .samples import SampleReader
from .training_loop import TrainingLoop

_STEP, _SPACE = 1, 2  # streams of random numbers; the loop has 0


class ContrastiveTraining(TrainingLoop):
    """Train `network` in place without labels.

    Per step: a batch of samples and, for each, one of its mutual neighbours drawn at random; both augmented;
    the pair is the positive of the instance loss and of the cluster loss::

        L = L_instance + L_cluster + balance(view 1) + balance(view 2)

    Parameters
    ----------
    network : ContrastiveNetwork
        On the reader's device.
    reader : SampleReader
        Makes batches of rows of `X`.
    X : ndarray of shape (n, d)
        Read batch by batch.
    augment : callable
        Tensor -> Tensor of the same shape.
    recipe : Recipe
    seed : int
        Of the order, the neighbours drawn and the augmentation; the same on all ranks.
    ranks : Ranks or None, default=None
        Those that train together; None for this process alone.

    Attributes
    ----------
    history, progress, step, notes, was_interrupted
        See :class:`~skdeepclust.nn.training_loop.TrainingLoop`; the terms of the loss are "instance_loss",
        "cluster_loss" and "balance".
    """

    TERMS: tuple[str, ...] = TERMS

    def __init__(
        self,
        network: ContrastiveNetwork,
        reader: SampleReader,
        X: np.ndarray,
        augment: Augmentation,
        recipe: Recipe,
        seed: int,
        ranks: Ranks | None = None,
    ):
        optimizer = torch.optim.AdamW(
            self._parameter_groups(network), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        super().__init__(network, optimizer, X, recipe, seed, ranks)
        self.network: ContrastiveNetwork = network
        self.reader, self.augment = reader, augment
        self._part = self.ranks.part(self.batch_size)
        self._positives: Positives | None = None
        self._n_sought = 0  # times that neighbours were sought
        self._space: Tensor | None = None
        self._rows = RowBatches(X, reader)

    @staticmethod
    def _parameter_groups(network) -> list[dict]:
        return [{"params": list(network.parameters())}]

    def _peak_rates(self) -> tuple[float, ...]:
        """Peak learning rate of each group."""
        return (self.recipe.learning_rate,)

    def run(self, *arguments, **keywords) -> None:
        try:
            super().run(*arguments, **keywords)
        finally:
            self._space = None
            self._rows.close()

    def _seek_if_due(self, progress: float) -> None:
        """Seek neighbours at the start and whenever the progress has passed one of ``recipe.refresh_at``."""
        recipe = self.recipe
        due = 1 + sum(progress >= at for at in recipe.refresh_at)
        if not recipe.n_neighbors or self._n_sought >= due:
            return
        found = self._seek() if self.ranks.is_first else None
        self._positives = self.ranks.broadcast_object(found)
        self._n_sought = due

    def _seek(self) -> Positives | None:
        spaces = []
        if self._n_sought:
            spaces.append(unit_rows(extract_layers(self.network, self.reader, self.X, ("backbone",)), self.reader))
        if self.recipe.neighbors_from == "input":
            if self._space is None:
                seed_by_counter(self.seed, _SPACE)
                self._space = input_space(self.reader, self.X)
            spaces.append(self._space)
        return seek_positives(self.recipe.n_neighbors, *spaces) if spaces else None

    def make_step(self, batch: Tensor, progress: float) -> Tensor:
        self._seek_if_due(progress)
        self.network.train()
        seed_by_counter(self.seed, _STEP, self.step)
        partner = batch if self._positives is None else self._positives.draw(batch)
        views = self._views(batch, partner)
        self._announce_next()
        for group, peak in zip(self.optimizer.param_groups, self._peak_rates(), strict=True):
            group["lr"] = peak * learning_rate_factor(self.step, progress)
        self.optimizer.zero_grad()
        terms = self._backward(views, progress)
        self.ranks.average_gradients(self.network.parameters())
        self.optimizer.step()
        return terms

    def _backward(self, views: Tensor, progress: float) -> Tensor:
        """Add the gradients of the loss of `views`; return its terms."""
        return backward(self.network, views, self.recipe, self.ranks.gather)

    def _views(self, batch: Tensor, partner: Tensor) -> Tensor:
        """First and second views of this rank's samples, one above the other."""
        return self._augmented(self._read(batch, partner), len(batch))

    def _read(self, batch: Tensor, partner: Tensor) -> Tensor:
        """Read the samples of this rank and, below them, their partners, as they are."""
        return self._rows(self._row_numbers(batch, partner))

    def _row_numbers(self, batch: Tensor, partner: Tensor) -> np.ndarray:
        return torch.cat([batch[self._part], partner[self._part]]).numpy()

    def _announce_next(self) -> None:
        """Let the rows of the next step be read while this one is made."""
        if self.next_batch is None or not self._rows.is_useful:
            return
        partner = self.next_batch
        if self._positives is not None:  # as make_step will draw them, unless neighbours are sought before
            generator = torch.Generator().manual_seed(counted_seed(self.seed, _STEP, self.step + 1))
            partner = self._positives.draw(self.next_batch, generator)
        self._rows.announce(self._row_numbers(self.next_batch, partner))

    def _augmented(self, pixels: Tensor, n_batch: int) -> Tensor:
        """One view of each of `pixels`, which belong to a batch of `n_batch` samples of all ranks."""
        with torch.no_grad():
            if isinstance(self.augment, DrawnAugmentation):
                both = self.augment.draw(2 * n_batch)  # of all ranks, so that each has the views it would have alone
                views = self.augment.apply(pixels, torch.cat([half[self._part] for half in both.chunk(2)]))
            else:
                seed_by_counter(self.seed, _STEP, self.step, self.ranks.rank)  # different numbers for different rows
                views = self.augment(pixels)
        check_view(views, pixels)
        return views.contiguous(memory_format=torch.channels_last) if views.ndim == 4 else views

    def own_state(self) -> dict:
        found = self._positives
        kept = None if found is None else {"candidates": found.candidates, "counts": found.counts}
        return {"positives": kept, "n_sought": self._n_sought}

    def load_own_state(self, state: dict) -> None:
        found = state["positives"]
        self._positives = None if found is None else Positives(found["candidates"].cpu(), found["counts"].cpu())
        self._n_sought = state["n_sought"]
