# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of clusters: plain arrays, a PNG writer that needs no image library, and displays drawn by matplotlib.

Displays follow scikit-learn: ``from_estimator`` or ``from_predictions`` computes and draws, ``plot`` draws again, `ax_`
and `figure_` are what was drawn on. matplotlib, of the extra ``skdeepclust[report]``, is imported when one is drawn.
"""

from importlib import import_module

from ._montage import cluster_montage
from ._png import write_png

_HOME = {
    "ClusterMontageDisplay": "_montage_display",
    "CoassociationDisplay": "_coassociation",
    "EmbeddingDisplay": "_embedding",
    "LayerReliabilityDisplay": "_layer_reliability",
    "StabilityDisplay": "_stability_display",
    "TrainingHistoryDisplay": "_training_history",
}

__all__ = [*sorted(_HOME), "cluster_montage", "write_png"]


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_HOME])
