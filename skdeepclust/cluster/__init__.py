# SPDX-License-Identifier: BSD-3-Clause
"""Clusterers for vectors of any kind: U-SPEC, U-SENC, AC-PIC, and the base clusterings of an ensemble. No torch."""

from ._base_clusterings import BaseClusterings
from ._path_integral import PathIntegralClustering
from ._usenc import USENC
from ._uspec import USPEC
from ._warm_up import warm_up

__all__ = ["USENC", "USPEC", "BaseClusterings", "PathIntegralClustering", "warm_up"]
