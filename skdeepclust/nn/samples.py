# SPDX-License-Identifier: BSD-3-Clause
"""Rows of an array as network input: scaled, shaped, enlarged where tiny; read batch by batch."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .._support._sources import row_blocks
from .device import has_float64, send
from .pixel_range import pixel_range

_SMALLEST_SIDE = 12  # pixels; smaller images are doubled, since three poolings leave nothing of them


@dataclass(frozen=True)
class SampleReader:
    """Turn rows of a 2-D array into batches of network input.

    Parameters
    ----------
    image_shape : tuple (h, w, c) or None
        Shape of one channel-last image that a row holds flattened; None for a table.
    shift, scale : ndarray of shape (d,) for a table, (1,) or (c,) for images
        ``(row - shift) / scale`` is what the network sees. float64 for tables, whose columns may be large numbers
        that differ little.
    device : torch.device or None
    pixels : {"uint8", "unit"} or None, default=None
        Images fitted on uint8 or on floats in [0, 1]: uint8 rows are divided by 255, floats are taken as they are,
        whichever of the two was fitted. None: all rows are scaled alike.
    is_narrow : bool, default=False
        Whether some pixels lie outside of the range that `shift` and `scale` stand for: images, uint8 and floats in
        [0, 1] too, are shifted, scaled and clamped to [0, 1].
    smallest_side : int, default=12
        Images with a smaller side are doubled; 0 for none.

    Notes
    -----
    Only the rows of a batch are ever converted, so a memory-mapped array is never copied whole.
    """

    image_shape: tuple[int, int, int] | None
    shift: np.ndarray
    scale: np.ndarray
    device: torch.device | None
    pixels: str | None = None
    is_narrow: bool = False
    smallest_side: int = _SMALLEST_SIDE

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of one sample as the network gets it: (c, h, w), or (d,) for a table."""
        if self.image_shape is None:
            return (len(self.shift),)
        h, w, c = self.image_shape
        return (c, h * self.enlarge, w * self.enlarge)

    @property
    def enlarge(self) -> int:
        """How many times as large as they are images get in each direction."""
        return 2 if self.image_shape is not None and min(self.image_shape[:2]) < self.smallest_side else 1

    def on(self, device: torch.device | None) -> "SampleReader":
        """Return the same reader for another device."""
        return replace(self, device=device)

    def __call__(self, rows: np.ndarray | Tensor) -> Tensor:
        """Return float32 (n, *in_shape) on the device for `rows` of shape (n, d), an array or a tensor anywhere."""
        x = torch.from_numpy(np.array(rows)) if isinstance(rows, np.ndarray) else rows  # rows may run backwards
        device = x.device if self.device is None else self.device
        if self.image_shape is not None:
            x = x.reshape(-1, *self.image_shape)
        x = self._scaled(x.to(device)) if has_float64(device) else self._scaled(x.cpu()).to(device)
        if self.image_shape is None:
            return x
        x = x.permute(0, 3, 1, 2).contiguous()
        if self.enlarge > 1:
            x = F.interpolate(x, scale_factor=float(self.enlarge), mode="bilinear")
        return x.to(memory_format=torch.channels_last)

    def _scaled(self, rows: Tensor) -> Tensor:
        if self.image_shape is None:
            return self._shifted(rows.double()).float()
        x = rows.float()
        if self.pixels is not None and rows.dtype == torch.uint8:
            x = x / x.new_full((1,), 255)  # some devices multiply by the inverse of a number
        elif self.pixels == "uint8" and len(x) and x.max() > 1.0:
            raise ValueError(
                f"X holds floats up to {float(x.max()):g}, but the network was fitted on uint8 pixels, which are "
                "divided by 255. Pass uint8, or floats between 0 and 1."
            )
        if self.is_narrow:
            return self._shifted(x).clamp(0, 1)
        return self._shifted(x) if self.pixels is None else x

    def _shifted(self, x: Tensor) -> Tensor:
        shift, scale = (send(torch.tensor(value), x.device) for value in (self.shift, self.scale))
        return (x - shift) / scale


def fit_reader(
    X: np.ndarray, image_shape: tuple[int, int, int] | None, device: torch.device, *, keeps_units: bool = False
) -> SampleReader:
    """Learn the scaling of the rows of `X` (n, d).

    The :func:`~skdeepclust.nn.pixel_range.pixel_range` of images becomes [0, 1], since augmentations of brightness
    and erased boxes presume it. Tables: every column is centred and scaled to unit variance; constant columns
    become 0.

    `X` is read block by block: a sample of uint8 images, others once, a table twice.

    Parameters
    ----------
    X : array-like (n, d)
    image_shape : tuple (h, w, c) or None
    device : torch.device
    keeps_units : bool, default=False
        uint8 images are divided by 255 and floats within [0, 1] taken as they are, however dark, and all channels
        are scaled alike: networks that were trained elsewhere know them so.
    """
    if image_shape is None:
        mean, std = _mean_and_std(X)
        std[std <= 1e-10 * np.abs(mean)] = 1.0  # constant up to rounding, whatever the unit of the column
        return SampleReader(None, mean, std, device)
    found = pixel_range(X, image_shape[2], keeps_units=keeps_units)
    scale = np.where(found.high > found.low, found.high - found.low, 1.0).astype(np.float32)
    return SampleReader(image_shape, found.low.astype(np.float32), scale, device, found.pixels, found.is_narrow)


def _mean_and_std(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the columns in two passes, so that large means do not drown small deviations."""
    total, squares = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    for block in row_blocks(X):
        total += X[block].sum(axis=0, dtype=np.float64)
    mean = total / len(X)
    for block in row_blocks(X):
        deviation = X[block] - mean
        squares += np.multiply(deviation, deviation, out=deviation).sum(axis=0)
    return mean, np.sqrt(squares / len(X))
