# SPDX-License-Identifier: BSD-3-Clause
"""Stability of the consensus over the number of clusters, drawn."""

from ..consensus import stability_curve
from ._axes import axes_for
from ._palette import cluster_colors


class StabilityDisplay:
    """Stability and agreement of the consensus at every number of clusters, with the number they speak for.

    Parameters
    ----------
    curve : StabilityCurve
        What :func:`~skdeepclust.stability_curve` returns.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        Stability, agreement, and the chosen number.

    See Also
    --------
    skdeepclust.stability_curve : The numbers alone.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from skdeepclust import BaseClusterings
    >>> from skdeepclust.plotting import StabilityDisplay
    >>> X, _ = make_blobs(200, random_state=0)
    >>> base = BaseClusterings(8, random_state=0).fit(X)
    >>> display = StabilityDisplay.from_estimator(base, range(2, 6), n_resamples=2, random_state=0)
    >>> display.ax_.get_xlabel(), display.curve.n_clusters
    ('number of clusters', array([2, 3, 4, 5]))
    """

    def __init__(self, curve):
        self.curve = curve

    @classmethod
    def from_estimator(cls, model, n_clusters=range(2, 21), *, n_resamples=20, random_state=None, ax=None):
        """Compare numbers of clusters on the base clusterings of a fitted ensemble.

        Parameters
        ----------
        model : fitted ensemble
            With ``base_labels_``.
        n_clusters : iterable of int, default=range(2, 21)
            Numbers of clusters to compare.
        n_resamples : int, default=20
            Ways to halve the ensemble.
        random_state : int, RandomState or None, default=None
            As in :func:`~skdeepclust.stability_curve`, which has further options: ``StabilityDisplay(curve).plot()``.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : StabilityDisplay
        """
        return cls(stability_curve(model, n_clusters, n_resamples=n_resamples, random_state=random_state)).plot(ax)

    @classmethod
    def from_predictions(cls, base_labels, n_clusters=range(2, 21), *, n_resamples=20, random_state=None, ax=None):
        """Compare numbers of clusters on a label matrix.

        Parameters
        ----------
        base_labels : array-like of shape (n_samples, n_clusterings)
            Label matrix, -1 = missing.
        n_clusters, n_resamples, random_state, ax : see `from_estimator`
            As in :meth:`from_estimator`.

        Returns
        -------
        display : StabilityDisplay
        """
        return cls.from_estimator(base_labels, n_clusters, n_resamples=n_resamples, random_state=random_state, ax=ax)

    def plot(self, ax=None):
        """Draw the curves; the band is one standard error wide on either side.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : StabilityDisplay
        """
        ax, curve = axes_for(self, ax), self.curve
        first, second = cluster_colors(2)
        k, mean, error = curve.n_clusters, curve.stability, curve.standard_error
        ax.fill_between(k, mean - error, mean + error, color=first, alpha=0.25, linewidth=0)
        self.lines_ = [
            *ax.plot(k, mean, "o-", color=first, markersize=4, label="stability"),
            *ax.plot(k, curve.agreement, "s--", color=second, markersize=4, label="agreement"),
            ax.axvline(curve.best_n_clusters, color="gray", linestyle=":", label=f"chosen: {curve.best_n_clusters}"),
        ]
        ax.set(xlabel="number of clusters", ylim=(min(0.0, mean.min(), curve.agreement.min()), 1.03))
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend()
        return self
