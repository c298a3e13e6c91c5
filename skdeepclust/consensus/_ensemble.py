# SPDX-License-Identifier: BSD-3-Clause
"""A coded label matrix in one or many parts, and the sums over its objects that the consensus needs."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from ._exact_sums import fixed_point_scale
from ._graph import cluster_overlap, fixed_point
from ._labels import LabelCoder, code_label_parts, code_labels, has_label
from ._parts import check_dask_array, is_dask_array, n_rows, parts_of, split, total


def overlap_part(codes, value, *, sizes):
    """Overlap of a part."""
    return cluster_overlap(codes, sizes, value)


def known_part(codes, *, sizes):
    """Whether the objects of a part have a label."""
    return has_label(codes, sizes)


def keep_part(codes, known):
    """Codes of the objects of a part that have a label."""
    return np.ascontiguousarray(codes[:, known])


@dataclass
class Ensemble:
    """Codes of all parts.

    Attributes
    ----------
    parts : LocalParts or DaskParts
        Where the objects are.
    coder : LabelCoder
        Labels of each clustering.
    codes : list
        Codes (M, n) of each part.
    multiplicity : ndarray of shape (n,) or None
        How often each object counts.
    known : ndarray of shape (n,), bool, or None
        Which of the rows of ``fit`` are left after :meth:`leave_out_unlabelled`; None for all of them.
    """

    parts: Any
    coder: LabelCoder
    codes: list
    multiplicity: NDArray[np.float64] | None = None
    known: NDArray[np.bool_] | None = None

    def overlap(self) -> NDArray:
        """Overlap G of all clusters, objects counted with their multiplicity; int64 without, float64 with it."""
        if self.multiplicity is None:
            return total(self.parts, overlap_part, self.codes, split(self.parts, None), sizes=self.coder.sizes)
        scale = fixed_point_scale(float(self.multiplicity.sum()))
        value = split(self.parts, fixed_point(self.multiplicity, scale))
        return total(self.parts, overlap_part, self.codes, value, sizes=self.coder.sizes) / scale

    def equal_weight_graph(self, overlap: NDArray, weights: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """``E = (w / M) G`` where all clusters have the same weight w and no label is missing, None otherwise."""
        M = len(self.coder.sizes)
        labelled = np.diagonal(overlap).sum()  # M per object, if no label is missing
        objects = n_rows(self.parts) if self.multiplicity is None else float(self.multiplicity.sum())
        if (weights != weights[0]).any() or not math.isclose(labelled, M * objects, rel_tol=1e-12):
            return None
        return overlap * (weights[0] / M)

    def leave_out_unlabelled(self, n_clusters: Any) -> None:
        """Keep only the objects with at least one label.

        Raises
        ------
        ValueError
            If there are fewer of them than `n_clusters`.
        """
        where = self.parts.map(known_part, self.codes, sizes=self.coder.sizes)
        known = self.parts.collect(where)
        count = sum(int(k.sum()) for k in known)
        if not isinstance(n_clusters, str) and n_clusters > count:
            raise ValueError(
                f"n_clusters={n_clusters} exceeds the {count} rows that have at least one label; lower it."
            )
        if count == n_rows(self.parts):
            return
        self.codes = self.parts.map(keep_part, self.codes, where)
        self.parts.lengths = [int(k.sum()) for k in known]
        self.known = np.concatenate(known)
        if self.multiplicity is not None:
            self.multiplicity = self.multiplicity[self.known]

    def with_unlabelled(self, labels: NDArray[np.int32]) -> NDArray[np.int32]:
        """Labels of all rows of ``fit``: -1 for those left out."""
        if self.known is None:
            return labels
        out = np.full(len(self.known), -1, dtype=np.int32)
        out[self.known] = labels
        return out

    def gathered(self) -> tuple[NDArray, NDArray | None]:
        """Codes of all parts together, and multiplicities."""
        codes = self.parts.collect(self.codes)
        return codes[0] if len(codes) == 1 else np.concatenate(codes, axis=1), self.multiplicity


def code_ensemble(X: Any, weights: NDArray[np.float64] | None) -> Ensemble:
    """Learn and code the labels of a validated matrix; rows of weight 0 teach nothing."""
    parts = parts_of(X)
    if is_dask_array(X):
        coder, codes = code_label_parts(parts, weights)
        return Ensemble(parts, coder, codes, weights)
    coder, coded = code_labels(X, weights)
    return Ensemble(parts, coder, [coded], weights)


def validate_labels(estimator, X, *, reset):
    """Check a label matrix like scikit-learn; a dask array as far as its metadata go."""
    if not is_dask_array(X):
        return validate_data(estimator, X, reset=reset, dtype="numeric", ensure_min_samples=2 if reset else 1)
    return check_dask_array(estimator, X, reset=reset)
