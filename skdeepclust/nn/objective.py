# SPDX-License-Identifier: BSD-3-Clause
"""Gradients of the contrastive objective for one batch, whole or in micro-batches, on one rank or on several."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .device import autocast
from .losses import balance_penalty, cluster_contrast, normalized_temperature_cross_entropy
from .recipe import Recipe

TERMS = ("instance_loss", "cluster_loss", "balance")
Gather = Callable[[Tensor], Tensor]
Objective = Callable[..., Tensor]


def loss_terms(z: Tensor, logits: Tensor, temperature: float, gather: Gather) -> Tensor:
    """Instance loss, cluster loss and balance penalty of the global batch as one tensor (3,).

    Parameters
    ----------
    z : Tensor of shape (2b, D)
        Instance projections of this rank's samples, first views then second views.
    logits : Tensor of shape (2b, K)
        Cluster logits of the same.
    temperature : float
        Of the instance loss.
    gather : callable
        Joins the rows of all ranks, with gradients; the identity where there is one rank.
    """
    z_a, z_b = (gather(view) for view in z.float().chunk(2))
    p_a, p_b = (gather(view) for view in logits.float().softmax(dim=1).chunk(2))
    return torch.stack(
        [
            normalized_temperature_cross_entropy(z_a, z_b, temperature),
            cluster_contrast(p_a, p_b),
            balance_penalty(p_a) + balance_penalty(p_b),
        ]
    )


def backward(network: nn.Module, views: Tensor, recipe: Recipe, gather: Gather) -> Tensor:
    """Add the gradients of :func:`loss_terms` to those of the network's parameters, and return the terms (3,).

    Parameters
    ----------
    network : nn.Module
        Returns projections and logits; its parameters get gradients.
    views : Tensor of shape (2b, ...)
        First views, then second views, of this rank's samples.
    recipe : Recipe
        `precision`, `temperature` and `micro_batch_size` are used.
    gather : callable
        As in :func:`loss_terms`.
    """
    return backward_of(lambda z, logits: loss_terms(z, logits, recipe.temperature, gather), network, views, recipe)


def backward_of(objective: Objective, network: nn.Module, views: Tensor, recipe: Recipe) -> Tensor:
    """Add the gradients of any objective of a batch to those of the network's parameters, and return its terms.

    Parameters
    ----------
    objective : callable
        Gets the two outputs of the network for the whole batch, and returns a tensor of terms, whose sum is the loss.
    network : nn.Module
        Returns two outputs, a row of each for every view; its parameters get gradients.
    views : Tensor of shape (n, ...)
        All views of this rank's samples.
    recipe : Recipe
        `precision` and `micro_batch_size` are used.

    Returns
    -------
    Tensor of shape (number of terms,)
        Without graph.

    Notes
    -----
    Cutting a contrastive batch into pieces and adding up their losses would take away negatives. In micro-batches
    the network therefore runs twice: first without a graph, for the outputs of the whole batch, whose loss gives
    the gradient at every output; then once more per micro-batch, with a graph, to carry these gradients to the
    parameters. The result is the gradient of the whole batch's loss at the memory of one micro-batch and a third
    more arithmetic (Gao et al., "Scaling deep contrastive learning batch size under memory limited setup", 2021,
    section 3). Only batch norm sees the difference: its statistics are those of a micro-batch.
    """
    if recipe.micro_batch_size is None or len(views) <= recipe.micro_batch_size:
        with autocast(views.device, recipe.precision):
            outputs = network(views)
        terms = objective(*outputs)
        terms.sum().backward()
        return terms.detach()

    pieces = views.split(recipe.micro_batch_size)
    seeds = torch.randint(2**62, (len(pieces),)).tolist()  # both passes draw the same dropout
    found = []
    with torch.no_grad(), _running_statistics_kept(network), autocast(views.device, recipe.precision):
        for piece, seed in zip(pieces, seeds):
            torch.manual_seed(seed)
            found.append(network(piece))
    whole = [torch.cat(parts).detach().requires_grad_() for parts in zip(*found)]
    terms = objective(*whole)
    # An objective need not look at all outputs, as long as the training has not come to some of its terms.
    gradients = torch.autograd.grad(terms.sum(), whole, materialize_grads=True)
    for piece, seed, *gradient in zip(pieces, seeds, *(g.split(recipe.micro_batch_size) for g in gradients)):
        torch.manual_seed(seed)
        with autocast(views.device, recipe.precision):
            output = network(piece)
        torch.autograd.backward(output, gradient)
    return terms.detach()


@contextmanager
def _running_statistics_kept(network: nn.Module) -> Iterator[None]:
    """Keep batch norm from updating its running statistics: the second pass of a micro-batch does."""
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._NormBase)]
    before = [(m.momentum, m.num_batches_tracked) for m in norms]
    for m, (_, counted) in zip(norms, before):
        m.momentum = 0.0
        m.num_batches_tracked = None if counted is None else counted.clone()
    try:
        yield
    finally:
        for m, (momentum, counted) in zip(norms, before):
            m.momentum, m.num_batches_tracked = momentum, counted
