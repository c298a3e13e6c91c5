# SPDX-License-Identifier: BSD-3-Clause
"""What pictures take from a fitted clusterer and its rows."""

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, check_is_fitted

from .._support._images import flatten_images
from .._support._sources import as_row_source


def labels_and_certainty(model, X):
    """Label of every row, and how certain it is.

    Parameters
    ----------
    model : fitted clusterer
        With ``predict_proba``, whose largest entry is at the label.
    X : array-like
        Rows like those of ``fit``.

    Returns
    -------
    labels : ndarray of shape (n_samples,), int32
    certainty : ndarray of shape (n_samples,), float64
        Largest membership of each row.
    n_clusters : int

    Raises
    ------
    TypeError
        If the model has no ``predict_proba``.
    """
    if not hasattr(model, "predict_proba"):
        raise TypeError(
            f"model must be a fitted clusterer with predict_proba; got {type(model).__name__}. Displays take labels of "
            "any origin by from_predictions."
        )
    check_is_fitted(model)
    membership = np.asarray(model.predict_proba(X))
    return membership.argmax(axis=1).astype(np.int32), membership.max(axis=1), membership.shape[1]


def n_rows(X):
    """Number of rows of anything that a clusterer of the package takes."""
    source = as_row_source(X)
    return _num_samples(X) if source is None else len(source)


def take_rows(X, rows):
    """Rows of an array, a data frame, a sparse matrix or a data set, by their numbers; no others are read."""
    source = as_row_source(X)
    return _safe_indexing(X, rows) if source is None else source[rows]


def features_of(model, X):
    """What `model` sees in the rows `X`, for a map of them: the layers of its network, or else the rows themselves.

    Layers are centred and brought to one total variance, so that each has the same say; outputs of a cluster head are
    left out where there is anything else. Of a label matrix each label is a column of zeros and ones.

    Returns
    -------
    ndarray of shape (n_samples, n_features), float64
    """
    if hasattr(model, "label_coder_"):
        codes = model.label_coder_.encode(np.asarray(X))
        return np.hstack([np.eye(size + 1)[column] for size, column in zip(model.label_coder_.sizes, codes)])
    rows, _ = flatten_images(X, None)
    rows = np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows)
    network = network_of(model)
    if network is None:
        return rows.astype(float)
    # An encoder has been fitted on flat rows without names, whatever the model got.
    return balanced_layers(network, network.transform(X if network is model else rows))


def balanced_layers(network, encoded):
    """What a network returns, each layer centred and of one total variance, without the outputs of a cluster head."""
    from ..deep._graph_features import split_columns  # a model with a network has loaded torch already

    encoded = np.array(encoded, dtype=float)
    encoded -= encoded.mean(axis=0)
    ends = np.cumsum(getattr(network, "layer_sizes_", (encoded.shape[1],)))
    for layer in np.split(encoded, ends[:-1], axis=1):
        layer /= np.sqrt((layer**2).sum(axis=1).mean()) or 1.0
    return encoded[:, split_columns(network, encoded.shape[1])[0]]


def network_of(model):
    """The transformer whose layers `model` clusters, which may be itself; None if there is none."""
    network = model if hasattr(model, "layer_sizes_") else getattr(model, "encoder_", None)
    return network if hasattr(network, "transform") else None


def images_of(model, X):
    """The rows as an array or source of images (n, h, w, c), and their shape; (None, None) for a table.

    Images of other than one or three channels cannot be shown and count as a table.
    """
    rows, shape = flatten_images(X, getattr(model, "image_shape_", None))
    return (rows, shape) if shape is not None and shape[2] in (1, 3) else (None, None)


def spectrum_of(model):
    """Leading eigenvalues of the graph whose cut `model` is, or None."""
    spectrum = getattr(model, "spectrum_", None)
    return spectrum if spectrum is not None else getattr(getattr(model, "consensus_", None), "spectrum_", None)
