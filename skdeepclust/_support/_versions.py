# SPDX-License-Identifier: BSD-3-Clause
"""What results depend on besides data and settings: versions and the machine."""

import platform
from importlib import metadata

PACKAGES = ("skdeepclust", "numpy", "scipy", "scikit-learn", "numba", "torch")


def versions() -> dict[str, str]:
    """Versions of Python, of the packages that results depend on, and the machine, by name."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # torch is not needed for the consensus half
            continue
    return found | {"machine": f"{platform.system()} {platform.machine()}"}
