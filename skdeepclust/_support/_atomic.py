# SPDX-License-Identifier: BSD-3-Clause
"""Files that are whole at whatever moment a process is killed."""

import os
from pathlib import Path


def put_in_place(written: str | os.PathLike, target: Path) -> None:
    """Rename a completely written file to `target` in the same file system, in the place of what is there.

    Its content reaches the disk before, and the renaming after, so that `target` is the former file or the new one
    even if the machine loses its power.
    """
    with open(written, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(written, target)
    if hasattr(os, "O_DIRECTORY"):  # where folders can be flushed
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
