# SPDX-License-Identifier: BSD-3-Clause
"""The map of the rows, as the script of the page reads it."""

import numpy as np

from ..plotting._embedding import middle_point, planar_map
from ..plotting._fitted import balanced_layers, features_of, network_of, take_rows
from ..plotting._palette import PALETTE

_GRID = 2000  # steps of a coordinate


def points_of(model, X, rows, features, seed):
    """Places in [-1, 1] x [-1, 1] of some rows, as `model` sees them.

    Parameters
    ----------
    model : fitted clusterer
    X : array-like
        All rows.
    rows : ndarray of int
        Those on the map.
    features : array-like of shape (n_samples, n_features) or None
        What the network of the model returns for all rows, if that is at hand.
    seed : int

    Returns
    -------
    ndarray of shape (n_points, 2)
    """
    if features is None:
        return planar_map(features_of(model, take_rows(X, rows)), seed)
    return planar_map(balanced_layers(network_of(model), take_rows(features, rows)), seed)


def map_data(points, rows, labels, certainty, names, labels_true):
    """Return what is on the map: one list per property, an entry per point.

    Parameters
    ----------
    points : ndarray of shape (n_points, 2)
    rows : ndarray of shape (n_points,), int
        The rows that they stand for.
    labels, certainty : ndarray of shape (n_samples,)
    names : list of str or None
    labels_true : ndarray of shape (n_samples,) or None

    Returns
    -------
    dict
        Numbers, strings and lists of them.
    """
    own = labels[rows]
    found = np.unique(own)
    middles = [middle_point(points, own == label) for label in found]
    data = {
        "x": _steps(points[:, 0]),
        "y": _steps(-points[:, 1]),
        "label": own.tolist(),
        "certainty": np.rint(100 * certainty[rows]).astype(int).tolist(),
        "row": rows.tolist(),
        "name": None if names is None else [names[row] for row in rows],
        "middle": [[int(label), middle] for label, middle in zip(found, map(int, middles), strict=True)],
        "colors": PALETTE,
        "grid": _GRID,
        "truth": None,
        "classes": None,
    }
    if labels_true is not None:
        classes, codes = np.unique(labels_true[rows], return_inverse=True)
        data["truth"], data["classes"] = codes.tolist(), [str(c) for c in classes]
    return data


def _steps(values):
    """Whole numbers 0 .. 2000 for values in [-1, 1]."""
    return np.rint((values + 1.0) * (_GRID / 2)).astype(int).tolist()
