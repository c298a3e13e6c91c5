# SPDX-License-Identifier: BSD-3-Clause
"""Features of the nodes of a graph: leading principal components, the same for a row in any company."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_array

from ._prepared_encoder import encoder_layers

_BLOCK = 256
_MAX_EXACT = 4096  # columns whose covariance is decomposed


@dataclass(frozen=True)
class NodeFeatures:
    """``z = (f - mean) V / scale`` in float32, of some columns f of what an encoder returns.

    Parameters
    ----------
    columns : ndarray of int
        Which columns are features.
    mean : ndarray of shape (d,), float64
    axes : ndarray of shape (d, m), float64
        V.
    scale : float
        Root of the mean square of all entries.
    """

    columns: np.ndarray
    mean: np.ndarray
    axes: np.ndarray
    scale: float

    def __call__(self, encoded):
        """Return z (n, m) of encoded rows; products of one fixed shape, so that a row's result is its own."""
        out = np.empty((len(encoded), self.axes.shape[1]), np.float32)
        rows = np.zeros((_BLOCK, len(self.mean)))
        for start in range(0, len(encoded), _BLOCK):
            n = min(_BLOCK, len(encoded) - start)
            rows[:n] = encoded[start : start + n][:, self.columns] - self.mean
            out[start : start + n] = ((rows @ self.axes) / self.scale)[:n]
        return out


def fit_node_features(encoded, columns, n_components):
    """Return :class:`NodeFeatures` of at most `n_components` for encoded rows (n, w)."""
    features = encoded[:, columns]
    solver = "covariance_eigh" if len(columns) <= _MAX_EXACT else "randomized"
    pca = PCA(min(n_components, *features.shape), svd_solver=solver, random_state=0).fit(features)
    axes = pca.components_.T.astype(np.float64)
    found = NodeFeatures(columns, pca.mean_.astype(np.float64), axes, 1.0)
    scale = float(np.sqrt(np.square(found(encoded), dtype=np.float64).mean()))
    return NodeFeatures(columns, found.mean, axes, scale if scale > 0 else 1.0)


def split_columns(encoder, width):
    """Which of the `width` outputs of a fitted `encoder` are features, and which scores of clusters.

    Encoders of this package, and pipelines that end in one, say so by `layer_sizes_` and `score_groups_`; of others
    all are features. Scores serve as features where there is nothing else.
    """
    sizes, groups = encoder_layers(encoder)
    sizes = (width,) if sizes is None else sizes
    is_score = np.repeat([i in groups for i in range(len(sizes))], sizes)
    features, scores = np.flatnonzero(~is_score), np.flatnonzero(is_score)
    return (features if len(features) else scores), scores


def check_encoded(encoded, n):
    """Return what an encoder made of `n` rows as a finite array (n, w)."""
    encoded = check_array(np.asarray(encoded), dtype=[np.float32, np.float64], input_name="output of the encoder")
    if len(encoded) != n:
        raise ValueError(f"encoder returned {len(encoded)} rows for {n} rows; it must keep them as they are.")
    return encoded
