# SPDX-License-Identifier: BSD-3-Clause
"""One training of an encoder: checkpoints, progress, callbacks, checks from outside, Ctrl-C, several ranks."""

import copy
import hashlib
import warnings

import numpy as np

from .._support._progress import epoch_progress
from .._support._warnings import TrainingInterruptedWarning
from ..nn.checkpoint import Checkpoint
from ..nn.synchronized_batch_norm import plain_batch_norm, synchronize_batch_norm
from ..nn.training_loop import COOL_DOWN, STOP


def run_training(estimator, training, *, identity, save_every, fitted_attributes, monitor=None):
    """Run `training` to its end on behalf of `estimator`, from its checkpoint where there is one.

    Parameters
    ----------
    estimator : NetworkEncoder
        Its `checkpoint_dir` and `verbose` are followed, its callbacks called, its fitted attributes set.
    training : Training
    identity : dict of str to object
        What the training depends on beside its recipe and data: part of the identity of its checkpoint.
    save_every : float
        Seconds between two states in the checkpoint.
    fitted_attributes : callable
        Gets a network and returns, as a dict, what makes a fitted estimator of it.
    monitor : callable or None, default=None
        Gets the training after every epoch; returns what it found as a dict for the record, with a true
        "cool_down" where the training should come to its end.

    Warns
    -----
    TrainingInterruptedWarning
        If Ctrl-C ended the training.

    Notes
    -----
    Only the first rank reads and writes the checkpoint, shows progress, checks and calls callbacks.
    """
    ranks, network, X, recipe = training.ranks, training.network, training.X, training.recipe
    context = estimator._init_callback_context(max_subtasks=recipe.max_epochs)
    context.call_on_fit_task_begin(estimator=estimator, X=X)
    save = _continue_from_checkpoint(estimator.checkpoint_dir, training, identity)
    verbose = estimator.verbose if ranks.is_first else 0
    with epoch_progress(verbose, recipe.max_epochs, len(training.history), recipe.max_time) as report:

        def on_epoch(record):
            if not ranks.is_first:
                return None
            found = {} if monitor is None else monitor(training)
            cool_down = found.pop("cool_down", False)
            record.update(found)
            report(record, training.progress)
            task = context.subcontext(task_name="epoch").call_on_fit_task_begin(estimator=estimator, X=X)
            # A copy, so that a callback can keep or use it while the training goes on.
            stop = task.call_on_fit_task_end(
                estimator=estimator,
                X=X,
                metadata={"record": record},
                reconstruction_attributes=lambda: fitted_attributes(copy.deepcopy(network).eval()),
            )
            return STOP if stop else (COOL_DOWN if cool_down else None)

        if ranks.size > 1:
            ranks.broadcast_module(network)
            synchronize_batch_norm(network)
        try:
            training.run(on_epoch, **({} if save is None else {"save": save, "save_every": save_every}))
        finally:
            plain_batch_norm(network)
    vars(estimator).update(fitted_attributes(network.eval()))
    if training.was_interrupted:
        warnings.warn(
            f"training was interrupted after {training.step} steps, {training.progress:.0%} of what was planned; the "
            "network is kept as it is and can be used. Fit again for the whole training.",
            TrainingInterruptedWarning,
            stacklevel=5,
        )
    context.call_on_fit_task_end(estimator=estimator, X=X, reconstruction_attributes=lambda: fitted_attributes(network))


def _continue_from_checkpoint(folder, training, identity):
    """Load the state in `folder`, if there is one; return the function that saves states, None where none does."""
    if folder is None:
        return None
    checkpoint = None
    if training.ranks.is_first:
        checkpoint = Checkpoint(folder, _full_identity(training, identity))
    state = training.ranks.broadcast_object(None if checkpoint is None else checkpoint.load())
    if state is not None:
        training.load_state(state)
    return None if checkpoint is None else checkpoint.save


def _full_identity(training, identity):
    """`identity`, the recipe and the data, as plain values.

    The data enter by shape, type and a digest of at most 64 rows: reading all of a file of millions of rows would
    take longer than it is worth.
    """
    X = training.X
    rows = X[np.unique(np.linspace(0, len(X) - 1, 64).astype(int))]
    return {
        "shape": list(X.shape),
        "dtype": str(X.dtype),
        "rows": hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()[:16],
        **training.recipe.decides(),
        **{name: _plain(value) for name, value in identity.items()},
    }


def _plain(value):
    """`value` as what a checkpoint may hold; of something callable its name, which outlives the process."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if callable(value):
        named = value if hasattr(value, "__qualname__") else type(value)
        return f"{named.__module__}.{named.__qualname__}"
    return repr(value)
