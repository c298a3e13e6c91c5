# SPDX-License-Identifier: BSD-3-Clause
"""The montage of the clusters, drawn with their numbers."""

import numpy as np

from ._axes import axes_for
from ._fitted import images_of, labels_and_certainty
from ._montage import by_size, cluster_montage


class ClusterMontageDisplay:
    """A row of member images for each cluster, the most certain first.

    Parameters
    ----------
    picture : ndarray of shape (height, width) or (height, width, 3), dtype uint8
        What :func:`cluster_montage` returns.
    labels : sequence
        The clusters from top to bottom.
    counts : sequence of int
        Their sizes.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage

    See Also
    --------
    cluster_montage : The picture alone, without matplotlib.
    """

    def __init__(self, picture, labels, counts):
        self.picture = picture
        self.labels = labels
        self.counts = counts

    @classmethod
    def from_estimator(cls, model, X, *, n_certain=10, n_uncertain=0, tile_size=32, ax=None):
        """Show the images that a fitted clusterer was fitted on, or others like them.

        Parameters
        ----------
        model : fitted clusterer
            With ``predict_proba``.
        X : array-like of shape (n, h, w) or (n, h, w, c), or (n, d) if the model knows the shape of its images
            The images.
        n_certain, n_uncertain, tile_size : int
            As in :func:`cluster_montage`.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ClusterMontageDisplay
        """
        rows, shape = images_of(model, X)
        if rows is None:
            raise ValueError(
                "X must hold images of 1 or 3 channels, and the model must know their shape, image_shape_; got a "
                "table. from_predictions takes images beside labels of any origin."
            )
        labels, certainty, _ = labels_and_certainty(model, X)
        return cls.from_predictions(
            np.asarray(rows[:]).reshape(-1, *shape),
            labels,
            certainty,
            n_certain=n_certain,
            n_uncertain=n_uncertain,
            tile_size=tile_size,
            ax=ax,
        )

    @classmethod
    def from_predictions(cls, images, labels, confidence=None, *, n_certain=10, n_uncertain=0, tile_size=32, ax=None):
        """Show images and labels of any origin.

        Parameters
        ----------
        images, labels, confidence : array-like
            As in :func:`cluster_montage`.
        n_certain, n_uncertain, tile_size : int
            As in :func:`cluster_montage`.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ClusterMontageDisplay
        """
        picture = cluster_montage(
            images, labels, confidence, n_certain=n_certain, n_uncertain=n_uncertain, tile_size=tile_size
        )
        order = by_size(np.asarray(labels))
        return cls(picture, order, [int((np.asarray(labels) == label).sum()) for label in order]).plot(ax)

    def plot(self, ax=None):
        """Draw the picture; each row has the number of its cluster and how many members it has.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : ClusterMontageDisplay
        """
        ax = axes_for(self, ax)
        self.image_ = ax.imshow(self.picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        step = self.picture.shape[0] / len(self.labels)
        names = [f"{label}  ({count:,})" for label, count in zip(self.labels, self.counts, strict=True)]
        ax.set(xticks=[], yticks=step * (np.arange(len(names)) + 0.5), yticklabels=names, ylabel="cluster (size)")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        return self
