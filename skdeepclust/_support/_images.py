# SPDX-License-Identifier: BSD-3-Clause
"""Images as rows: every array of images becomes a 2-D array and the shape of one image.

scikit-learn's contract is two-dimensional. So (n, h, w) and (n, h, w, c) arrays are flattened before
validation, which makes ``n_features_in_`` = h * w * c, and a wrong image size is refused like a wrong number of
columns. Arrays are channel-last throughout.
"""

from numbers import Integral

import numpy as np
from sklearn.utils.validation import validate_data

from ._sources import RowSource, as_row_source, row_blocks


def check_image_shape(image_shape):
    """Return `image_shape` as (h, w, c), or None; a pair (h, w) means one channel."""
    if image_shape is None:
        return None
    wanted = "image_shape must be None, (height, width) or (height, width, channels) with positive integers"
    if isinstance(image_shape, str) or not hasattr(image_shape, "__len__"):
        raise TypeError(f"{wanted}; got {image_shape!r}.")
    shape = tuple(image_shape)
    if not all(isinstance(s, Integral) and not isinstance(s, bool) for s in shape):
        raise TypeError(f"{wanted}; got {image_shape!r}.")
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ValueError(f"{wanted}; got {image_shape!r}.")
    shape = tuple(int(s) for s in shape)
    return shape if len(shape) == 3 else (*shape, 1)


def flatten_images(X, image_shape):
    """Return `X` with images flattened to rows, and the shape (h, w, c) of one image or None for a table.

    Parameters
    ----------
    X : array-like of shape (n, d), (n, h, w) or (n, h, w, c)
        An array of three dimensions always means grey images. What
        :func:`~skdeepclust._support._sources.as_row_source` makes such rows of is not read.
    image_shape : tuple (h, w) or (h, w, c), or None
        Shape of the images that 2-D rows hold; must not contradict an array of images.

    Raises
    ------
    ValueError
        If the shape contradicts the array.
    TypeError
        If :func:`~skdeepclust._support._sources.as_row_source` refuses `X`.
    """
    shape = check_image_shape(image_shape)
    source = as_row_source(X)
    if source is not None:
        return source, _image_shape_of(source.item_shape, image_shape)
    ndim = getattr(X, "ndim", None)
    if ndim is None and not hasattr(X, "__dataframe__") and isinstance(X, (list, tuple)):
        ndim = np.ndim(X[0]) + 1 if len(X) else 1
        if ndim > 2:
            if len({np.shape(image) for image in X}) > 1:
                raise ValueError("X holds images of different shapes; bring them to one shape first.")
            X = np.asarray(X)
    if ndim in (3, 4):
        own = _image_shape_of(X.shape[1:], image_shape)
        return X.reshape(len(X), int(np.prod(own))), own
    if ndim is not None and ndim > 4:
        raise ValueError(
            f"X must be (n, features), (n, height, width) or (n, height, width, channels); got {ndim} dimensions."
        )
    return X, shape


def _image_shape_of(item_shape, image_shape):
    """Shape (h, w, c) of the images of X: `item_shape`, which `image_shape` must not contradict; None for a table."""
    shape = check_image_shape(image_shape)
    if len(item_shape) == 1:
        return shape
    own = tuple(item_shape) if len(item_shape) == 3 else (*item_shape, 1)
    if shape is not None and shape != own:
        raise ValueError(
            f"image_shape={image_shape!r} contradicts X, whose images have the shape {own}; "
            "leave image_shape=None for an array of images."
        )
    return own


def validate_rows(estimator, X, image_shape, *, reset):
    """Flatten and validate `X` for `estimator`; return a finite numeric 2-D array and the image shape.

    uint8 and float arrays keep their type and are not copied, memory-mapped ones included; other numbers become
    float32. For arrays on disk and datasets a row source is returned, which checks rows when they are read. On
    `reset`, ``n_features_in_`` and ``feature_names_in_`` are set; otherwise images must have the shape seen in
    ``fit``.
    """
    if not reset:
        seen = estimator.image_shape_
        X, shape = flatten_images(X, None)
        if shape is not None and shape != seen:
            fitted = "a table" if seen is None else f"images of shape {seen}"
            raise ValueError(f"X holds images of shape {shape}, but {type(estimator).__name__} was fitted on {fitted}.")
        shape = seen
    else:
        X, shape = flatten_images(X, image_shape)
        if image_shape is None:
            _check_channels_last(shape)
    min_samples = 2 if reset else 1
    if isinstance(X, RowSource):
        if len(X) < min_samples:
            raise ValueError(f"X has {len(X)} sample(s); a minimum of {min_samples} is required.")
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    else:
        X = validate_data(estimator, X, reset=reset, ensure_min_samples=min_samples)
    if shape is not None and X.shape[1] != np.prod(shape):
        raise ValueError(
            f"image_shape={image_shape!r} means {np.prod(shape)} values per row, but X has {X.shape[1]} columns."
        )
    if X.dtype not in (np.uint8, np.float32, np.float64):
        X = X.astype(np.float32)
    return X, shape


def _check_channels_last(shape):
    """Refuse images that look like (c, h, w): at most four pixels high, with more channels than that."""
    if shape is not None and shape[0] <= 4 < min(shape[1:]):
        raise ValueError(
            f"X holds images of the shape {shape}, which look like (channels, height, width), but channels come last: "
            f"pass X.transpose(0, 2, 3, 1). If they really are {shape[0]} pixels high, pass image_shape={shape}."
        )


def check_enough_rows(X, n_clusters):
    """Refuse fewer rows than clusters, and data that consist of one row repeated."""
    if len(X) < n_clusters:
        raise ValueError(
            f"n_clusters={n_clusters} is more than the number of rows: n_samples={len(X)}. "
            "Pass more rows or ask for fewer clusters."
        )
    first = X[0]
    if all((X[block] == first).all() for block in row_blocks(X)):
        raise ValueError(f"all {len(X)} rows of X are equal, so there is nothing to cluster.")
