# SPDX-License-Identifier: BSD-3-Clause
"""Do the labels of a graph network still change: checks while it trains, that bring the training to its end."""

import torch

_EPOCHS_APART = 10
_N_CALM = 2  # checks in a row


class LabelMonitor:
    """Compare the labels of all rows with those of ten epochs before.

    When in two checks in a row less than `tol` of them have changed, the training is asked to come to its end. No check
    is made before the network follows targets of its own.

    Parameters
    ----------
    tol : float
        Share of the rows.
    """

    def __init__(self, tol):
        self.tol = tol

    def __call__(self, training):
        """Check if ten epochs have passed; return {} or the record's "label_change", with "cool_down".

        What has to outlive an interruption is kept in ``training.notes``.
        """
        notes = training.notes
        if not training.is_started or len(training.history) % _EPOCHS_APART:
            return {}
        labels = training.labels.cpu().clone()
        before, notes["labels"] = notes.get("labels"), labels
        if before is None:
            notes["calm"] = torch.tensor(0)
            return {}
        change = float((labels != before.cpu()).float().mean())
        calm = int(notes["calm"]) + 1 if change < self.tol else 0
        notes["calm"] = torch.tensor(calm)
        return {"label_change": change, "cool_down": calm >= _N_CALM}
