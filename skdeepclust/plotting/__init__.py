# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of clusters as plain arrays, and a PNG writer that needs no image library."""

from ._montage import cluster_montage
from ._png import write_png

__all__ = ["cluster_montage", "write_png"]
