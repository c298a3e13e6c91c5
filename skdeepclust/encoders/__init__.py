# SPDX-License-Identifier: BSD-3-Clause
"""Encoders: images or vectors in, features of network layers out."""

from ._contrastive import ContrastiveEncoder
from ._export import export_onnx
from ._frozen import FrozenEncoder

__all__ = ["ContrastiveEncoder", "FrozenEncoder", "export_onnx"]
