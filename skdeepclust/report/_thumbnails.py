# SPDX-License-Identifier: BSD-3-Clause
"""Many small images as one: a sprite sheet in a data URI."""

import io
from base64 import b64encode
from dataclasses import dataclass

import numpy as np

from ..plotting._montage import to_uint8

_BLOCK = 256  # images read at a time
_LOSSLESS_BYTES = 2**22  # up to here every pixel is kept; above, quality
_QUALITY = 80
MAX_TILES = 20_000  # WebP ends at 16,383 pixels


@dataclass(frozen=True)
class SpriteSheet:
    """Tiles in rows, the first at the top left.

    Attributes
    ----------
    uri : str
        The picture, ``data:image/webp;base64,...``.
    columns, rows : int
        Tiles in each direction.
    width, height : int
        Of a tile, in pixels.
    """

    uri: str
    columns: int
    rows: int
    width: int
    height: int


def import_pillow():
    """Return the module ``PIL.Image``."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("The thumbnails of a report need Pillow; pip install skdeepclust[report].") from error
    return Image


def make_sheet(images, shape, rows, size):
    """Make a sheet of some images, each no longer than `size` pixels on its longer side.

    Parameters
    ----------
    images : array or source of shape (n_samples, h * w * c)
        Read in blocks. uint8 as they are; other types are stretched, the smallest value shown is black.
    shape : tuple (h, w, c)
        With 1 or 3 channels.
    rows : ndarray of int
        Which images.
    size : int
        Larger images are made smaller.

    Returns
    -------
    sheet : SpriteSheet
    """
    Image = import_pillow()
    tiles = np.concatenate(
        [_shrink(np.asarray(images[block]).reshape(-1, *shape), size, Image) for block in _blocks(rows)]
    )
    tiles = to_uint8(tiles)
    m, height, width, channels = tiles.shape
    columns = int(np.ceil(np.sqrt(m)))
    n_lines = -(-m // columns)
    grid = np.zeros((n_lines * columns, height, width, channels), dtype=np.uint8)
    grid[:m] = tiles
    grid = grid.reshape(n_lines, columns, height, width, channels).swapaxes(1, 2)
    picture = grid.reshape(n_lines * height, columns * width, channels)
    file = io.BytesIO()
    image = Image.fromarray(picture[..., 0] if channels == 1 else picture)
    image.save(file, "WEBP", lossless=picture.nbytes <= _LOSSLESS_BYTES, quality=_QUALITY)
    return SpriteSheet(
        f"data:image/webp;base64,{b64encode(file.getvalue()).decode('ascii')}", columns, n_lines, width, height
    )


def _blocks(rows):
    return np.array_split(rows, -(-len(rows) // _BLOCK))


def _shrink(images, size, Image):
    """Images of at most `size` pixels a side, of the same type if uint8, else float32."""
    images = images if images.dtype == np.uint8 else images.astype(np.float32)
    longer = max(images.shape[1:3])
    if longer <= size:
        return images
    height, width = (max(1, round(side * size / longer)) for side in images.shape[1:3])
    out = np.empty((len(images), height, width, images.shape[3]), dtype=images.dtype)
    for image, small in zip(images, out, strict=True):
        for channel in range(images.shape[3]):
            plane = Image.fromarray(np.ascontiguousarray(image[..., channel]))
            small[..., channel] = np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS))
    return out
