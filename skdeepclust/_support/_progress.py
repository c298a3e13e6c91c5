# SPDX-License-Identifier: BSD-3-Clause
"""A progress bar over epochs, fed with the records of the training loop."""

import logging
from contextlib import contextmanager

logger = logging.getLogger("skdeepclust")


@contextmanager
def epoch_progress(verbose, n_epochs):
    """Yield a callable that takes one training record per epoch.

    Every record goes to the logger ``"skdeepclust"`` at level INFO; with `verbose` a tqdm bar on stderr shows
    the loss and the speed too.
    """
    bar = None
    if verbose:
        from tqdm.auto import tqdm

        bar = tqdm(total=n_epochs, desc="training", unit="epoch", leave=True)

    def report(record):
        logger.info(
            "epoch %d/%d: loss %.4f, %.0f samples/s", record["epoch"], n_epochs, record["loss"],
            record["samples_per_second"],
        )  # fmt: skip
        if bar is not None:
            bar.set_postfix_str(f"loss {record['loss']:.3f}, {record['samples_per_second']:.0f} samples/s")
            bar.update()

    try:
        yield report
    finally:
        if bar is not None:
            bar.close()
