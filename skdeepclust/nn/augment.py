# SPDX-License-Identifier: BSD-3-Clause
"""Augmentations: a batch in, a differently disturbed batch out, on whatever device it lies.

The parameters of image augmentations are drawn per sample, on the CPU from torch's global generator, so the
training loop calls them inside a forked random state; they are :class:`DrawnAugmentation`. Tables get disturbances
of their own, whose random numbers are as large as the batch and are drawn where it lies.
"""

from collections.abc import Callable

from torch import Tensor

from .color_jitter import ColorJitter
from .drawn_augmentation import Chain, DrawnAugmentation
from .random_affine import RandomAffine
from .random_blur import RandomBlur
from .random_erasing import RandomErasing
from .table_augmentation import TableAugmentation

Augmentation = Callable[[Tensor], Tensor]

AUGMENTATIONS = ("gray", "color", "table", "none")


def build_augmentation(augmentation: str | Augmentation, in_shape: tuple[int, ...]) -> Augmentation:
    """Build the augmentation for samples of `in_shape`.

    Parameters
    ----------
    augmentation : {"auto", "gray", "color", "table", "none"} or callable
        "auto" is "table" for vectors, "color" for images of three channels, "gray" for all others. A callable
        gets a float batch ``(n, *in_shape)`` with pixels in [0, 1] and returns one of the same shape.
    in_shape : tuple of int
        (c, h, w) for images, (d,) for tables.

    Returns
    -------
    callable
        ``Tensor (n, *in_shape) -> Tensor (n, *in_shape)``. A :class:`DrawnAugmentation` for images by name and for
        "none".

    Raises
    ------
    ValueError
        For an unknown name, image augmentations on a table or the reverse, or "color" on images without three
        channels.
    TypeError
        If `augmentation` is neither a string nor callable.

    Notes
    -----
    =========== ============================================================================================
    name        disturbance
    =========== ============================================================================================
    gray        with probability 0.5 rotation +-15 degrees, shift 10 %, scale 0.85-1.15, shear +-10 degrees;
                brightness +-0.15; a box of 2-10 % of the image erased with probability 0.3. No flips: a
                mirrored digit is another digit. No crops: a sleeve is no coat.
    color       the set of SimCLR and Contrastive Clustering: resized crop of 20-100 % of the area, mirror
                image, colour jitter (0.4, 0.4, 0.4, 0.1) with probability 0.8, grey with probability 0.2;
                blur with probability 0.5 from 64 pixels up.
    table       Gaussian noise of 0.1 standard deviations, and 20 % of the entries replaced by the same
                column's entry of another row.
    none        nothing: the positives alone make the views differ.
    =========== ============================================================================================

    Parameters of one sample are independent of those of all others. Mirror images have probability 0.5. Colour
    jitter is (brightness, contrast, saturation, hue) of :class:`ColorJitter`, which adds brightness.
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
        return Chain()
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
    _, h, w = in_shape
    return Chain(_gray((h, w)) if name == "gray" else _color((h, w)))


def _gray(size: tuple[int, int]) -> tuple[DrawnAugmentation, ...]:
    return (
        RandomAffine(size, p=0.5, degrees=15, scale=(0.85, 1.15), shear=10, shift=0.1),
        ColorJitter(brightness=0.15),
        RandomErasing(size, p=0.3, area=(0.02, 0.1)),
    )


def _color(size: tuple[int, int]) -> tuple[DrawnAugmentation, ...]:
    steps = (
        RandomAffine(size, mirror=0.5, crop=(0.2, 1.0), padding="reflection"),
        ColorJitter(p=0.8, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, grey=0.2),
    )
    return (*steps, RandomBlur(radius=min(size) // 20)) if min(size) >= 64 else steps


def check_view(view: Tensor, batch: Tensor) -> None:
    """Raise a ValueError if an augmentation of the user's changed the shape or type of a batch."""
    if not isinstance(view, Tensor) or view.shape != batch.shape or not view.is_floating_point():
        got = f"{tuple(view.shape)} {view.dtype}" if isinstance(view, Tensor) else type(view).__name__
        raise ValueError(
            f"augmentation must return a float tensor of the shape it got, {tuple(batch.shape)}; it returned {got}."
        )
