# SPDX-License-Identifier: BSD-3-Clause
"""From the parameters of an encoder to a recipe: checked, and without any "auto"."""

import numpy as np

from .._support._parameters import check_choice, check_integer, check_real
from ..nn.recipe import Recipe

_AUTO_STEPS = 1000  # of 256 samples: about 25 epochs for 10,000 images


def settle_recipe(encoder, n, is_color):
    """Check the training parameters of `encoder` and settle what is "auto".

    Parameters
    ----------
    encoder : ContrastiveEncoder
    n : int
        Number of rows.
    is_color : bool
        Whether they are colour images.

    Returns
    -------
    Recipe

    Raises
    ------
    ValueError, TypeError
        For parameters out of range.
    """
    check_choice("neighbors_from", encoder.neighbors_from, ("auto", "input", "features"))
    check_choice("precision", encoder.precision, ("auto", "bfloat16", "float32"))
    check_integer("verbose", encoder.verbose, low=0)
    batch_size = check_integer("batch_size", encoder.batch_size, low=2)
    max_epochs, max_time = settle_length(encoder, n, _AUTO_STEPS * 256, low=8, high=60)
    micro_batch_size = encoder.micro_batch_size
    if micro_batch_size is not None:
        micro_batch_size = check_integer("micro_batch_size", micro_batch_size, low=2)
    if isinstance(encoder.n_neighbors, str):
        check_choice("n_neighbors", encoder.n_neighbors, ("auto",), hint='Pass an integer >= 0, or "auto".')
        is_sought = not is_color or encoder.neighbors_from != "auto"
        n_neighbors = int(np.clip(round(n**0.5 / 10), 5, 10)) if is_sought else 0
    else:
        n_neighbors = check_integer("n_neighbors", encoder.n_neighbors, low=0)
    source = ("features" if is_color else "input") if encoder.neighbors_from == "auto" else encoder.neighbors_from
    return Recipe(
        max_epochs=max_epochs,
        batch_size=batch_size,
        learning_rate=check_real("learning_rate", encoder.learning_rate, low=0, closed_low=False),
        weight_decay=check_real("weight_decay", encoder.weight_decay, low=0),
        temperature=check_real("temperature", encoder.temperature, low=0, closed_low=False),
        n_neighbors=min(n_neighbors, n - 1),
        neighbors_from=source,
        refresh_at=(1 / 3, 2 / 3),
        precision=encoder.precision,
        max_time=max_time,
        micro_batch_size=micro_batch_size,
    )


def settle_length(encoder, n, auto_rows, low, high):
    """Check the parameters `max_epochs` and `max_time` of `encoder` and settle what is "auto".

    Parameters
    ----------
    encoder : NetworkEncoder
    n : int
        Number of rows.
    auto_rows : int
        How many rows, each as often as it comes, an "auto" training sees.
    low, high : int
        Fewest and most epochs of it.

    Returns
    -------
    max_epochs : int or None
    max_time : float or None
    """
    max_time = encoder.max_time
    if max_time is not None:
        max_time = check_real("max_time", max_time, low=0, closed_low=False)
    if not isinstance(encoder.max_epochs, str):
        return check_integer("max_epochs", encoder.max_epochs, low=1), max_time
    check_choice("max_epochs", encoder.max_epochs, ("auto",), hint='Pass an integer >= 1, or "auto".')
    return (int(np.clip(round(auto_rows / n), low, high)) if max_time is None else None), max_time
