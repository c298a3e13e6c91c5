# SPDX-License-Identifier: BSD-3-Clause
"""A training on disk: written whole or not at all, read without running any code it may hold."""

import os
import tempfile
from pathlib import Path

import torch

from .._support._atomic import put_in_place

_FORMAT = 1
_TEMPORARY = ".training-"


class Checkpoint:
    """One file that holds the latest state of one training.

    A state is written to a temporary file in the same folder, flushed to the disk, and put in the place of the
    former one by a single renaming, so that whatever moment a process is killed at, the file is a whole state:
    the former or the new. It is read with ``torch.load(weights_only=True)``, which builds tensors, numbers,
    strings, lists and dicts and calls nothing else.

    Parameters
    ----------
    folder : str or path-like
        Made if it does not exist.
    identity : dict of str to plain values
        What the training depends on: parameters, shape of the data, versions of formats. A file with another
        identity is never continued.

    Raises
    ------
    ValueError
        If the folder cannot be made or written to.
    """

    def __init__(self, folder: str | os.PathLike, identity: dict):
        self.path = Path(folder) / "training.pt"
        self.identity = {"format": _FORMAT, **identity}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for left_over in self.path.parent.glob(f"{_TEMPORARY}*.tmp"):  # of processes that were killed while writing
                left_over.unlink(missing_ok=True)
            tempfile.TemporaryFile(dir=self.path.parent).close()
        except OSError as error:
            raise ValueError(
                f"checkpoint_dir={str(folder)!r} cannot be written to ({error}); pass a folder that can."
            ) from error

    def load(self) -> dict | None:
        """Return the saved state, its tensors on the CPU; None if there is none.

        Raises
        ------
        ValueError
            If the file is of another training, naming what differs; or if it is no checkpoint.
        """
        if not self.path.exists():
            return None
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            identity, state = dict(content["identity"]), dict(content["state"])
        except Exception as error:
            raise ValueError(
                f"{self.path} is not a checkpoint that can be read ({type(error).__name__}: {error}). Delete it, or "
                "pass another checkpoint_dir."
            ) from error
        differing = sorted(
            key for key in identity.keys() | self.identity.keys() if identity.get(key) != self.identity.get(key)
        )
        if differing:
            there = ", ".join(f"{key}={identity.get(key)!r} (now {self.identity.get(key)!r})" for key in differing)
            raise ValueError(
                f"{self.path} is of another training: {there}. Pass another checkpoint_dir, delete the file to train "
                "anew, or call with the same data and parameters to continue."
            )
        return state

    def save(self, state: dict) -> None:
        """Put `state` in the place of what was saved before."""
        with tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=_TEMPORARY, suffix=".tmp", delete=False) as file:
            torch.save({"identity": self.identity, "state": state}, file)
        put_in_place(file.name, self.path)
