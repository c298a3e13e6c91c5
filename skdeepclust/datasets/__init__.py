# SPDX-License-Identifier: BSD-3-Clause
"""Folders of images as arrays, and data drawn at random to try the clusterers on; nothing is downloaded."""

from ._image_folder import ImageFolder
from ._planar import PLANAR_SETS, make_planar

__all__ = ["PLANAR_SETS", "ImageFolder", "make_planar"]
