# SPDX-License-Identifier: BSD-3-Clause
"""Figures of merit: with labels, without labels, and as scorers for a search over parameters."""

from ._accuracy import clustering_accuracy, clustering_accuracy_scorer
from ._agreement import ensemble_agreement
from ._internal import make_internal_scorer, silhouette_scorer

__all__ = [
    "clustering_accuracy",
    "clustering_accuracy_scorer",
    "ensemble_agreement",
    "make_internal_scorer",
    "silhouette_scorer",
]
