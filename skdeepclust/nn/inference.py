# SPDX-License-Identifier: BSD-3-Clause
"""Layers of a trained network for any number of rows, each row's result independent of the others."""

from collections.abc import Callable
from contextlib import closing
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from .._support._read_ahead import ReadAhead
from .samples import SampleReader

BATCH = 256


class LayeredNetwork(Protocol):
    """A module whose layers can be read by name."""

    layer_sizes: dict[str, int]

    def layers(self, x: Tensor, names: tuple[str, ...]) -> list[Tensor]: ...

    def eval(self): ...


def extract_layers(
    network: LayeredNetwork,
    reader: SampleReader,
    X: np.ndarray,
    layers: tuple[str, ...],
    *,
    batch_size: int = BATCH,
    out: np.ndarray | None = None,
    report: Callable[[int], object] | None = None,
) -> np.ndarray:
    """Run rows of `X` through the network and return the named layers side by side.

    Every batch has exactly `batch_size` rows, the last one padded with zeros: libraries choose their kernels by the
    shape of a batch, and kernels differ in the last bit, so only a fixed shape makes the features of a row the
    same whatever else it is asked with.

    Parameters
    ----------
    network : nn.Module
        With `layer_sizes` and `layers`, as :class:`~skdeepclust.nn.contrastive_network.ContrastiveNetwork` has them.
    reader : SampleReader
    X : ndarray of shape (n, d)
    layers : tuple of str
        Keys of ``network.layer_sizes``.
    batch_size : int, default=256
    out : ndarray of shape (n, sum of layer widths), float32, default=None
        Where to put the result, such as a memory map; None for a new array.
    report : callable, default=None
        Called after every batch with the number of its rows.

    Returns
    -------
    ndarray of shape (n, sum of layer widths), float32

    Raises
    ------
    FloatingPointError
        If a feature is not finite.
    """
    width = sum(network.layer_sizes[name] for name in layers)
    if out is None:
        out = np.empty((len(X), width), np.float32)
    rows = np.zeros((batch_size, X.shape[1]), X.dtype)
    blocks = ReadAhead(X)
    network.eval()
    with closing(blocks), torch.inference_mode():
        for start in range(0, len(X), batch_size):
            n = min(batch_size, len(X) - start)
            rows[:n] = blocks(slice(start, start + n))
            if start + n < len(X):
                blocks.announce(slice(start + n, min(start + n + batch_size, len(X))))
            features = torch.cat(network.layers(reader(rows), layers), dim=1)
            out[start : start + n] = features[:n].float().cpu().numpy()
            if not np.isfinite(out[start : start + n]).all():
                raise FloatingPointError(
                    "the features of the network are not finite: its weights or these rows have grown out of float32. "
                    "Train with a lower learning_rate, or look for outliers in X."
                )
            if report is not None:
                report(n)
    return out
