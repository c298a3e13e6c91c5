# SPDX-License-Identifier: BSD-3-Clause
"""One picture of all clusters: a row of member images for each."""

import numpy as np

from .._support._parameters import check_integer

_PAPER = 255  # background and separators: white
_SEPARATOR = 2  # pixels between tiles
_GAP = 12  # pixels between the most and the least certain members


def cluster_montage(images, labels, confidence=None, *, n_certain=10, n_uncertain=0, tile_size=32):
    """Picture of the clusters: one row per cluster, the largest cluster first, its most certain members leading.

    Parameters
    ----------
    images : array-like of shape (n_samples, height, width) or (n_samples, height, width, channels)
        Grey images or images of 1 or 3 channels. uint8 is shown as it is; any other type is stretched so that
        the smallest value shown is black and the largest white.
    labels : array-like of shape (n_samples,)
        Cluster of each image. Images with the label -1 (missing) are left out.
    confidence : array-like of shape (n_samples,), default=None
        How certain each label is, for example ``predict_proba(X).max(axis=1)``. Without it the members come in
        the order of `images`.
    n_certain : int, default=10
        Number of most certain members shown of each cluster.
    n_uncertain : int, default=0
        Number of least certain members shown after a gap, the least certain last; needs `confidence`. No image is
        shown twice.
    tile_size : int, default=32
        Images whose longer side is shorter than this are enlarged, by a whole factor, to at least this size.

    Returns
    -------
    ndarray of shape (height, width) or (height, width, 3), dtype uint8
        The picture; matplotlib's ``imshow`` or :func:`write_png` take it.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust.plotting import cluster_montage
    >>> digits = load_digits()
    >>> labels = KMeans(10, n_init=1, random_state=0).fit_predict(digits.data)
    >>> cluster_montage(digits.images, labels, n_certain=8).shape  # 10 rows of 8 tiles of 32 pixels
    (342, 274)
    """
    images, labels, confidence = _check_input(images, labels, confidence, n_uncertain)
    n_certain = check_integer("n_certain", n_certain, low=1)
    n_uncertain = check_integer("n_uncertain", n_uncertain, low=0)
    tile_size = check_integer("tile_size", tile_size, low=1)

    rows = [
        choose_members(np.flatnonzero(labels == label), confidence, n_certain, n_uncertain) for label in by_size(labels)
    ]
    shown = np.unique(np.concatenate([np.concatenate(row) for row in rows]))
    tiles = dict(zip(shown, to_uint8(images[shown]), strict=True))
    height, width = images.shape[1:3]
    zoom = max(1, -(-tile_size // max(height, width)))
    step_y, step_x = height * zoom + _SEPARATOR, width * zoom + _SEPARATOR

    n_columns = n_certain + n_uncertain
    size = (len(rows) * step_y + _SEPARATOR, n_columns * step_x + _SEPARATOR + (_GAP if n_uncertain else 0))
    picture = np.full(size + images.shape[3:], _PAPER, dtype=np.uint8)
    for r, (certain, uncertain) in enumerate(rows):
        places = [(i, c * step_x) for c, i in enumerate(certain)]
        # The least certain are set flush right, so that they stand under one another in short rows too.
        first = n_columns - len(uncertain)
        places += [(i, (first + c) * step_x + _GAP) for c, i in enumerate(uncertain)]
        for i, x in places:
            tile = tiles[i].repeat(zoom, axis=0).repeat(zoom, axis=1)
            top, left = r * step_y + _SEPARATOR, x + _SEPARATOR
            picture[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return picture


def _check_input(images, labels, confidence, n_uncertain):
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3) or images.size == 0:
        raise ValueError(
            "images must have shape (n_samples, height, width), or (n_samples, height, width, channels) with 1 or 3 "
            f"channels, not empty; got {images.shape}. Flat rows: X.reshape(len(X), height, width)."
        )
    if labels.shape != (len(images),):
        raise ValueError(f"labels must have shape ({len(images)},), one per image; got {labels.shape}.")
    if labels.dtype.kind in "if" and (labels == -1).all():
        raise ValueError("labels must hold at least one cluster; got -1 (missing) only.")
    if confidence is None:
        if n_uncertain:
            raise ValueError(f"confidence must be given when n_uncertain={n_uncertain}; or use n_uncertain=0.")
        return images, labels, None
    confidence = np.asarray(confidence, dtype=float)
    if confidence.shape != labels.shape:
        raise ValueError(f"confidence must have shape {labels.shape}, one per image; got {confidence.shape}.")
    if np.isnan(confidence).any():
        raise ValueError("confidence must not hold NaN; use 0 for members of which nothing is known.")
    return images, labels, confidence


def by_size(labels):
    """Distinct labels, the largest cluster first, equal sizes in the order of the labels; -1 is no cluster."""
    values, counts = np.unique(labels, return_counts=True)
    if values.dtype.kind in "if":
        values, counts = values[values != -1], counts[values != -1]
    return values[np.argsort(-counts, kind="stable")]


def choose_members(members, confidence, n_certain, n_uncertain):
    """Return two index arrays, the most and the least certain members, which share no image."""
    if confidence is not None:
        members = members[np.argsort(-confidence[members], kind="stable")]
    rest = members[n_certain:]
    return members[:n_certain], rest[max(0, len(rest) - n_uncertain) :]


def to_uint8(images):
    if images.dtype == np.uint8:
        return images
    images = images.astype(float)
    low, high = images.min(), images.max()
    if not np.isfinite(high - low):
        raise ValueError("images must be finite; got NaN or infinity among those to be shown.")
    return np.rint((images - low) * (255.0 / (high - low) if high > low else 0.0)).astype(np.uint8)
