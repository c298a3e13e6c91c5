# SPDX-License-Identifier: BSD-3-Clause
"""One training of an encoder: checkpoints, progress, callbacks, checks from outside, Ctrl-C."""

import copy
import hashlib
import warnings

import numpy as np

from .._support._progress import epoch_progress
from .._support._warnings import TrainingInterruptedWarning
from ..nn.checkpoint import Checkpoint
from ..nn.train import COOL_DOWN, STOP


def training_identity(X, recipe, seed, parameters):
    """What the result of a training depends on, as plain values: the identity of its checkpoint.

    The data enter by shape, type and a digest of at most 64 rows: reading all of a file of millions of rows would
    take longer than it is worth.
    """
    rows = np.ascontiguousarray(X[np.unique(np.linspace(0, len(X) - 1, 64).astype(int))])
    digest = hashlib.sha256(rows.tobytes()).hexdigest()[:16]
    return {
        "shape": list(X.shape),
        "dtype": str(X.dtype),
        "rows": digest,
        "seed": seed,
        **recipe.decides(),
        **{name: value if isinstance(value, int | str) else repr(value) for name, value in parameters.items()},
    }


def run_training(estimator, training, X, context, *, fitted_attributes, checkpoint, save_every, monitor, is_first):
    """Run `training` to its end on behalf of `estimator`.

    Parameters
    ----------
    estimator : ContrastiveEncoder
        Whose callbacks are called.
    training : Training
    X : array of rows
        Handed to callbacks.
    context : callback context of the fit
    fitted_attributes : callable
        Returns what an estimator needs to be used as if the training had ended now; called on a copy only.
    checkpoint : Checkpoint or None
    save_every : float
        Seconds between two checkpoints.
    monitor : callable or None
        Gets the training after every epoch; returns what it found as a dict for the record, with the key
        "cool_down" where the training should come to its end.
    is_first : bool
        Whether this is the first rank: only it saves, shows progress, checks and calls callbacks.

    Warns
    -----
    TrainingInterruptedWarning
        If Ctrl-C ended the training.
    """
    recipe = training.recipe
    n_before = len(training.history)
    with epoch_progress(estimator.verbose if is_first else 0, recipe.max_epochs, n_before, recipe.max_time) as report:

        def on_epoch(record):
            if not is_first:
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
                reconstruction_attributes=lambda: fitted_attributes(copy.deepcopy(training.network).eval()),
            )
            return STOP if stop else (COOL_DOWN if cool_down else None)

        saving = {}
        if checkpoint is not None and is_first:
            saving = {"save": checkpoint.save, "save_every": save_every}
        training.run(on_epoch, **saving)
    if training.was_interrupted:
        warnings.warn(
            f"training was interrupted after {training.step} steps, {training.progress:.0%} of what was planned; the "
            "network is kept as it is and can be used. Fit again for the whole training.",
            TrainingInterruptedWarning,
            stacklevel=4,
        )


def open_checkpoint(folder, name, identity):
    """Return the checkpoint in `folder`, or None without a folder."""
    return None if folder is None else Checkpoint(folder, name, identity)
