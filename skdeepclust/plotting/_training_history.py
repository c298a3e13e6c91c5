# SPDX-License-Identifier: BSD-3-Clause
"""The course of a training, drawn."""

from numbers import Real

import numpy as np

from .._support._parameters import check_choice
from ._axes import axes_for
from ._palette import cluster_colors

_NO_TERMS = ("epoch", "seconds", "samples_per_second", "agreement", "label_change")
AGREEMENTS = ("agreement", "label_change")  # between 0 and 1, on an axis of their own


def history_curves(history, x="epoch"):
    """Curves of a list of records, by name: the loss, its terms, and what was checked now and then.

    Parameters
    ----------
    history : list of dict
        ``history_`` of an estimator.
    x : {"epoch", "seconds"}, default="epoch"

    Returns
    -------
    losses, checks : dict of str to pair of ndarrays
        Abscissae and values; records without a value are left out.
    """
    names = {name: None for record in history for name, value in record.items() if _is_number(value)}
    curves = {}
    for name in names:
        points = [(record.get(x, i + 1), record[name]) for i, record in enumerate(history) if name in record]
        curves[name] = tuple(np.array(points, dtype=float).T)
    losses = {name: curve for name, curve in curves.items() if name not in _NO_TERMS}
    return losses, {name: curves[name] for name in AGREEMENTS if name in curves}


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


class TrainingHistoryDisplay:
    """The loss and its terms over epochs or seconds, and the agreement of checks where some were made.

    Parameters
    ----------
    history : list of dict
        One record per epoch, ``history_`` of an estimator.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
    agreement_ax_ : matplotlib Axes or None
        The axis on the right, where there is something on it.

    See Also
    --------
    skdeepclust.report.write_report : A page with this and more.
    """

    def __init__(self, history):
        self.history = history

    @classmethod
    def from_estimator(cls, model, *, x="epoch", ax=None):
        """Show the training of a fitted estimator.

        Parameters
        ----------
        model : fitted estimator
            With ``history_``.
        x : {"epoch", "seconds"}, default="epoch"
            What runs along the horizontal axis.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : TrainingHistoryDisplay
        """
        if not getattr(model, "history_", None):
            raise TypeError(
                f"model must be a fitted estimator with a history_ of epochs; {type(model).__name__} has none."
            )
        return cls(model.history_).plot(ax, x=x)

    def plot(self, ax=None, *, x="epoch"):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        x : {"epoch", "seconds"}, default="epoch"
            What runs along the horizontal axis.

        Returns
        -------
        self : TrainingHistoryDisplay
        """
        losses, checks = history_curves(self.history, check_choice("x", x, ("epoch", "seconds")))
        ax = axes_for(self, ax)
        self.agreement_ax_ = ax.twinx() if checks else None
        curves = [(ax, "-", name, curve) for name, curve in losses.items()]
        curves += [(self.agreement_ax_, "--", name, curve) for name, curve in checks.items()]
        self.lines_ = []
        for (axes, style, name, curve), color in zip(curves, cluster_colors(len(curves)), strict=True):
            width = 2.2 if name == "loss" else 1.4
            self.lines_ += axes.plot(*curve, style, color=color, linewidth=width, label=name.replace("_", " "))
        if checks:
            self.agreement_ax_.set(ylim=(0, 1.03), ylabel=" / ".join(name.replace("_", " ") for name in checks))
        ax.set(xlabel=x, ylabel="loss")
        ax.legend(handles=self.lines_)
        return self
