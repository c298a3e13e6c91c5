# SPDX-License-Identifier: BSD-3-Clause
"""Image files: where they are, what a header says, and the pixels of one in a wanted size and mode."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib import Parallel, cpu_count, delayed
from numpy.typing import NDArray

# Of Pillow's readers those that people keep photographs and micrographs in.
_NAMES = (
    "avif",
    "bmp",
    "gif",
    "jfif",
    "jp2",
    "jpeg",
    "jpg",
    "pbm",
    "pgm",
    "png",
    "pnm",
    "ppm",
    "tga",
    "tif",
    "tiff",
    "webp",
)
EXTENSIONS = frozenset(f".{name}" for name in _NAMES)
MODES = {"L": (1, np.uint8), "RGB": (3, np.uint8), "F": (1, np.float32)}
RESIZES = ("crop", "stretch", "pad")
_BLOCK = 256  # files decoded at a time
_WHITE = (255, 255, 255, 255)


class Header(NamedTuple):
    """What is known of an image before its pixels are decoded."""

    size: tuple[int, int]  # (height, width), upright
    mode: str  # the poorest of "L", "RGB" and "F" that keeps what the file holds


def import_pillow():
    """Return ``PIL.Image`` and ``PIL.ImageOps``, or say what to install."""
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise ImportError("reading image files needs Pillow: pip install 'skdeepclust[images]'.") from error
    return Image, ImageOps


def find_files(root: Path) -> list[Path]:
    """Image files under `root`, relative to it, sorted by path; nothing hidden."""
    names: list[Path] = []
    visited = set()  # links may lead back
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        folders[:] = [] if real in visited else [name for name in folders if not name.startswith(".")]
        if real in visited:
            continue
        visited.add(real)
        here = Path(folder).relative_to(root)
        names += [here / f for f in files if not f.startswith(".") and Path(f).suffix.lower() in EXTENSIONS]
    return sorted(names, key=lambda name: name.parts)


def read_header(path: Path) -> Header:
    """Return size and mode of an image file without decoding it.

    Raises
    ------
    Exception
        Whatever the reader of the format raises, when the file is not an image it can read.
    """
    Image, _ = import_pillow()
    with open(path, "rb") as file, Image.open(file) as image:
        width, height = image.size
        on_its_side = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        if on_its_side and image.format != "TIFF":  # Pillow turns these itself
            width, height = height, width
        return Header((height, width), _mode_of(image))


def decode(path: Path, size: tuple[int, int], mode: str, resize: str) -> NDArray:
    """Decode an image file: upright, resized and converted.

    Parameters
    ----------
    path : Path
    size : tuple (height, width)
    mode : {"L", "RGB", "F"}
    resize : {"crop", "stretch", "pad"}

    Returns
    -------
    ndarray of shape (height, width) or (height, width, 3); uint8, or float32 with mode "F"

    Raises
    ------
    ValueError
        If the file holds more than 8 bits per value and `mode` is not "F".
    Exception
        Whatever the reader of the format raises, when the file is damaged.

    Notes
    -----
    Large JPEG files are decoded at a half, a quarter or an eighth of their size where that is still at least twice
    the wanted one. Transparent pixels become white. Of several frames the first is taken.
    """
    Image, ImageOps = import_pillow()
    height, width = size
    # Not by its path: Pillow then maps plain TIFF into memory, and garbles those that lie on their side.
    with open(path, "rb") as file, Image.open(file) as image:
        image.draft(None, (2 * max(size), 2 * max(size)))  # the smallest scale that is no smaller than this
        deep = _mode_of(image) == "F"
        if deep and mode != "F":
            raise ValueError(f"{image.mode} holds more than 8 bits per value, which mode={mode!r} would cut; use 'F'")
        image = ImageOps.exif_transpose(image)
        if deep:
            image = Image.fromarray(np.asarray(image, dtype=np.float32))
        elif image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
        image = image.convert(mode)
        if image.size != (width, height):
            change = {"crop": ImageOps.fit, "pad": ImageOps.pad, "stretch": Image.Image.resize}[resize]
            image = change(image, (width, height), Image.Resampling.BILINEAR)
        return np.array(image, dtype=MODES[mode][1])


def decode_files(root: Path, files: list[Path], how: tuple, numbers: NDArray) -> Iterator[NDArray | str]:
    """Yield the pixels of some of `files`, or why they cannot be read; `how` is what :func:`decode` needs else."""
    for start in range(0, len(numbers), _BLOCK):
        yield from in_threads(decode, [root / files[i] for i in numbers[start : start + _BLOCK]], *how)


def in_threads(function: Callable, paths: list[Path], *arguments) -> list:
    """``function(path, *arguments)`` for every path; where it raises, the reason as a str."""

    def attempt(path: Path):
        try:
            return function(path, *arguments)
        except Exception as error:  # a reader may raise anything when a file is damaged
            return f"{type(error).__name__}: {error}".replace(str(path), path.name)

    return Parallel(n_jobs=cpu_count(), require="sharedmem")(delayed(attempt)(path) for path in paths)


def _mode_of(image) -> str:
    if image.mode.startswith(("I", "F")):  # "I;16" and "I" are integers of 16 and 32 bits
        return "F"
    return "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
