# SPDX-License-Identifier: BSD-3-Clause
"""Encoders: images or vectors in, features of network layers out."""

from ._contrastive import ContrastiveEncoder

__all__ = ["ContrastiveEncoder"]
