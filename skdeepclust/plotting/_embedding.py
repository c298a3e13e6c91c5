# SPDX-License-Identifier: BSD-3-Clause
"""A map of the rows in the plane."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from .._support._parameters import check_integer, draw_seed
from ..consensus._parts import sample_rows
from ._axes import axes_for
from ._fitted import features_of, labels_and_certainty, n_rows, take_rows
from ._palette import cluster_colors

_N_COMPONENTS = 50
_PERPLEXITY = 30
_MAX_ITER = 500
_LEAST_ROWS = 8  # fewer have no neighbourhoods to speak of


def planar_map(features, random_state=0):
    """Coordinates in the plane in which near rows stay near: t-SNE of 50 principal components.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        Time grows with n_samples log n_samples; a few thousand rows take some ten seconds.
    random_state : int, default=0
        Seed; the same rows and seed give the same map.

    Returns
    -------
    points : ndarray of shape (n_samples, 2), float64
        Centred, the longest distance from the centre is 1. For fewer than 8 rows two principal components.
    """
    n, d = features.shape
    if not np.ptp(features, axis=0).any():
        return np.zeros((n, 2))
    points = PCA(min(_N_COMPONENTS, n, d), svd_solver="full", random_state=random_state).fit_transform(features)
    if n >= _LEAST_ROWS and points.shape[1] > 2:
        points = points / (points[:, 0].std() or 1.0)
        perplexity = min(_PERPLEXITY, (n - 1) / 3)
        tsne = TSNE(perplexity=perplexity, init=1e-4 * points[:, :2], max_iter=_MAX_ITER, random_state=random_state)
        points = tsne.fit_transform(points)
    points = np.pad(points[:, :2].astype(float), ((0, 0), (0, max(0, 2 - points.shape[1]))))
    points -= (points.max(axis=0) + points.min(axis=0)) / 2
    return points / (np.linalg.norm(points, axis=1).max() or 1.0)


class EmbeddingDisplay:
    """Map of the rows in the plane, coloured by cluster; the less certain a row, the smaller and paler its point.

    The map is a sketch: that points are near says that the rows are, but gaps and the sizes of groups mean little.

    Parameters
    ----------
    points : ndarray of shape (n_points, 2)
        Coordinates.
    labels : ndarray of shape (n_points,)
        Cluster of each point, -1 = none.
    certainty : ndarray of shape (n_points,) or None, default=None
        Between 0 and 1.
    rows : ndarray of shape (n_points,) or None, default=None
        Which rows of the data the points are.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    scatter_ : matplotlib PathCollection

    See Also
    --------
    skdeepclust.report.write_report : The same map with the images themselves.
    """

    def __init__(self, points, labels, certainty=None, rows=None):
        self.points = points
        self.labels = labels
        self.certainty = certainty
        self.rows = rows

    @classmethod
    def from_estimator(cls, model, X, *, max_points=3000, random_state=0, ax=None):
        """Map what a fitted clusterer sees in the rows: the layers of its network, or else the rows themselves.

        Parameters
        ----------
        model : fitted clusterer
            With ``predict_proba``.
        X : array-like
            Rows like those of ``fit``.
        max_points : int, default=3000
            Rows on the map, drawn without replacement.
        random_state : int, RandomState or None, default=0
            Of the draw and the map.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : EmbeddingDisplay
        """
        seed = draw_seed(random_state)
        rows = sample_rows(n_rows(X), check_integer("max_points", max_points, low=1), seed)
        some = take_rows(X, rows)
        labels, certainty, _ = labels_and_certainty(model, some)
        return cls(planar_map(features_of(model, some), seed), labels, certainty, rows).plot(ax)

    @classmethod
    def from_predictions(cls, features, labels, certainty=None, *, max_points=3000, random_state=0, ax=None):
        """Map features of any origin.

        Parameters
        ----------
        features : array-like of shape (n_samples, n_features)
            What is mapped.
        labels : array-like of shape (n_samples,)
            Cluster of each row, -1 = none.
        certainty : array-like of shape (n_samples,) or None, default=None
            Between 0 and 1, for example ``predict_proba(X).max(axis=1)``.
        max_points, random_state, ax : see `from_estimator`
            As in :meth:`from_estimator`.

        Returns
        -------
        display : EmbeddingDisplay
        """
        features, labels, seed = np.asarray(features, dtype=float), np.asarray(labels), draw_seed(random_state)
        if features.ndim != 2 or labels.shape != (len(features),):
            raise ValueError(
                f"features must be (n_samples, n_features) and labels (n_samples,); got {features.shape} and "
                f"{labels.shape}."
            )
        rows = sample_rows(len(features), check_integer("max_points", max_points, low=1), seed)
        certainty = None if certainty is None else np.asarray(certainty, dtype=float)[rows]
        return cls(planar_map(features[rows], seed), labels[rows], certainty, rows).plot(ax)

    def plot(self, ax=None, *, size=16):
        """Draw the map; the number of each cluster stands where its middle is.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        size : float, default=16
            Area of the point of a certain row, in points squared.

        Returns
        -------
        self : EmbeddingDisplay
        """
        ax = axes_for(self, ax)
        values, codes = np.unique(self.labels[self.labels != -1], return_inverse=True)
        colors = np.full(len(self.labels), "#808080", dtype=object)
        colors[self.labels != -1] = np.array(cluster_colors(len(values)), dtype=object)[codes]
        sure = np.ones(len(self.points)) if self.certainty is None else self.certainty
        order = np.argsort(-sure, kind="stable")  # small points on top
        self.scatter_ = ax.scatter(
            *self.points[order].T,
            c=colors[order],
            s=size * (0.35 + 0.65 * sure[order]),
            alpha=0.35 + 0.6 * sure[order],
            linewidths=0,
        )
        for value in values:
            x, y = self.points[middle_point(self.points, self.labels == value)]
            box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
            ax.text(x, y, str(value), ha="center", va="center", color="black", fontweight="bold", bbox=box)
        ax.set(xticks=[], yticks=[], aspect="equal")
        return self


def middle_point(points, members):
    """Number of the member point that is nearest to the median of all members: a place for a name."""
    inside = np.flatnonzero(members)
    middle = np.median(points[inside], axis=0)
    return inside[np.argmin(((points[inside] - middle) ** 2).sum(axis=1))]
