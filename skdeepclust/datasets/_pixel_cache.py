# SPDX-License-Identifier: BSD-3-Clause
"""Decoded pixels on disk, found again by the next process."""

import hashlib
import json
import os
import weakref
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_FORMAT = 1  # of the two files


class PixelCache:
    """Pixels and notes of one state of a folder, in two files; what is there was written whole.

    Parameters
    ----------
    folder : Path
        Where the files are; made when it is needed.
    root : Path
        Folder of the image files.
    found : list of Path
        The image files, relative to `root`. Path, size and time of the last change of each are part of the state.
    parameters : tuple
        What else decides the pixels, as plain values.
    """

    def __init__(self, folder: Path, root: Path, found: list[Path], parameters: tuple):
        digest = hashlib.sha256(repr((_FORMAT, str(root.resolve()), parameters)).encode())
        for name in found:
            try:
                status = (root / name).stat()
                state = (status.st_size, status.st_mtime_ns)
            except OSError:  # a link to nothing: one of the files that cannot be read
                state = None
            digest.update(repr((name.as_posix(), state)).encode())
        self.folder = folder
        self.pixels = folder / f"images-{digest.hexdigest()[:20]}.npy"
        self.notes = self.pixels.with_suffix(".json")
        self._unfinished = self.pixels.with_suffix(f".{os.getpid()}-{id(self):x}.tmp")

    def create(self, shape: tuple[int, ...], dtype: np.dtype) -> NDArray:
        """Return a new array on disk, of which nobody knows before `commit`, and which does not outlive this object."""
        self.folder.mkdir(parents=True, exist_ok=True)
        weakref.finalize(self, _remove, self._unfinished, os.getpid())
        return np.lib.format.open_memmap(self._unfinished, mode="w+", dtype=dtype, shape=shape)

    def commit(self, pixels, notes: dict) -> NDArray:
        """Put what was created in its place, the notes first, and return it read-only."""
        pixels.flush()
        unfinished_notes = self._unfinished.with_suffix(".notes")
        unfinished_notes.write_text(json.dumps(notes), encoding="utf-8")
        os.replace(unfinished_notes, self.notes)
        os.replace(self._unfinished, self.pixels)
        return np.load(self.pixels, mmap_mode="r")

    def load(self) -> tuple[NDArray, dict] | None:
        """Return pixels, read-only, and notes; None if there are none of this state."""
        if not self.pixels.exists():
            return None
        return np.load(self.pixels, mmap_mode="r"), json.loads(self.notes.read_text(encoding="utf-8"))


def _remove(unfinished: Path, process: int) -> None:
    """Remove a file that was never finished, unless it belongs to the process that this one was forked from."""
    if os.getpid() == process:
        with suppress(OSError):  # systems that do not remove a file which is mapped
            unfinished.unlink()
