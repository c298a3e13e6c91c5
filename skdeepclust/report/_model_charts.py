# SPDX-License-Identifier: BSD-3-Clause
"""Which charts a fitted clusterer has."""

import numpy as np

from ..plotting._fitted import spectrum_of
from ..plotting._palette import cluster_colors
from ..plotting._reliability import reliability_of
from ..plotting._training_history import history_curves
from ._charts import dot_rows, histogram, line_chart, spectrum_chart

_N_EIGENVALUES = 50


def model_charts(model, certainty):
    """Charts with a sentence below each, as pairs (chart, note).

    Parameters
    ----------
    model : fitted clusterer
    certainty : ndarray of shape (n_samples,)
    """
    charts = [
        (
            histogram(certainty, "Certainty of the labels", "largest membership", "rows"),
            "Memberships rank the rows; they are no calibrated probabilities.",
        )
    ]
    if hasattr(model, "base_clusterings_") and hasattr(model, "consensus_"):
        charts += _reliability_charts(reliability_of(model))
    if getattr(model, "history_", None):
        charts += _training_charts(model.history_)
    spectrum = spectrum_of(model)
    if spectrum is not None and len(spectrum) > 2:
        color = cluster_colors(1)[0]
        chart = spectrum_chart(
            np.asarray(spectrum)[:_N_EIGENVALUES], model.n_clusters_, "Spectrum", "number", "eigenvalue", color
        )
        charts.append((chart, "A wide gap behind the k-th eigenvalue of the consensus graph speaks for k clusters."))
    return charts


def _reliability_charts(found):
    colors = cluster_colors(len(found.names))
    hollow = np.isnan(found.weight)
    tips = [
        f"{found.names[group]}, base clustering {m}: {k} clusters, agreement {agreement:.3f}"
        + (", no vote" if np.isnan(weight) else f", weight {weight:.3f}")
        for m, (group, k, agreement, weight) in enumerate(
            zip(found.groups, found.n_clusters, found.agreement, found.weight, strict=True)
        )
    ]
    agreement = dot_rows(
        found.agreement, found.groups, found.names, hollow, tips, colors, "Base clusterings: agreement", "agreement"
    )
    charts = [
        (
            agreement,
            "How much of the consensus each base clustering determines by itself, adjusted for chance: 1 is all of it. "
            "A bar is the mean of a layer; hollow dots have no vote.",
        )
    ]
    if np.nanmax(found.weight) > np.nanmin(found.weight):
        weight = dot_rows(
            found.weight, found.groups, found.names, hollow, tips, colors, "Base clusterings: weight", "mean weight"
        )
        charts.append((weight, "Mean weight that the consensus gave to the clusters: those that others confirm count."))
    return charts


def _training_charts(history):
    losses, checks = ({k.replace("_", " "): c for k, c in part.items()} for part in history_curves(history))
    charts = []
    if losses:
        chart = line_chart(losses, cluster_colors(len(losses)), "Training", "epoch", "loss")
        charts.append((chart, "The loss and its terms."))
    if checks:
        chart = line_chart(checks, cluster_colors(len(checks)), "Checks while training", "epoch", "", (0.0, 1.0))
        charts.append((chart, "Agreement of the consensus with that of the check before, or share of changed labels."))
    return charts
