# SPDX-License-Identifier: BSD-3-Clause
"""How often pairs of rows are together in the base clusterings."""

import numpy as np

from .._support._parameters import check_integer, draw_seed
from ..consensus._labels import code_labels
from ..consensus._linkage import weighted_distance
from ..consensus._parts import sample_rows
from ._axes import axes_for


def coassociation_blocks(base_labels, labels, *, max_samples=2000, n_blocks=100, random_state=0):
    r"""Mean co-association of blocks of rows, ordered by cluster.

    The co-association of two rows is the share of the base clusterings, of those that label both, that put them into
    one cluster. Rows of a cluster come in the order of their mean co-association with it, and are cut into blocks of
    about equal length, none of which reaches over into the next cluster:

    .. math:: B_{rs} = \frac{1}{|r| |s|} \sum_{i \in r} \sum_{j \in s} A_{ij}

    Parameters
    ----------
    base_labels : ndarray of shape (n_samples, n_clusterings)
        Label matrix, -1 = missing.
    labels : ndarray of shape (n_samples,)
        Cluster of each row; rows with -1 are left out.
    max_samples : int, default=2000
        Rows looked at, drawn without replacement: the matrix of all their pairs is made.
    n_blocks : int, default=100
        Blocks, about; each cluster has at least one.
    random_state : int, default=0
        Seed of the draw.

    Returns
    -------
    blocks : ndarray of shape (b, b), float64
        B, in [0, 1], symmetric.
    block_labels : ndarray of shape (b,)
        Cluster of each block, ascending.
    """
    rows = np.flatnonzero(labels != -1)
    rows = rows[sample_rows(len(rows), max_samples, random_state)]
    coder, codes = code_labels(np.asarray(base_labels[rows]))
    together = 1.0 - weighted_distance(codes, coder.sizes, np.ones(int(coder.sizes.sum())))
    values, own, counts = np.unique(labels[rows], return_inverse=True, return_counts=True)
    with_own = np.array([together[i, own == own[i]].mean() for i in range(len(rows))])
    order = np.lexsort((-with_own, own))
    n_parts = np.maximum(1, np.rint(counts * n_blocks / len(rows)).astype(int))
    parts = [part for c, n in enumerate(n_parts) for part in np.array_split(order[own[order] == c], min(n, counts[c]))]
    sizes = np.array([len(part) for part in parts])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    sums = np.add.reduceat(np.add.reduceat(together[np.ix_(order, order)], starts, axis=0), starts, axis=1)
    return sums / np.outer(sizes, sizes), values[own[order[starts]]]


class CoassociationDisplay:
    """Heat map of how often rows are together in the base clusterings, ordered by cluster.

    Clear clusters are light squares on the diagonal. Light off the diagonal are clusters that the base clusterings do
    not keep apart; a square that darkens towards its end has members that belong there less.

    Parameters
    ----------
    blocks : ndarray of shape (b, b)
        Mean co-association of blocks of rows, in [0, 1].
    block_labels : ndarray of shape (b,)
        Cluster of each block; those of a cluster stand together.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage

    See Also
    --------
    LayerReliabilityDisplay : How far each base clustering can be relied on.
    """

    def __init__(self, blocks, block_labels):
        self.blocks = blocks
        self.block_labels = block_labels

    @classmethod
    def from_estimator(cls, model, *, max_samples=2000, n_blocks=100, random_state=0, ax=None):
        """Show the base clusterings of a fitted ensemble.

        Parameters
        ----------
        model : fitted ensemble
            With ``base_labels_`` and ``labels_``: :class:`~skdeepclust.USENC`,
            :class:`~skdeepclust.DeepClusterEnsemble`.
        max_samples : int, default=2000
            Rows looked at, drawn without replacement: the matrix of all their pairs is made.
        n_blocks : int, default=100
            Blocks, about, over which the matrix is averaged; each cluster has at least one.
        random_state : int, RandomState or None, default=0
            Of the draw.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : CoassociationDisplay
        """
        if not hasattr(model, "base_labels_") or not hasattr(model, "labels_"):
            raise TypeError(
                f"model must be a fitted ensemble with base_labels_ and labels_; got {type(model).__name__}. "
                "from_predictions takes a label matrix of any origin."
            )
        return cls.from_predictions(
            model.base_labels_,
            model.labels_,
            max_samples=max_samples,
            n_blocks=n_blocks,
            random_state=random_state,
            ax=ax,
        )

    @classmethod
    def from_predictions(cls, base_labels, labels, *, max_samples=2000, n_blocks=100, random_state=0, ax=None):
        """Show a label matrix of any origin.

        Parameters
        ----------
        base_labels : array-like of shape (n_samples, n_clusterings)
            Label matrix, -1 = missing.
        labels : array-like of shape (n_samples,)
            Cluster of each row; rows with -1 are left out.
        max_samples, n_blocks, random_state, ax : see `from_estimator`
            As in :meth:`from_estimator`.

        Returns
        -------
        display : CoassociationDisplay
        """
        labels = np.asarray(labels)
        if np.ndim(base_labels) != 2 or labels.shape != (len(base_labels),):
            raise ValueError(
                f"base_labels must be (n_samples, n_clusterings) and labels (n_samples,); got {np.shape(base_labels)} "
                f"and {labels.shape}."
            )
        base_labels = base_labels if hasattr(base_labels, "shape") else np.asarray(base_labels)
        blocks, block_labels = coassociation_blocks(
            base_labels,
            labels,
            max_samples=check_integer("max_samples", max_samples, low=2),
            n_blocks=check_integer("n_blocks", n_blocks, low=1),
            random_state=draw_seed(random_state),
        )
        return cls(blocks, block_labels).plot(ax)

    def plot(self, ax=None, *, cmap="cividis"):
        """Draw the heat map.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        cmap : str or matplotlib Colormap, default="cividis"
            Colours from 0 to 1.

        Returns
        -------
        self : CoassociationDisplay
        """
        ax = axes_for(self, ax)
        self.image_ = ax.imshow(self.blocks, vmin=0, vmax=1, cmap=cmap, interpolation="nearest")
        self.figure_.colorbar(self.image_, ax=ax, label="share of base clusterings that have both together")
        ends = np.flatnonzero(np.diff(self.block_labels)) + 0.5
        for end in ends:
            ax.axhline(end, color="white", linewidth=0.6)
            ax.axvline(end, color="white", linewidth=0.6)
        edges = np.concatenate([[-0.5], ends, [len(self.blocks) - 0.5]])
        ticks, names = (edges[1:] + edges[:-1]) / 2, np.unique(self.block_labels)
        ax.set(xticks=ticks, yticks=ticks, xticklabels=names, yticklabels=names, xlabel="cluster", ylabel="cluster")
        ax.tick_params(length=0)
        return self
