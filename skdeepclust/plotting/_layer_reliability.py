# SPDX-License-Identifier: BSD-3-Clause
"""How far each layer and each base clustering of an ensemble can be relied on, drawn."""

import numpy as np

from ._axes import axes_for
from ._palette import cluster_colors
from ._reliability import Reliability, reliability_of


class LayerReliabilityDisplay:
    """Weight and agreement of every base clustering of an ensemble, layer by layer.

    One panel for the weight that the consensus gave to the clusters of a base clustering, one for how much of the
    consensus it determines by itself. A dot is a base clustering, a bar the mean of a layer, a hollow dot one without a
    vote.

    Parameters
    ----------
    reliability : Reliability
        Arrays `agreement`, `weight`, `n_clusters`, `groups`, and the `names` of the groups.

    Attributes
    ----------
    ax_ : ndarray of two matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    CoassociationDisplay : Which rows the base clusterings keep together.
    """

    def __init__(self, reliability):
        self.reliability = reliability

    @classmethod
    def from_estimator(cls, model, *, ax=None):
        """Look into a fitted ensemble.

        Parameters
        ----------
        model : fitted ensemble
            With ``base_clusterings_`` and ``consensus_``: :class:`~skdeepclust.DeepClusterEnsemble`,
            :class:`~skdeepclust.USENC`.
        ax : pair of matplotlib Axes or None, default=None
            Where to draw the two panels; None makes a figure.

        Returns
        -------
        display : LayerReliabilityDisplay
        """
        return cls(reliability_of(model)).plot(ax)

    @classmethod
    def from_predictions(cls, agreement, weight, groups, *, names=None, ax=None):
        """Draw scores of any origin.

        Parameters
        ----------
        agreement, weight : array-like of shape (n_clusterings,)
            NaN in `weight` for one without a vote.
        groups : array-like of shape (n_clusterings,)
            Layer of each base clustering, 0, 1, ...
        names : sequence of str or None, default=None
            Of the layers; None takes their numbers.
        ax : pair of matplotlib Axes or None, default=None
            Where to draw the two panels; None makes a figure.

        Returns
        -------
        display : LayerReliabilityDisplay
        """
        agreement, weight, groups = np.asarray(agreement, float), np.asarray(weight, float), np.asarray(groups)
        if not agreement.shape == weight.shape == groups.shape or agreement.ndim != 1:
            raise ValueError(
                "agreement, weight and groups must have one entry per base clustering; got shapes "
                f"{agreement.shape}, {weight.shape} and {groups.shape}."
            )
        names = tuple(names or map(str, range(int(groups.max()) + 1)))
        return cls(Reliability(agreement, weight, np.zeros(len(groups), int), groups, names)).plot(ax)

    def plot(self, ax=None):
        """Draw both panels.

        Parameters
        ----------
        ax : pair of matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : LayerReliabilityDisplay
        """
        found = self.reliability
        first = axes_for(self, None if ax is None else ax[0])
        if ax is None:
            self.figure_.clear()
            ax = self.figure_.subplots(1, 2, sharey=True)
            first = ax[0]
        self.ax_, self.figure_ = np.asarray(ax, dtype=object), first.figure
        colors = cluster_colors(len(found.names))
        votes = ~np.isnan(found.weight)
        panels = ((found.weight, "mean weight of its clusters"), (found.agreement, "agreement with the consensus"))
        for panel, (values, title) in zip(self.ax_, panels, strict=True):
            for group, color in enumerate(colors):
                mine = np.flatnonzero(found.groups == group)
                height = group + np.linspace(-0.25, 0.25, len(mine)) * (len(mine) > 1)
                face = np.where(votes[mine], color, "none")
                panel.scatter(values[mine], height, s=22, c=face, edgecolors=color)
                if len(mine) and not np.isnan(values[mine]).all():
                    panel.vlines(np.nanmean(values[mine]), group - 0.4, group + 0.4, colors=color, linewidths=2.5)
            panel.set(xlabel=title, ylim=(len(colors) - 0.4, -0.6))
        first.set(yticks=range(len(colors)), yticklabels=found.names)
        return self
