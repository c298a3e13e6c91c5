# SPDX-License-Identifier: BSD-3-Clause
"""Rows of an array as network input: scaled, shaped, enlarged where tiny; read batch by batch."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_SMALLEST_SIDE = 12  # pixels; smaller images are doubled, since three poolings leave nothing of them


@dataclass(frozen=True)
class SampleReader:
    """Turn rows of a 2-D array into batches of network input.

    Parameters
    ----------
    image_shape : tuple (h, w, c) or None
        Shape of one channel-last image that a row holds flattened; None for a table.
    shift, scale : ndarray of shape (1,) or (d,), float32
        ``(row - shift) / scale`` is what the network sees.
    device : torch.device

    Notes
    -----
    Only the rows of a batch are ever converted, so a memory-mapped array is never copied whole.
    """

    image_shape: tuple[int, int, int] | None
    shift: np.ndarray
    scale: np.ndarray
    device: torch.device | None

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of one sample as the network gets it: (c, h, w), or (d,) for a table."""
        if self.image_shape is None:
            return (len(self.shift),)
        h, w, c = self.image_shape
        return (c, h * self._enlarge, w * self._enlarge)

    @property
    def _enlarge(self) -> int:
        h, w, _ = self.image_shape  # type: ignore[misc]
        return 2 if min(h, w) < _SMALLEST_SIDE else 1

    def on(self, device: torch.device | None) -> "SampleReader":
        """Return the same reader for another device."""
        return replace(self, device=device)

    def __call__(self, rows: np.ndarray) -> Tensor:
        """Return float32 (n, *in_shape) on the device for `rows` of shape (n, d)."""
        x = torch.tensor((np.asarray(rows, dtype=np.float32) - self.shift) / self.scale, device=self.device)
        if self.image_shape is None:
            return x
        h, w, c = self.image_shape
        x = x.reshape(-1, h, w, c).permute(0, 3, 1, 2).contiguous()
        if self._enlarge > 1:
            x = F.interpolate(x, scale_factor=float(self._enlarge), mode="bilinear")
        return x.to(memory_format=torch.channels_last)


def fit_reader(X: np.ndarray, image_shape: tuple[int, int, int] | None, device: torch.device) -> SampleReader:
    """Learn the scaling of the rows of `X` (n, d).

    Images: uint8 pixels are divided by 255. Floats within [0, 1] are taken as they are; any other range
    [min, max] is mapped to [0, 1] by one shift and one scale, since augmentations of brightness and erased
    boxes presume it. Tables: every column is centred and scaled to unit variance; constant columns become 0.
    """
    if image_shape is None:
        mean = X.mean(axis=0, dtype=np.float64)
        std = X.std(axis=0, dtype=np.float64)
        std[std < 1e-7 * np.maximum(1.0, np.abs(mean))] = 1.0
        return SampleReader(None, mean.astype(np.float32), std.astype(np.float32), device)
    if X.dtype == np.uint8:
        low, high = 0.0, 255.0
    else:
        low, high = float(X.min()), float(X.max())
        if low >= 0.0 and high <= 1.0:
            low, high = 0.0, 1.0
    span = high - low if high > low else 1.0
    return SampleReader(image_shape, np.array([low], np.float32), np.array([span], np.float32), device)
