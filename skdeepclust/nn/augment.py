# SPDX-License-Identifier: BSD-3-Clause
"""Augmentations: a batch in, a differently disturbed batch out, on whatever device it lies.

Image augmentations come from kornia, whose parameters are drawn per sample. It draws from torch's global
generator, so the training loop calls it inside a forked random state. Tables get disturbances of their own.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Augmentation = Callable[[Tensor], Tensor]

AUGMENTATIONS = ("gray", "color", "table", "none")


def build_augmentation(augmentation: str | Augmentation, in_shape: tuple[int, ...]) -> Augmentation:
    """Build the augmentation for samples of `in_shape`.

    Parameters
    ----------
    augmentation : {"auto", "gray", "color", "table", "none"} or callable
        "auto" is "table" for vectors, "color" for images of three channels, "gray" for all others. A callable
        gets a float batch (n, *in_shape) with pixels in [0, 1] and returns one of the same shape.
    in_shape : tuple of int
        (c, h, w) for images, (d,) for tables.

    Returns
    -------
    callable
        Tensor (n, *in_shape) -> Tensor (n, *in_shape).

    Raises
    ------
    ValueError
        For an unknown name, image augmentations on a table or the reverse, or "color" on images without
        three channels.
    TypeError
        If `augmentation` is neither a string nor callable.

    Notes
    -----
    ======== ===========================================================================================
    name     disturbance
    ======== ===========================================================================================
    gray     rotation +-15 degrees, shift 10 %, scale 0.85-1.15, shear +-10 degrees; brightness 0.85-1.15;
             a box of 2-10 % of the image erased with probability 0.3. No flips: a mirrored digit is
             another digit. No crops: a sleeve is no coat.
    color    the set of SimCLR and Contrastive Clustering: resized crop of 20-100 % of the area, mirror
             image, colour jitter (0.4, 0.4, 0.4, 0.1) with probability 0.8, grey with probability 0.2;
             blur with probability 0.5 from 64 pixels up.
    table    Gaussian noise of 0.1 standard deviations, and 20 % of the entries replaced by the same
             column's entry of another row.
    none     nothing: the positives alone make the views differ.
    ======== ===========================================================================================
    """
    is_image = len(in_shape) == 3
    if not isinstance(augmentation, str):
        if not callable(augmentation):
            raise TypeError(
                f"augmentation must be a name or a callable Tensor -> Tensor; got {type(augmentation).__name__}."
            )
        return augmentation
    name = augmentation
    if name == "auto":
        name = "table" if not is_image else ("color" if in_shape[0] == 3 else "gray")
    if name not in AUGMENTATIONS:
        names = ", ".join(repr(n) for n in ("auto", *AUGMENTATIONS))
        raise ValueError(f"augmentation must be one of {names} or a callable; got {augmentation!r}.")
    if name == "none":
        return _unchanged
    if name == "table":
        if is_image:
            raise ValueError("augmentation='table' is for vectors, but X holds images; use 'auto', 'gray' or 'color'.")
        return TableAugmentation()
    if not is_image:
        raise ValueError(
            f"augmentation={augmentation!r} needs images, but X is a table. "
            "Pass image_shape=(h, w) or (h, w, c), or use augmentation='table'."
        )
    if name == "color" and in_shape[0] != 3:
        raise ValueError(
            f"augmentation='color' needs images of 3 channels, these have {in_shape[0]}; use 'gray' or a callable."
        )
    return _gray() if name == "gray" else _color(in_shape)


def _unchanged(x: Tensor) -> Tensor:
    return x


def _gray() -> Augmentation:
    import kornia.augmentation as K

    return nn.Sequential(
        K.RandomAffine(degrees=15, translate=(0.1, 0.1), scale=(0.85, 1.15), shear=10),
        K.RandomBrightness((0.85, 1.15)),
        K.RandomErasing(p=0.3, scale=(0.02, 0.1)),
    )


def _color(in_shape: tuple[int, ...]) -> Augmentation:
    import kornia.augmentation as K

    _, h, w = in_shape
    steps = [
        K.RandomResizedCrop((h, w), scale=(0.2, 1.0)),
        K.RandomHorizontalFlip(),
        K.ColorJiggle(0.4, 0.4, 0.4, 0.1, p=0.8),
        K.RandomGrayscale(p=0.2),
    ]
    if min(h, w) >= 64:
        kernel = min(h, w) // 10 // 2 * 2 + 1
        steps.append(K.RandomGaussianBlur((kernel, kernel), (0.1, 2.0), p=0.5))
    return nn.Sequential(*steps)


class TableAugmentation(nn.Module):
    """Noise and column-wise corruption for standardised vectors.

    With mask entries drawn independently with probability `corruption`::

        view = where(mask, the same column of a random other row, x + noise * N(0, 1))

    The corruption is that of SCARF (Bahri et al., ICLR 2022): a replaced entry is drawn from the column's own
    distribution, so it never leaves the range of the data.

    Parameters
    ----------
    noise : float, default=0.1
        Standard deviation of the noise, in standard deviations of the columns.
    corruption : float, default=0.2
        Share of the entries that are replaced.
    """

    def __init__(self, noise: float = 0.1, corruption: float = 0.2):
        super().__init__()
        self.noise = noise
        self.corruption = corruption

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.rand_like(x) < self.corruption
        donor = torch.randint(len(x), x.shape, device=x.device)
        return torch.where(mask, x.gather(0, donor), x + self.noise * torch.randn_like(x))


def check_view(view: Tensor, batch: Tensor) -> None:
    """Raise a ValueError if an augmentation of the user's changed the shape or type of a batch."""
    if not isinstance(view, Tensor) or view.shape != batch.shape or not view.is_floating_point():
        got = f"{tuple(view.shape)} {view.dtype}" if isinstance(view, Tensor) else type(view).__name__
        raise ValueError(
            f"augmentation must return a float tensor of the shape it got, {tuple(batch.shape)}; it returned {got}."
        )
