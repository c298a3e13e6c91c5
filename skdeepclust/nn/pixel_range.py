# SPDX-License-Identifier: BSD-3-Clause
"""Between which values the pixels of images lie, dark pictures and defective pixels considered."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._support._sources import row_blocks

_OUTLIERS = 0.05  # share of the images whose darkest or brightest pixel may be a defect
_SMALLEST_SHARE = 0.5  # of the whole range, that pixels have to fill to be left as they are
_SAMPLE = 1000  # images of uint8 that are looked at
_SAMPLE_VALUES = 2**22  # in all of them, at most


@dataclass(frozen=True)
class PixelRange:
    """What becomes 0 and 1.

    Parameters
    ----------
    low, high : ndarray of shape (1,) or (c,), float64
        Of uint8 as of floats in units of the whole range, 255.
    pixels : {"uint8", "unit"} or None
        uint8; floats in [0, 1]; anything else.
    is_narrow : bool
        Whether some pixels may lie outside.
    """

    low: NDArray
    high: NDArray
    pixels: str | None
    is_narrow: bool


def pixel_range(X, n_channels: int, *, keeps_units: bool = False) -> PixelRange:
    """Find the range of the pixels of images, one in each row of `X` (n, d), channel last.

    It is [0, 255] for uint8, [0, 1] for floats within it, and from the smallest to the largest value for all others.
    But where 95 % of the images keep to less than half of that, because all are dark or a few have defective pixels, it
    is the range of those. Augmentations change the brightness by a fixed share of the range, which would drown them.

    One and three channels, grey and colour, have one range. Of any other number each has its own: they were
    measured by different means, one may be as weak as another is strong.

    Parameters
    ----------
    X : array-like (n, d)
        Read block by block; of uint8, a sample.
    n_channels : int
    keeps_units : bool, default=False
        uint8 and floats within [0, 1] have these ranges however dark they are, and all channels have one.

    Returns
    -------
    PixelRange
    """
    is_bytes, n_ranges = X.dtype == np.uint8, 1 if n_channels in (1, 3) or keeps_units else n_channels
    if is_bytes and keeps_units:
        return PixelRange(np.zeros(1), np.ones(1), "uint8", False)
    extremes = [_extremes(X[rows], n_ranges) for rows in ([_sample(X)] if is_bytes else row_blocks(X))]
    darkest, brightest = np.concatenate(extremes, axis=1).astype(np.float64) / (255 if is_bytes else 1)
    low, high, pixels = darkest.min(axis=0), brightest.max(axis=0), None
    if low.min() >= 0.0 and high.max() <= 1.0:
        low, high, pixels = np.zeros(n_ranges), np.ones(n_ranges), "uint8" if is_bytes else "unit"
    if not (keeps_units and pixels):
        dark = np.quantile(darkest, _OUTLIERS, axis=0, method="higher")
        bright = np.quantile(brightest, 1 - _OUTLIERS, axis=0, method="lower")
        is_narrow = (dark < bright) & (bright - dark < _SMALLEST_SHARE * (high - low))
        if is_narrow.any():
            return PixelRange(np.where(is_narrow, dark, low), np.where(is_narrow, bright, high), pixels, True)
    return PixelRange(low, high, pixels, False)


def _extremes(rows, n_ranges):
    """Smallest and largest value of every row, of every n_ranges-th pixel: (2, m, n_ranges)."""
    pixels = rows.reshape(len(rows), -1, n_ranges)
    return np.stack([pixels.min(axis=1), pixels.max(axis=1)])


def _sample(X):
    """Numbers of some rows, evenly spread."""
    n, n_columns = X.shape
    return np.linspace(0, n - 1, min(n, _SAMPLE, max(20, _SAMPLE_VALUES // n_columns))).astype(int)
