# SPDX-License-Identifier: BSD-3-Clause
"""Random crops, mirror images, rotations, scales, shears and shifts, composed into one resampling per sample."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .drawn_augmentation import DrawnAugmentation, apply_where, uniform

_AFFINE = ("angle", "scale", "shear_x", "shear_y", "shift_x", "shift_y")
_COLUMNS = (*_AFFINE, "mirror", "left", "top", "width", "height")
_UNCHANGED = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0)
_RATIOS = (3 / 4, 4 / 3)  # width / height of a crop, in pixels
_ATTEMPTS = 10


@dataclass(frozen=True)
class RandomAffine(DrawnAugmentation):
    """Cut out a part, mirror it, then rotate, scale, shear and shift it, in one bilinear resampling.

    Parameters
    ----------
    size : tuple (h, w)
        Of the images, in pixels.
    p : float, default=1.0
        Probability that a sample is rotated, scaled, sheared and shifted; all four or none.
    degrees : float, default=0.0
        Rotation about the centre, drawn from [-degrees, degrees].
    scale : tuple (low, high), default=(1.0, 1.0)
        Enlargement.
    shear : float, default=0.0
        Degrees, drawn for each axis from [-shear, shear].
    shift : float, default=0.0
        Share of the width, and of the height, drawn for each from [-shift, shift].
    mirror : float, default=0.0
        Probability of exchanging left and right.
    crop : tuple (low, high) or None, default=None
        Share of the area that is cut out and enlarged to the whole; its width is 3/4 to 4/3 of its height. None:
        no crop.
    padding : {"zeros", "reflection"}, default="zeros"
        What lies around an image: black, or its mirror image. Crops at the edge, which look half a pixel beyond it,
        want the latter. (Repeating the outermost pixels is the same there, but MPS cannot before torch 2.11.)

    Notes
    -----
    Columns of the parameters: "angle" (degrees, clockwise), "scale", "shear_x", "shear_y" (degrees), "shift_x",
    "shift_y" (shares, to the right and down), "mirror" (-1 or 1), "left", "top", "width", "height" (the crop, in
    shares of the image). Samples whose row changes nothing are returned bit by bit.

    A crop that does not fit into the image is drawn again, ten times at most; then it is as large as possible.
    """

    size: tuple[int, int]
    p: float = 1.0
    degrees: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0
    shift: float = 0.0
    mirror: float = 0.0
    crop: tuple[float, float] | None = None
    padding: str = "zeros"

    @property
    def columns(self) -> tuple[str, ...]:
        return _COLUMNS

    def draw(self, n: int) -> Tensor:
        params = torch.tensor(_UNCHANGED).repeat(n, 1)
        affine = [uniform(n, -self.degrees, self.degrees), uniform(n, *self.scale)]
        affine += [uniform(n, -limit, limit) for limit in (self.shear, self.shear, self.shift, self.shift)]
        is_drawn = torch.rand(n, 1) < self.p
        params[:, :6] = torch.where(is_drawn, torch.stack(affine, dim=1), params[:, :6])
        params[:, 6] = 1 - 2 * (torch.rand(n) < self.mirror).float()
        if self.crop is not None:
            params[:, 7:] = draw_crops(n, self.size, self.crop)
        return params

    def apply(self, x: Tensor, params: Tensor) -> Tensor:
        is_changed = (params != params.new_tensor(_UNCHANGED)).any(dim=1)
        return apply_where(x, is_changed, self._resample, params)

    def _resample(self, x: Tensor, params: Tensor) -> Tensor:
        grid = affine_grid(affine_matrices(params, self.size).to(x.device, x.dtype), self.size)
        return F.grid_sample(x, grid, mode="bilinear", padding_mode=self.padding, align_corners=False)


def draw_crops(n: int, size: tuple[int, int], area: tuple[float, float]) -> Tensor:
    """Draw boxes inside an image, uniform in area, in the logarithm of width / height, and in place.

    Parameters
    ----------
    n : int
    size : tuple (h, w)
        Of the image, in pixels.
    area : tuple (low, high)
        Share of the image.

    Returns
    -------
    Tensor of shape (n, 4), float32
        Left, top, width, height in shares of the image.
    """
    h, w = size
    low, high = _RATIOS
    share = uniform(n * _ATTEMPTS, *area).reshape(n, _ATTEMPTS)
    ratio = uniform(n * _ATTEMPTS, math.log(low), math.log(high)).reshape(n, _ATTEMPTS).exp()
    width, height = (share * ratio * h / w).sqrt(), (share / ratio * w / h).sqrt()
    fits = (width <= 1) & (height <= 1)
    first = fits.int().argmax(dim=1, keepdim=True)
    largest = min(max(w / h, low), high) * h / w  # its width for a height of 1
    box = torch.cat([width.gather(1, first), height.gather(1, first)], dim=1)
    box = torch.where(fits.any(dim=1, keepdim=True), box, torch.tensor([min(largest, 1.0), min(1 / largest, 1.0)]))
    return torch.cat([torch.rand(n, 2) * (1 - box), box], dim=1)


def affine_matrices(params: Tensor, size: tuple[int, int]) -> Tensor:
    """Where in its image each view looks, as an affine map of the pixels of the view.

    In coordinates from -1 to 1 across the image, v of the view and u of the image::

        u = diag(width, height) diag(mirror, 1) D^-1 A D (v - 2 shift) + (2 left + width - 1, 2 top + height - 1)
        A = Shear^-1 Rotation^-1 / scale        D = diag(w, h)

    D makes pixels square, so that a rotation of an oblong image is one. With a = tan(shear_x), b = tan(shear_y)::

        Rotation = (cos, -sin; sin, cos)        Shear = (1, 0; b, 1) (1, a; 0, 1)

    Parameters
    ----------
    params : Tensor of shape (n, 11)
        Rows of :class:`RandomAffine`.
    size : tuple (h, w)

    Returns
    -------
    Tensor of shape (n, 2, 3)
    """
    h, w = size
    angle, scale, shear_x, shear_y, shift_x, shift_y, mirror, left, top, width, height = params.unbind(dim=1)
    cos, sin = angle.deg2rad().cos(), angle.deg2rad().sin()
    a, b = shear_x.deg2rad().tan(), shear_y.deg2rad().tan()
    across, down = mirror * width / scale, height / scale
    xx, xy = across * ((1 + a * b) * cos + a * sin), across * ((1 + a * b) * sin - a * cos) * (h / w)
    yx, yy = down * (-b * cos - sin) * (w / h), down * (cos - b * sin)
    x0 = 2 * left + width - 1 - 2 * (xx * shift_x + xy * shift_y)
    y0 = 2 * top + height - 1 - 2 * (yx * shift_x + yy * shift_y)
    return torch.stack([xx, xy, x0, yx, yy, y0], dim=1).reshape(-1, 2, 3)


def affine_grid(matrices: Tensor, size: tuple[int, int]) -> Tensor:
    """Map the centres of all pixels by (n, 2, 3) matrices: :func:`torch.nn.functional.affine_grid`.

    What depends on the column and what depends on the row of a pixel is computed apart and added, which is
    several times faster than a product of matrices with one row per pixel.

    Returns
    -------
    Tensor of shape (n, h, w, 2)
        x and y from -1 to 1 across the image, ``align_corners=False``.
    """
    row, column = ((torch.arange(n, device=matrices.device, dtype=matrices.dtype) * 2 + 1) / n - 1 for n in size)
    by_column = column[:, None] * matrices[:, None, :, 0] + matrices[:, None, :, 2]
    by_row = row[:, None] * matrices[:, None, :, 1]
    return by_column[:, None] + by_row[:, :, None]
