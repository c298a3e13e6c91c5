# SPDX-License-Identifier: BSD-3-Clause
"""The device of an encoder that was loaded where its own device may be missing."""

import warnings

from .._support._warnings import DeviceChangedWarning
from ..nn.device import resolve_device


def settled_device(device):
    """Return `device` if this machine has it, else the best there is, with a warning.

    Parameters
    ----------
    device : str, torch.device or None
        Parameter of an encoder.

    Warns
    -----
    DeviceChangedWarning
        If this machine lacks the device.
    """
    try:
        return resolve_device(device)
    except ValueError:
        settled = resolve_device(None)
        warnings.warn(
            f"device={str(device)!r} is not available here; the network runs on {settled}. "
            "Set the device parameter to silence this.",
            DeviceChangedWarning,
            stacklevel=4,
        )
        return settled
