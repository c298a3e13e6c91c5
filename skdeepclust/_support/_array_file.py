# SPDX-License-Identifier: BSD-3-Clause
"""A large array written to a file of its own, which is there whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ._atomic import put_in_place


def write_array(
    folder: str | os.PathLike, prefix: str, shape: tuple[int, ...], fill: Callable[[NDArray], object]
) -> np.memmap:
    """Let `fill` write float32 values into a new npy file and return them as a read-only memory map.

    Until everything is written, the name of the file ends in ".part".

    Parameters
    ----------
    folder : str or path-like
        Made if it does not exist.
    prefix : str
        Of the file's name; what follows makes it different from all names there.
    shape : tuple of int
    fill : callable
        Gets the array. If it raises, nothing is left of the file.

    Raises
    ------
    OSError
        If the folder cannot be made or written to.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=".npy.part", dir=folder)
    os.close(handle)
    unfinished = Path(name)
    try:
        array = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.float32, shape=shape)
        fill(array)
        array.flush()
        del array  # some systems rename no file that is open
        finished = unfinished.with_suffix("")
        put_in_place(unfinished, finished)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return np.load(finished, mmap_mode="r")
