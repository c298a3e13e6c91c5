# SPDX-License-Identifier: BSD-3-Clause
"""Encoders: images or vectors in, features of network layers out."""

from ._contrastive import ContrastiveEncoder
from ._frozen import FrozenEncoder

__all__ = ["ContrastiveEncoder", "FrozenEncoder"]
