# SPDX-License-Identifier: BSD-3-Clause
"""Write 8-bit grey and RGB images as PNG files with the standard library."""

import struct
import zlib
from pathlib import Path

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 3: 2}  # channels -> PNG colour type: grey, RGB


def write_png(path, image):
    """Write an image as a PNG file.

    Parameters
    ----------
    path : str or path-like
        The file; it is replaced if it exists.
    image : ndarray of shape (height, width) or (height, width, 3), dtype uint8
        Grey values or red, green and blue.

    See Also
    --------
    cluster_montage : Make such an image from clusters.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from skdeepclust.plotting import write_png
    >>> ramp = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_png(Path(folder) / "ramp.png", ramp)
    ...     (Path(folder) / "ramp.png").read_bytes()[1:4]
    b'PNG'
    """
    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise TypeError(f"image must have dtype uint8; got {image.dtype}. Scale it to 0..255 and use astype('uint8').")
    channels = 1 if image.ndim == 2 else image.shape[-1]
    if image.ndim not in (2, 3) or channels not in _COLOUR_TYPE or image.size == 0:
        raise ValueError(f"image must have shape (height, width) or (height, width, 3), not empty; got {image.shape}.")
    height, width = image.shape[:2]
    # Each line of pixels follows a byte that names its filter; 0 is "none".
    lines = np.zeros((height, 1 + width * channels), dtype=np.uint8)
    lines[:, 1:] = image.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPE[channels], 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    Path(path).write_bytes(_SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks))


def _chunk(kind, data):
    """Length, kind, data and the checksum of the two last: the unit a PNG file is made of."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
