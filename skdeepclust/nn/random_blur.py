# SPDX-License-Identifier: BSD-3-Clause
"""Random Gaussian blur, of another width in every image."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .drawn_augmentation import DrawnAugmentation, apply_where, uniform


@dataclass(frozen=True)
class RandomBlur(DrawnAugmentation):
    """Blur by a Gaussian, rows and columns one after the other; images are reflected at their edges.

    Parameters
    ----------
    radius : int
        Pixels to each side that the Gaussian reaches; beyond it is cut off. Less than the shorter side of the images.
    p : float, default=0.5
        Probability of a blur.
    sigma : tuple (low, high), default=(0.1, 2.0)
        Standard deviation in pixels.

    Notes
    -----
    The column "sigma" of the parameters is 0 for samples that are returned as they are.
    """

    radius: int
    p: float = 0.5
    sigma: tuple[float, float] = (0.1, 2.0)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("sigma",)

    def draw(self, n: int) -> Tensor:
        return uniform(n, *self.sigma)[:, None] * (torch.rand(n, 1) < self.p)

    def apply(self, x: Tensor, params: Tensor) -> Tensor:
        return apply_where(x, params[:, 0] > 0, self._blur, params)

    def _blur(self, x: Tensor, params: Tensor) -> Tensor:
        n, c, h, w = x.shape
        r = self.radius
        weights = gaussian_weights(params[:, 0], r).to(x.device, x.dtype).repeat_interleave(c, dim=0)
        planes = F.pad(x, (r, r, r, r), mode="reflect").reshape(1, n * c, h + 2 * r, w + 2 * r)
        planes = F.conv2d(planes, weights[:, None, None, :], groups=n * c)
        return F.conv2d(planes, weights[:, None, :, None], groups=n * c).reshape(n, c, h, w)


def gaussian_weights(sigma: Tensor, radius: int) -> Tensor:
    """Return exp(-d^2 / (2 sigma^2)) at the distances d = -radius ... radius, summing to 1: (n, 2 radius + 1)."""
    distance = torch.arange(-radius, radius + 1, device=sigma.device) / sigma[:, None]
    return torch.softmax(-0.5 * distance.square(), dim=1)
