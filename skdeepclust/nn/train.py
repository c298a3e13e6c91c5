# SPDX-License-Identifier: BSD-3-Clause
"""The training loop of contrastive clustering with neighbour positives."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .augment import Augmentation, check_view
from .contrastive_network import ContrastiveNetwork
from .device import autocast
from .inference import extract_layers
from .losses import balance_penalty, cluster_contrast, normalized_temperature_cross_entropy
from .positives import input_space, seek_positives, unit_rows
from .samples import SampleReader

_WARM_UP_STEPS = 50


@dataclass(frozen=True)
class Recipe:
    """How to train; all numbers, no data.

    Parameters
    ----------
    max_epochs : int
        Passes over the data.
    batch_size : int
        Samples per step, each in two views.
    learning_rate : float
        Peak rate of AdamW; linear warm-up, then a cosine down to zero.
    weight_decay : float
    temperature : float
        Of the instance loss; the cluster loss has 1.
    n_neighbors : int
        The second view is drawn from mutual neighbours among so many nearest ones; 0 for the sample itself.
    neighbors_from : {"input", "features"}
        Where neighbours are sought: in principal components of the input, joined by the backbone's output from
        the first refresh on; or in the backbone's output alone, from the first refresh on.
    refresh_at : tuple of float
        Fractions of the training at which neighbours are sought anew.
    precision : {"auto", "bfloat16", "float32"}
    """

    max_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    temperature: float
    n_neighbors: int
    neighbors_from: str
    refresh_at: tuple[float, ...]
    precision: str


def train(
    network: ContrastiveNetwork,
    reader: SampleReader,
    X: np.ndarray,
    augment: Augmentation,
    recipe: Recipe,
    on_epoch: Callable[[dict], object] = lambda record: None,
) -> list[dict]:
    """Train `network` in place without labels.

    Per step: a batch of samples and, for each, one of its mutual neighbours drawn at random; both augmented;
    the pair is the positive of the instance loss and of the cluster loss::

        L = L_instance + L_cluster + balance(view 1) + balance(view 2)

    Random numbers come from torch's global generator: call this inside ``torch.random.fork_rng`` and a
    ``manual_seed``.

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
    on_epoch : callable, default: does nothing
        Called after every epoch with its record; a true return value ends the training.

    Returns
    -------
    list of dict
        One record per epoch: "epoch" (from 1), "loss", "instance_loss", "cluster_loss", "balance",
        "samples_per_second", "seconds" since the start.

    Raises
    ------
    FloatingPointError
        If the loss is no longer finite.
    """
    n = len(X)
    batch_size = min(recipe.batch_size, n)
    steps_per_epoch = n // batch_size
    optimizer = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _warm_up_and_cosine(step, recipe.max_epochs * steps_per_epoch)
    )
    refresh_epochs = {round(f * recipe.max_epochs) for f in recipe.refresh_at}
    history = []
    started = time.perf_counter()
    seek = partial(seek_positives, recipe.n_neighbors)
    spaces = [input_space(reader, X)] if recipe.n_neighbors and recipe.neighbors_from == "input" else []
    positives = seek(*spaces) if spaces else None
    for epoch in range(recipe.max_epochs):
        if recipe.n_neighbors and epoch in refresh_epochs and epoch > 0:
            positives = seek(unit_rows(extract_layers(network, reader, X, ("backbone",)), reader), *spaces)
        network.train()
        epoch_started = time.perf_counter()
        sums = torch.zeros(3, device=reader.device)
        order = torch.randperm(n)
        for step in range(steps_per_epoch):
            batch = order[step * batch_size : (step + 1) * batch_size]
            partner = batch if positives is None else positives.draw(batch)
            views = _two_views(reader, X, batch, partner, augment)
            terms = _loss_terms(network, views, recipe)
            optimizer.zero_grad()
            terms.sum().backward()
            optimizer.step()
            schedule.step()
            sums += terms.detach()
        record = _record(epoch, sums / steps_per_epoch, steps_per_epoch * batch_size, started, epoch_started)
        history.append(record)
        if on_epoch(record):
            break
    return history


def _warm_up_and_cosine(step: int, n_steps: int) -> float:
    """Factor of the learning rate at `step`: linear up over at most 50 steps, then a half cosine to zero."""
    warm_up = min(_WARM_UP_STEPS, max(1, n_steps // 10))
    return min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * min(step, n_steps) / n_steps))


def _two_views(reader: SampleReader, X: np.ndarray, batch: Tensor, partner: Tensor, augment: Augmentation) -> Tensor:
    pixels = reader(X[torch.cat([batch, partner]).numpy()])
    with torch.no_grad():
        views = augment(pixels)
    check_view(views, pixels)
    return views.contiguous(memory_format=torch.channels_last) if views.ndim == 4 else views


def _loss_terms(network: ContrastiveNetwork, views: Tensor, recipe: Recipe) -> Tensor:
    """Instance loss, cluster loss and balance penalty as one tensor (3,)."""
    with autocast(views.device, recipe.precision):
        z, logits = network(views)
    z_a, z_b = z.float().chunk(2)
    p_a, p_b = logits.float().softmax(dim=1).chunk(2)
    return torch.stack(
        [
            normalized_temperature_cross_entropy(z_a, z_b, recipe.temperature),
            cluster_contrast(p_a, p_b),
            balance_penalty(p_a) + balance_penalty(p_b),
        ]
    )


def _record(epoch: int, terms: Tensor, n_seen: int, started: float, epoch_started: float) -> dict:
    instance, cluster, balance = terms.tolist()
    loss = instance + cluster + balance
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"the loss became {loss} in epoch {epoch + 1}; lower learning_rate, or use precision='float32'."
        )
    now = time.perf_counter()
    return {
        "epoch": epoch + 1,
        "loss": loss,
        "instance_loss": instance,
        "cluster_loss": cluster,
        "balance": balance,
        "samples_per_second": n_seen / max(now - epoch_started, 1e-9),
        "seconds": now - started,
    }
