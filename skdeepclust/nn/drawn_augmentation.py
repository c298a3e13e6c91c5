# SPDX-License-Identifier: BSD-3-Clause
"""Augmentations in two steps: draw one row of parameters per sample, then change the batch accordingly."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


class DrawnAugmentation:
    """Base of augmentations whose random numbers are drawn apart from the images.

    Ranks that train one network on parts of a batch draw the parameters of the whole batch from the same seed and
    apply their own rows; together they see what one process would have seen::

        params = augment.draw(len(batch))            # the same on every rank
        view = augment.apply(batch[rows], params[rows])   # equals augment.apply(batch, params)[rows]

    Subclasses have `columns`, `draw` and `apply`.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the parameters."""
        raise NotImplementedError

    def draw(self, n: int) -> Tensor:
        """Draw parameters of `n` samples: (n, len(columns)), float32, on the CPU, from torch's global generator."""
        raise NotImplementedError

    def apply(self, x: Tensor, params: Tensor) -> Tensor:
        """Return the view of each sample of `x` that its row of `params` describes; `x` stays as it is."""
        raise NotImplementedError

    def __call__(self, x: Tensor) -> Tensor:
        return self.apply(x, self.draw(len(x)))


@dataclass(frozen=True)
class Chain(DrawnAugmentation):
    """Several augmentations one after the other; none of them for no augmentation at all.

    Parameters
    ----------
    steps : tuple of DrawnAugmentation

    Notes
    -----
    The view has the memory format of the batch.
    """

    steps: tuple[DrawnAugmentation, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for step in self.steps for name in step.columns)

    def draw(self, n: int) -> Tensor:
        return torch.cat([torch.empty(n, 0), *(step.draw(n) for step in self.steps)], dim=1)

    def apply(self, x: Tensor, params: Tensor) -> Tensor:
        view = x.contiguous()  # bilinear sampling of interleaved channels takes twice as long
        for step, own in zip(self.steps, params.split([len(step.columns) for step in self.steps], dim=1)):
            view = step.apply(view, own)
        return view.contiguous(memory_format=_memory_format(x))


def _memory_format(x: Tensor) -> torch.memory_format:
    if not x.is_contiguous() and x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return torch.channels_last
    return torch.contiguous_format


def uniform(n: int, low: float, high: float) -> Tensor:
    """Draw `n` numbers from [low, high)."""
    return low + (high - low) * torch.rand(n)


def apply_where(x: Tensor, chosen: Tensor, change: Callable[[Tensor, Tensor], Tensor], params: Tensor) -> Tensor:
    """Return `x` with ``change(x[chosen], params[chosen])`` in the place of the chosen rows.

    Parameters
    ----------
    x : Tensor of shape (n, c, h, w)
    chosen : Tensor of shape (n,), bool
        Where `params` lie: on the CPU, no accelerator has to be waited for.
    change : callable
        (batch, parameters) -> batch of the same shape.
    params : Tensor of shape (n, p)
    """
    rows = chosen.nonzero().squeeze(1)
    if len(rows) == len(x):
        return change(x, params)
    if len(rows) == 0:
        return x
    places = rows.to(x.device)
    return x.index_copy(0, places, change(x.index_select(0, places), params[rows]))
