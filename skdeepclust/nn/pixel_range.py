# SPDX-License-Identifier: BSD-3-Clause
"""Between which values the pixels of images lie, dark pictures and defective pixels considered."""

from dataclasses import dataclass

import numpy as np

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
    low, high : float
        Of uint8 as of floats in units of the whole range, 255.
    pixels : {"uint8", "unit"} or None
        uint8; floats in [0, 1]; anything else.
    is_narrow : bool
        Whether some pixels may lie outside.
    """

    low: float
    high: float
    pixels: str | None
    is_narrow: bool


def pixel_range(X, *, keeps_units: bool = False) -> PixelRange:
    """Find the range of the pixels of images, one in each row of `X` (n, d).

    It is [0, 255] for uint8, [0, 1] for floats within it, and from the smallest to the largest value for all others.
    But where 95 % of the images keep to less than half of that, because all are dark or a few have defective pixels, it
    is the range of those. Augmentations change the brightness by a fixed share of the range, which would drown them.

    Parameters
    ----------
    X : array-like (n, d)
        Read block by block; of uint8, a sample.
    keeps_units : bool, default=False
        uint8 and floats within [0, 1] have these ranges however dark they are.

    Returns
    -------
    PixelRange
    """
    if X.dtype == np.uint8:
        if keeps_units:
            return PixelRange(0.0, 1.0, "uint8", False)
        darkest, brightest = (values / np.float32(255) for values in _extremes_of_sample(X))
    else:
        darkest, brightest = _extremes(X)
    low, high, pixels = float(darkest.min()), float(brightest.max()), None
    if low >= 0.0 and high <= 1.0:
        low, high, pixels = 0.0, 1.0, "uint8" if X.dtype == np.uint8 else "unit"
    dark = float(np.quantile(darkest, _OUTLIERS, method="higher"))
    bright = float(np.quantile(brightest, 1 - _OUTLIERS, method="lower"))
    if 0 < bright - dark < _SMALLEST_SHARE * (high - low) and not (keeps_units and pixels):
        return PixelRange(dark, bright, pixels, True)
    return PixelRange(low, high, pixels, False)


def _extremes(X):
    """Smallest and largest value of every row."""
    extremes = [(rows.min(axis=1), rows.max(axis=1)) for rows in (X[block] for block in row_blocks(X))]
    return tuple(np.concatenate(values) for values in zip(*extremes, strict=True))


def _extremes_of_sample(X):
    """Smallest and largest value of some rows, evenly spread."""
    n, n_columns = X.shape
    rows = np.linspace(0, n - 1, min(n, _SAMPLE, max(20, _SAMPLE_VALUES // n_columns))).astype(int)
    sample = X[rows]
    return sample.min(axis=1), sample.max(axis=1)
