# SPDX-License-Identifier: BSD-3-Clause
"""Running statistics of batch norm, counted anew."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def statistics_counted_anew(network: nn.Module) -> Iterator[bool]:
    """Forget the running statistics of batch norm; those of the batches in this context take their place.

    Running statistics trail behind: with the usual momentum, those of a network that has made few steps, or large
    ones, are not the statistics it was trained with, and in evaluation its outputs differ from those in training. In
    this context every batch counts the same, as in Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021, section 3
    ("precise BN"). The network has to be in training mode, and no gradients are needed.

    Parameters
    ----------
    network : nn.Module
        Changed in place.

    Yields
    ------
    bool
        Whether there is anything to count: without it batches can be saved.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._NormBase) and m.track_running_stats]
    momenta = [m.momentum for m in norms]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None  # a plain mean
    try:
        yield bool(norms)
    finally:
        for m, momentum in zip(norms, momenta):
            m.momentum = momentum
