# SPDX-License-Identifier: BSD-3-Clause
"""Random boxes of images made black."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .drawn_augmentation import DrawnAugmentation, uniform

_COLUMNS = ("left", "top", "right", "bottom")
_RATIOS = (0.3, 3.3)  # height / width


@dataclass(frozen=True)
class RandomErasing(DrawnAugmentation):
    """Set one box of an image to 0 (Zhong et al., AAAI 2020).

    Parameters
    ----------
    size : tuple (h, w)
        Of the images, in pixels.
    p : float
        Probability of a box.
    area : tuple (low, high)
        Share of the image, drawn uniformly; a box is at least one pixel and fits into the image.

    Notes
    -----
    Columns of the parameters: "left", "top", "right", "bottom" in whole pixels, the last two exclusive; four zeros
    for no box. A box is as likely to be upright, its height 1 to 3.3 times its width, as lying, 0.3 to 1 times.
    """

    size: tuple[int, int]
    p: float
    area: tuple[float, float]

    @property
    def columns(self) -> tuple[str, ...]:
        return _COLUMNS

    def draw(self, n: int) -> Tensor:
        low, high = _RATIOS
        area = uniform(n, *self.area) * (self.size[0] * self.size[1])
        ratio = torch.where(torch.rand(n) < 0.5, uniform(n, low, 1.0), uniform(n, 1.0, high))
        limits = torch.tensor(self.size[::-1], dtype=torch.float32)
        sides = torch.stack([(area / ratio).sqrt(), (area * ratio).sqrt()], dim=1).round()
        sides = torch.minimum(sides.clamp_min(1), limits)
        corner = (torch.rand(n, 2) * (limits - sides + 1)).floor()
        return torch.cat([corner, corner + sides], dim=1) * (torch.rand(n, 1) < self.p)

    def apply(self, x: Tensor, params: Tensor) -> Tensor:
        left, top, right, bottom = params.to(x.device)[..., None].unbind(dim=1)
        h, w = x.shape[2:]
        column, row = torch.arange(w, device=x.device), torch.arange(h, device=x.device)
        in_columns = ((column >= left) & (column < right)).to(x.dtype)
        in_rows = ((row >= top) & (row < bottom)).to(x.dtype)
        return x * (1 - in_rows[:, None, :, None] * in_columns[:, None, None, :])  # thrice as fast as with booleans
