# SPDX-License-Identifier: BSD-3-Clause
"""Random brightness, contrast, saturation, hue and greyness, composed into one affine map of the colours."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .drawn_augmentation import DrawnAugmentation, uniform

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_COLUMNS = ("brightness", "contrast", "saturation", "hue", "grey")
_UNCHANGED = (0.0, 1.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class ColorJitter(DrawnAugmentation):
    """Change the colours of each image by one affine map, and clamp them to [0, 1].

    With m the mean luma of the image (of three channels; the mean of all pixels for any other number)::

        x' = clamp( contrast * Grey Hue Saturation x  +  brightness + (1 - contrast) m )

    where the three matrices of :func:`color_matrices` leave grey pixels as they are. That is brightness, which is
    added, then contrast about the mean, saturation, hue and greyness, with nothing clamped between them.

    Parameters
    ----------
    p : float, default=1.0
        Probability of the first four; all of them or none.
    brightness : float, default=0.0
        Drawn from [-brightness, brightness].
    contrast : float, default=0.0
        Drawn from [1 - contrast, 1 + contrast].
    saturation : float, default=0.0
        Drawn from [1 - saturation, 1 + saturation]; for three channels.
    hue : float, default=0.0
        Turns, drawn from [-hue, hue]; for three channels.
    grey : float, default=0.0
        Probability of a grey image, independent of `p`; for three channels.

    Notes
    -----
    The order of the changes is fixed, where SimCLR shuffles it. Hue is a rotation of RGB space about its grey
    axis, which is linear; the hue of HSV goes round a hexagon instead, and keeps the largest of the three
    channels where the rotation keeps their mean. Neither preserves luma.
    """

    p: float = 1.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grey: float = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        return _COLUMNS

    @property
    def mixes_channels(self) -> bool:
        return self.saturation > 0 or self.hue > 0 or self.grey > 0

    def draw(self, n: int) -> Tensor:
        jitter = [uniform(n, -self.brightness, self.brightness), uniform(n, 1 - self.contrast, 1 + self.contrast)]
        jitter += [uniform(n, 1 - self.saturation, 1 + self.saturation), uniform(n, -self.hue, self.hue)]
        is_drawn = torch.rand(n, 1) < self.p
        params = torch.where(is_drawn, torch.stack(jitter, dim=1), torch.tensor(_UNCHANGED[:4]))
        return torch.cat([params, (torch.rand(n, 1) < self.grey).float()], dim=1)

    def apply(self, x: Tensor, params: Tensor) -> Tensor:
        offset, contrast = params[:, :2].to(x.device, x.dtype)[..., None, None, None].unbind(dim=1)
        if self.contrast > 0:
            offset = offset + (1 - contrast) * mean_luma(x)
        if not self.mixes_channels:
            out = x + offset if self.contrast == 0 else torch.addcmul(offset, x, contrast)
            return out.clamp_(0, 1)
        matrices = (params[:, 1, None, None] * color_matrices(params)).to(x.device, x.dtype)
        out = torch.baddbmm(offset.flatten(1, 2), matrices, x.flatten(2))
        return out.clamp_(0, 1).reshape(x.shape)


def mean_luma(x: Tensor) -> Tensor:
    """Mean luma of images (n, 3, h, w), mean pixel of any others: (n, 1, 1, 1)."""
    means = x.mean(dim=(2, 3))
    if x.shape[1] != 3:
        return means.mean(dim=1)[:, None, None, None]
    return (means * means.new_tensor(_LUMA)).sum(dim=1)[:, None, None, None]


def color_matrices(params: Tensor) -> Tensor:
    """Return Grey Hue Saturation of each sample, with s the saturation, t the angle of the hue, l the luma weights::

        Saturation = s I + (1 - s) 1 l^T
        Hue        = cos t I + (1 - cos t) / 3 1 1^T + sin t / sqrt(3) C
        Grey       = 1 l^T  where it is drawn, else I

    C, the cross product with the vector of ones, turns red towards green towards blue.

    Parameters
    ----------
    params : Tensor of shape (n, 5)
        Rows of :class:`ColorJitter`.

    Returns
    -------
    Tensor of shape (n, 3, 3)
        Each maps the vector of ones to itself.
    """
    _, _, saturation, hue, grey = params[..., None, None].unbind(dim=1)
    same = torch.eye(3, dtype=params.dtype, device=params.device)
    luma = params.new_tensor(_LUMA).expand(3, 3)
    cross = params.new_tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    cos, sin = (hue * math.tau).cos(), (hue * math.tau).sin()
    saturated = saturation * same + (1 - saturation) * luma
    turned = (cos * same + (1 - cos) / 3 + sin / math.sqrt(3) * cross) @ saturated
    return torch.where(grey > 0, luma @ turned, turned)
