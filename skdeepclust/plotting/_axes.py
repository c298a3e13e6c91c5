# SPDX-License-Identifier: BSD-3-Clause
"""The one place where matplotlib is imported."""


def axes_for(display, ax):
    """Return `ax`, or the axes of a new figure; they become ``display.ax_``, their figure ``display.figure_``.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{type(display).__name__}.plot draws with matplotlib; pip install skdeepclust[report]."
        ) from error
    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    display.ax_, display.figure_ = ax, ax.figure
    return ax
