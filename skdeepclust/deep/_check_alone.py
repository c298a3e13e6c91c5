# SPDX-License-Identifier: BSD-3-Clause
"""Estimators that train in a single process."""

from ..nn.ranks import find_ranks


def check_alone(device, name):
    """Return `device`, if this process trains alone.

    Parameters
    ----------
    device : torch.device
    name : str
        Of the estimator.

    Raises
    ------
    ValueError
        Under ``torchrun`` with several processes.
    """
    if find_ranks(device).size > 1:
        raise ValueError(
            f"{name} trains in one process. Under torchrun, train a ContrastiveEncoder there, and run {name} in a "
            "process of its own; where it takes an encoder, pass sklearn.frozen.FrozenEstimator(encoder)."
        )
    return device
