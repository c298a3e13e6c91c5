# SPDX-License-Identifier: BSD-3-Clause
"""INPUT of the commands: a folder of image files, or an array in a file."""

import sys
from typing import Any, NamedTuple

from ._session import UsageError

_CHANNELS = {1: "L", 3: "RGB"}


class Rows(NamedTuple):
    """What is clustered."""

    X: Any  # table (n, d), or images (n, h, w) or (n, h, w, c)
    names: list[str] | None  # of the files
    unreadable: dict[str, str]  # name of a file: why it was left out

    @property
    def image_shape(self):
        """Shape of one image, or None for a table."""
        return tuple(self.X.shape[1:]) if self.X.ndim > 2 else None


def check_input(path):
    """Refuse what cannot be read at all."""
    if not path.exists():
        raise UsageError(f"INPUT: {path} does not exist.")
    if not path.is_dir() and path.suffix.lower() not in (".npy", ".npz"):
        raise UsageError(f"INPUT: {path} is neither a folder of image files nor a .npy or .npz file.")


def read_input(path, session, *, size=None, mode="auto", cache=None, background=False):
    """Read a folder of image files, or the array of a .npy or .npz file.

    Parameters
    ----------
    path : Path
    session : Session
        Its `verbose` shows a bar.
    size, mode, cache, background
        For :class:`~skdeepclust.datasets.ImageFolder`. What is decoded in the background is worked on by
        :func:`on_readable`.

    Returns
    -------
    Rows
    """
    check_input(path)
    if path.is_dir():
        return _read_folder(path, session, size, mode, cache, background)
    if (size, mode, cache) != (None, "auto", None):
        raise UsageError(f"--image-size, --gray and --cache are for folders of image files; {path} holds an array.")
    return Rows(_read_array(path), None, {})


def read_input_for(model, run, path, session, cache):
    """Read INPUT as rows for a fitted model.

    Parameters
    ----------
    model : estimator
    run : dict
        What ``fit`` has noted of the rows of the model; empty if nothing is known.
    """
    if not path.is_dir():
        return read_input(path, session, cache=cache)
    shape = getattr(model, "image_shape_", None) or run.get("image_shape")
    if shape is None:
        raise UsageError(f"INPUT: {path} is a folder, but the model was fitted on a table.")
    mode = "F" if run.get("dtype") == "float32" else _CHANNELS.get(*shape[2:] or (1,))
    background = hasattr(model, "encoder_") or hasattr(model, "network_")  # goes over the images once, in their order
    return read_input(path, session, size=tuple(shape[:2]), mode=mode, cache=cache, background=background)


def on_readable(work, rows):
    """Do work on all rows that can be read; if a damaged file shows only now, do it again without such files.

    Parameters
    ----------
    work : callable
        Takes :class:`Rows`.
    rows : Rows

    Returns
    -------
    result : object
        What `work` returned.
    rows : Rows
        Those it was done on.
    """
    from ..exceptions import UnreadableImageError

    try:
        return work(rows), rows
    except UnreadableImageError:
        rows = _rows_of(rows.X.complete(), rows.unreadable)
        return work(rows), rows


def for_estimator(X, estimator):
    """`X` as `estimator` takes it: images as a table of their pixels, where it knows tables only."""
    import numpy as np
    from sklearn.utils import get_tags

    if X.ndim <= 2 or get_tags(estimator).input_tags.three_d_array:
        return X
    return np.asarray(X).reshape(len(X), -1)


def _read_folder(path, session, size, mode, cache, background):
    from ..datasets import ImageFolder

    try:
        images = ImageFolder(
            path, size, mode=mode, cache=cache or "memory", background=background, verbose=session.verbose
        )
    except ValueError as error:
        raise ValueError(f"INPUT: {error}{'' if size else ' Here size is --image-size.'}") from error
    return _rows_of(images, {})


def _rows_of(images, known):
    """Rows of a folder; files that cannot be read are named, but for those that are known."""
    unreadable = {name.as_posix(): why for name, why in images.unreadable.items()}
    for name, why in unreadable.items():
        if name not in known:
            print(f"left out: {name}: {why}", file=sys.stderr)
    return Rows(images, [name.as_posix() for name in images.files], unreadable)


def _read_array(path):
    import numpy as np

    try:
        found = np.load(path, mmap_mode="r")  # without pickle, numpy's default
        if isinstance(found, np.ndarray):
            return found
        with found:
            names = found.files
            wanted = "X" if "X" in names else names[0] if len(names) == 1 else None
            if wanted is not None:
                return found[wanted]
    except Exception as error:  # zipfile and numpy raise all sorts of things for damaged files
        raise ValueError(f"INPUT: {path} cannot be read: {error}") from error
    raise ValueError(f"INPUT: {path} holds the arrays {', '.join(names)}; call the one to cluster X.")
