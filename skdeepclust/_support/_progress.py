# SPDX-License-Identifier: BSD-3-Clause
"""A progress bar over a training, fed with its records."""

import logging
from contextlib import contextmanager

logger = logging.getLogger("skdeepclust")


@contextmanager
def epoch_progress(verbose, n_epochs, n_done=0, max_time=None):
    """Yield a callable that takes one training record per epoch and the share of the training that is over.

    Every record goes to the logger ``"skdeepclust"`` at level INFO; with `verbose` a tqdm bar on stderr shows
    the loss, the speed and the time left too. The bar counts epochs, or seconds where `max_time` limits them.

    Parameters
    ----------
    verbose : int
        0 for no bar.
    n_epochs : int or None
        Epochs at most; None where time alone decides.
    n_done : int, default=0
        Epochs made before, by a training that goes on.
    max_time : float or None, default=None
        Seconds at most.
    """
    bar = None
    if verbose:
        from tqdm.auto import tqdm

        if max_time is None:
            bar = tqdm(total=n_epochs, initial=n_done, desc="training", unit="epoch", leave=True)
        else:
            form = "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s{postfix}"
            bar = tqdm(total=max_time, desc="training", leave=True, bar_format=form)

    def report(record, progress):
        logger.info(
            "epoch %d, %.0f%% of training: loss %.4f, %.0f samples/s", record["epoch"], 100 * progress,
            record["loss"], record["samples_per_second"],
        )  # fmt: skip
        if bar is None:
            return
        left = record["seconds"] * (1 - progress) / max(progress, 1e-9)
        text = f"loss {record['loss']:.3f}, {record['samples_per_second']:.0f} images/s, {left:.0f} s left"
        if "agreement" in record:
            text += f", agreement {record['agreement']:.2f}"
        bar.set_postfix_str(text, refresh=False)
        bar.update((record["epoch"] if max_time is None else min(record["seconds"], max_time)) - bar.n)

    try:
        yield report
    finally:
        if bar is not None:
            bar.close()
