# SPDX-License-Identifier: BSD-3-Clause
"""Clusterers for vectors of any kind: U-SPEC, U-SENC and the base clusterings of an ensemble. Needs no torch."""

from ._base_clusterings import BaseClusterings
from ._usenc import USENC
from ._uspec import USPEC
from ._warm_up import warm_up

__all__ = ["USENC", "USPEC", "BaseClusterings", "warm_up"]
