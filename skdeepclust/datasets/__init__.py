# SPDX-License-Identifier: BSD-3-Clause
"""Data to try the clusterers on, drawn at random; nothing is downloaded."""

from ._planar import PLANAR_SETS, make_planar

__all__ = ["PLANAR_SETS", "make_planar"]
