# SPDX-License-Identifier: BSD-3-Clause
"""The command line, ``skdeepclust`` or ``python -m skdeepclust``: thin over the public functions."""

from ._main import main

__all__ = ["main"]
