# SPDX-License-Identifier: BSD-3-Clause
"""How to train: numbers without data, the course of the learning rate, and random numbers by counter."""

import math
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
import torch

_WARM_UP_STEPS = 50


class Schedule(Protocol):
    """What every recipe says: how long a training is, and how many rows its steps have."""

    @property
    def max_epochs(self) -> int | None:
        """Passes over the data, at most; None where time alone decides."""

    @property
    def max_time(self) -> float | None:
        """Seconds of training, at most; None where passes alone decide."""

    @property
    def batch_size(self) -> int:
        """Rows of a step."""

    @property
    def cool_down(self) -> float:
        """Share of the steps made so far that a training takes to come to its end when it is asked to."""

    def decides(self) -> dict[str, object]:
        """Return what the result of a training depends on, as plain values."""


@dataclass(frozen=True)
class Recipe:
    """How to train; all numbers, no data.

    Parameters
    ----------
    max_epochs : int or None
        Passes over the data, at most; None where time alone decides.
    batch_size : int
        Samples per step, each in two views; of all ranks together where several train.
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
        Fractions of the training at which neighbours are sought anew, increasing.
    precision : {"auto", "bfloat16", "float32"}
    max_time : float or None, default=None
        Seconds of training after which the learning rate has come down to zero, however few epochs were made.
    micro_batch_size : int or None, default=None
        At most so many views, two per sample, go through the network at a time; None for the whole batch. The
        losses are those of the whole batch either way.
    cool_down : float, default=0.25
        Share of the steps made so far that a training takes to come to its end when it is asked to.
    """

    max_epochs: int | None
    batch_size: int
    learning_rate: float
    weight_decay: float
    temperature: float
    n_neighbors: int
    neighbors_from: str
    refresh_at: tuple[float, ...]
    precision: str
    max_time: float | None = None
    micro_batch_size: int | None = None
    cool_down: float = 0.25

    def decides(self) -> dict[str, object]:
        """Return what the result of a training depends on, as plain values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def learning_rate_factor(step: int, progress: float) -> float:
    """Factor of the learning rate: linear up over 50 steps or a tenth of the training, then a half cosine to zero.

    Parameters
    ----------
    step : int
        Steps made.
    progress : float
        Share of the training that is over, between 0 and 1; of its steps, or of its time.

    Notes
    -----
    The warm-up ends with whichever comes first, so that a training of ten steps has one step of it.
    """
    warm_up = max((step + 1) / _WARM_UP_STEPS, 10 * progress)
    return min(1.0, warm_up) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def seed_by_counter(seed: int, *counter: int) -> None:
    """Seed torch's global generators with a number that depends on `seed` and `counter` alone.

    Every step draws from its own stream, so a training that goes on from a checkpoint, and every rank of a
    distributed one, draws what an uninterrupted single process would. Call inside ``torch.random.fork_rng``.
    """
    torch.manual_seed(counted_seed(seed, *counter))


def counted_seed(seed: int, *counter: int) -> int:
    """The number that :func:`seed_by_counter` seeds with."""
    return int(np.random.SeedSequence((seed, *counter)).generate_state(1, np.uint64)[0] >> 1)
