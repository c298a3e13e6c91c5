# SPDX-License-Identifier: BSD-3-Clause
"""Is this table made of flattened images? Then columns a row of pixels apart are more alike than others."""

import numpy as np

_ROWS = 1000  # that are looked at
_VALUES = 2**22  # in all of them, at most
_SMALLEST_SIDE = 8
_ALIKE = 0.4  # correlation of pixels that lie one below the other; digits of 8 x 8 pixels have 0.48
_PEAK = 0.3  # by how much it is above that of pixels half a row further or nearer


def advice_on_flattened_images(X):
    """How to pass the rows of `X` as images, if that is what they seem to be; None if not.

    Square images of one channel, or of three, interleaved or one plane after the other, are recognised: the
    correlation of columns has a peak where they are one row of pixels apart. Series and spectra, whose correlation
    falls with the distance, have none, nor do embeddings.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Finite numbers.

    Returns
    -------
    str or None
    """
    n_columns = X.shape[1]
    layouts = {}  # columns in a row of pixels -> advice
    for n_channels in (1, 3):
        side = round((n_columns / n_channels) ** 0.5)
        if n_channels * side**2 == n_columns and side >= _SMALLEST_SIDE:
            if n_channels == 1:
                layouts[side] = f"{side} x {side} pixels: pass image_shape=({side}, {side})"
            else:
                size = f"{side} x {side} pixels in colour"
                layouts[3 * side] = f"{size}: pass image_shape=({side}, {side}, 3)"
                layouts[side] = f"{size}, a plane each: pass X.reshape(-1, 3, {side}, {side}).transpose(0, 2, 3, 1)"
    if not layouts:
        return None
    rows = np.linspace(0, len(X) - 1, min(len(X), _ROWS, max(2, _VALUES // n_columns))).astype(int)
    sample = np.asarray(X[rows], dtype=np.float32)
    deviation = sample.std(axis=0)
    varies = deviation > 1e-6 * deviation.max()
    Z = np.where(varies, (sample - sample.mean(axis=0)) / np.where(varies, deviation, 1), 0)
    width = max(layouts, key=lambda width: _correlation(Z, varies, width))
    half, whole, more = (_correlation(Z, varies, lag) for lag in (width // 2, width, width + width // 2))
    return layouts[width] if whole >= _ALIKE and whole - max(half, more) >= _PEAK else None


def _correlation(Z, varies, lag):
    """Mean correlation of standardised columns that are `lag` apart, of those that vary."""
    pairs = (varies[:-lag] & varies[lag:]).sum()
    return np.einsum("ij,ij->", Z[:, :-lag], Z[:, lag:]) / (len(Z) * max(pairs, 1))
