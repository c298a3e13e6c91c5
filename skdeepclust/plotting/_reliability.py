# SPDX-License-Identifier: BSD-3-Clause
"""How far the base clusterings of an ensemble can be relied on, one by one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..consensus._parts import sample_rows
from ..metrics import ensemble_agreement

_MAX_SAMPLES = 5000  # the expected mutual information takes time in proportion to the rows


@dataclass(frozen=True, eq=False)
class Reliability:
    """Scores of M base clusterings.

    Attributes
    ----------
    agreement : ndarray of shape (M,), float64
        :func:`~skdeepclust.metrics.ensemble_agreement` of the consensus with this base clustering alone.
    weight : ndarray of shape (M,), float64
        Mean over the rows of the weight of their base cluster; NaN for one without a vote.
    n_clusters : ndarray of shape (M,), int64
    groups : ndarray of shape (M,), int64
        Layer of each, a position in `names`.
    names : tuple of str
    """

    agreement: NDArray[np.float64]
    weight: NDArray[np.float64]
    n_clusters: NDArray[np.int64]
    groups: NDArray[np.int64]
    names: tuple[str, ...]


def reliability_of(model):
    """Scores of the base clusterings of a fitted ensemble, on at most 5000 of its training rows.

    Raises
    ------
    TypeError
        If `model` is no fitted ensemble with ``base_clusterings_`` and ``consensus_``.
    """
    if not hasattr(model, "base_clusterings_") or not hasattr(model, "consensus_"):
        raise TypeError(
            "model must be a fitted ensemble with base_clusterings_ and consensus_, such as USENC or "
            f"DeepClusterEnsemble; got {type(model).__name__}."
        )
    all_labels, groups = model.base_clusterings_.base_labels_, model.base_clusterings_.groups_
    votes = getattr(model, "votes_", np.ones(len(groups), dtype=bool))
    rows = sample_rows(len(all_labels), _MAX_SAMPLES, 0)
    base, labels = np.asarray(all_labels[rows]).astype(np.int64), np.asarray(model.labels_[rows])
    weight = np.full(len(groups), np.nan)
    weight[votes] = _mean_weights(base[:, votes], model.consensus_)
    names = getattr(getattr(model, "encoder_", None), "layers", None) or ("features",)
    if len(names) <= groups.max():
        names = tuple(f"block {g}" for g in range(int(groups.max()) + 1))
    return Reliability(
        agreement=np.array([ensemble_agreement(labels, column[:, None]) for column in base.T]),
        weight=weight,
        n_clusters=np.array([len(np.unique(column[column != -1])) for column in base.T]),
        groups=groups,
        names=tuple(names),
    )


def _mean_weights(base, consensus):
    """Mean weight of the clusters of the rows, for each column of a label matrix that `consensus` knows."""
    sizes = consensus.label_coder_.sizes
    codes = consensus.label_coder_.encode(base)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return np.array(
        [consensus.cluster_weights_[start + c[c < size]].mean() for start, c, size in zip(starts, codes, sizes)]
    )
