# SPDX-License-Identifier: BSD-3-Clause
"""A network together with the scaling of its input, as one module from raw rows to features."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .inference import LayeredNetwork
from .samples import SampleReader


class RawInputNetwork(nn.Module):
    """The named layers of a network, side by side, for rows as the user has them.

    Parameters
    ----------
    network : nn.Module
        With `layers`, see :class:`~skdeepclust.nn.inference.LayeredNetwork`.
    reader : SampleReader
        Its scaling and shaping are done here in torch.
    layers : tuple of str
        What to return.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, network: LayeredNetwork, reader: SampleReader, layers: tuple[str, ...]):
        super().__init__()
        self.network, self.layers = network, layers
        self.is_image, self.pixels, self.enlarge = reader.image_shape is not None, reader.pixels, reader.enlarge
        self.is_narrow = reader.is_narrow
        self.register_buffer("shift", torch.as_tensor(reader.shift, device=reader.device))
        self.register_buffer("scale", torch.as_tensor(reader.scale, device=reader.device))

    def forward(self, X: Tensor) -> Tensor:
        """Return float32 (n, sum of layer widths) for images (n, h, w, c) or rows of a table (n, d)."""
        if not self.is_image:
            x = ((X.to(self.shift.dtype) - self.shift) / self.scale).float()
        else:
            x = X.float()
            if self.pixels == "uint8":
                x = x / 255
            if self.pixels is None or self.is_narrow:
                x = (x - self.shift) / self.scale
            if self.is_narrow:
                x = x.clamp(0, 1)
            x = x.permute(0, 3, 1, 2)
            if self.enlarge > 1:
                x = F.interpolate(x, scale_factor=float(self.enlarge), mode="bilinear")
        return torch.cat(self.network.layers(x, self.layers), dim=1)
