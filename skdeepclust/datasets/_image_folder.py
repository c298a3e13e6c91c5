# SPDX-License-Identifier: BSD-3-Clause
"""A folder of image files as an array of images of one size."""

import os
import warnings
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from .._support._errors import UnreadableImageError
from .._support._parameters import check_choice, check_integer
from .._support._sources import row_numbers
from .._support._warnings import UnreadableImageWarning
from ._filler import Filler
from ._image_file import (
    EXTENSIONS,
    MODES,
    RESIZES,
    Header,
    decode_files,
    find_files,
    import_pillow,
    in_threads,
    read_header,
)
from ._pixel_cache import PixelCache

_BLOCK = 256  # images moved at a time
_settling = Lock()  # two threads may read the last images


class ImageFolder:
    """Image files under a folder, as an array of images that is read when it is needed.

    What the deep estimators take in place of an array: it has `shape`, `dtype`, `len` and indexing by integers,
    slices and arrays of integers, which return arrays. Files are decoded by several threads.

    Parameters
    ----------
    root : str or path-like
        Folder, searched with all folders in it; hidden ones are left out. Files are taken in the order of their paths,
        by extension: avif, bmp, gif, jfif, jp2, jpeg, jpg, pbm, pgm, png, pnm, ppm, tga, tif, tiff, webp.
    size : int or tuple (height, width) or None, default=None
        Pixels of all images; an int for squares. None if all files have one size.
    mode : {"auto", "L", "RGB", "F"}, default="auto"
        "L": grey, uint8. "RGB": colour, uint8. "F": one channel of float32 with the values of the file, for
        16- and 32-bit images. "auto" is the poorest of the three that loses nothing of any file.
    resize : {"crop", "stretch", "pad"}, default="crop"
        How an image of another shape is brought to `size`: its middle is cut out, it is distorted, or it gets black
        margins.
    cache : {"memory", None} or path-like, default="memory"
        Where decoded pixels are kept. "memory": in memory, n x height x width x channels bytes. A folder: in a file
        there, which is mapped into memory and found again by the next process, as long as the image files and the
        parameters above have not changed. None: nowhere; each reading decodes.
    background : bool, default=False
        Decode into the cache by a thread in the background, in the order of the files: what reads the images in that
        order, such as :class:`~skdeepclust.FrozenEncoder`, works meanwhile; what reads others does not wait for these.
        As soon as a damaged file is met, reading raises UnreadableImageError; :meth:`complete` leaves such files out.
    on_error : {"skip", "raise"}, default="skip"
        What to do with files that cannot be read: leave them out with a warning, or raise.
    verbose : int, default=0
        1 shows a progress bar while files are decoded into the cache.

    Attributes
    ----------
    files : list of Path
        The file of every image, relative to `root`.
    unreadable : dict of Path to str
        Files that were left out, and why.
    shape : tuple (n, height, width) or (n, height, width, 3)
    dtype : dtype
        uint8 or float32.

    Raises
    ------
    ValueError, TypeError
        For parameters out of range, a folder without images, or images of several sizes without a `size`.
    UnreadableImageError
        A ValueError: no file can be read, or, with ``on_error="raise"``, one of them cannot.
    ImportError
        Without Pillow, which the extra ``skdeepclust[images]`` installs.

    Warns
    -----
    UnreadableImageWarning
        If files were left out.

    See Also
    --------
    skdeepclust.DeepClusterEnsemble : Takes a folder in place of an array, as all deep estimators do.

    Notes
    -----
    With a cache, files are decoded at once, so that a damaged one shows before any training. With ``background=True``
    or ``cache=None`` only their headers are: a file with a good header and damaged pixels raises later.

    Images are turned upright as their EXIF data say. Transparent pixels become white.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust.datasets import ImageFolder
    >>> from skdeepclust.plotting import write_png
    >>> folder = Path(tempfile.mkdtemp())
    >>> for i, image in enumerate(load_digits().images[:20]):
    ...     write_png(folder / f"{i:02}.png", (image * 15).astype("uint8"))
    >>> images = ImageFolder(folder)
    >>> images.shape, images.dtype, images[:3].shape, images.files[3].name
    ((20, 8, 8), dtype('uint8'), (3, 8, 8), '03.png')
    """

    def __init__(
        self,
        root,
        size=None,
        *,
        mode="auto",
        resize="crop",
        cache="memory",
        background=False,
        on_error="skip",
        verbose=0,
    ):
        self.root = _check_folder(root)
        size = _check_size(size)
        mode = check_choice("mode", mode, ("auto", *MODES))
        self._resize = check_choice("resize", resize, RESIZES)
        if cache not in ("memory", None) and not isinstance(cache, os.PathLike | str):
            raise TypeError(f"cache must be 'memory', None or the path of a folder; got {cache!r}.")
        if not isinstance(background, bool):
            raise TypeError(f"background must be True or False; got {background!r}.")
        if background and cache is None:
            raise ValueError("background=True decodes into a cache, but cache=None; use 'memory' or a folder.")
        self._on_error = check_choice("on_error", on_error, ("skip", "raise"))
        self._verbose = verbose
        import_pillow()

        found = find_files(self.root)
        if not found:
            raise ValueError(f"root={str(root)!r} holds no image files; known are {', '.join(sorted(EXTENSIONS))}.")
        self._n_found = len(found)
        self._pixels = self._filler = self._kept = None  # pixels are there, or on their way, or nowhere
        if cache not in ("memory", None):
            self._kept = PixelCache(Path(cache), self.root, found, (size, mode, resize))
            self._load()
        if self._pixels is None:
            self._scan(found, size, mode)
            if cache is not None and self.files:
                create = np.empty if self._kept is None else self._kept.create
                self._filler = Filler(self._decoder(), create(self.shape, self.dtype))
                if background:
                    self._filler.start()
                    weakref.finalize(self, self._filler.stop)
                else:
                    self._finish(self._filler.run)
        self._report()

    def __len__(self) -> int:
        return len(self.files)

    @property
    def ndim(self) -> int:
        """Number of dimensions, 3 for grey images and 4 for colour."""
        return len(self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (n, h, w), or (n, h, w, c) with more than one channel."""
        channels = MODES[self._mode][0]
        return (len(self.files), *self._size, *((channels,) if channels > 1 else ()))

    @property
    def dtype(self) -> np.dtype:
        """Type of the pixels, by `mode`."""
        return np.dtype(MODES[self._mode][1])

    def __getitem__(self, key) -> NDArray:
        """Return images as an array (m, height, width[, 3]), or one image for an integer.

        Raises
        ------
        IndexError
            If an image does not exist.
        UnreadableImageError
            If a file cannot be decoded, or has changed its size; only with ``background=True`` or ``cache=None``.
        """
        filler = self._filler
        if self._pixels is not None:
            return np.array(self._pixels[key])
        if isinstance(key, slice):
            numbers = np.arange(len(self))[key]
        else:
            numbers = row_numbers(np.atleast_1d(key), len(self))
        if filler is not None:
            filler.wait_for(numbers)
            for i, why in list(filler.failed.items()):
                raise self._unreadable_error(i, why)
            if filler.is_done:
                self._settle(filler)
            return np.array(filler.pixels[key])
        images = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        for place, decoded in enumerate(self._decoder()(numbers)):
            if isinstance(decoded, str):
                raise self._unreadable_error(numbers[place], decoded)
            images[place] = decoded
        return images[0] if np.ndim(key) == 0 and not isinstance(key, slice) else images

    def complete(self):
        """Decode what has not been read yet, and leave out what cannot be.

        Needed with ``background=True`` only, and without effect where nothing is kept. Images behind one that is left
        out move up: `files`, `unreadable`, `shape` and the numbers of images change.

        Returns
        -------
        self : ImageFolder

        Raises
        ------
        UnreadableImageError
            If no file can be read, or, with ``on_error="raise"``, one of them cannot.

        Warns
        -----
        UnreadableImageWarning
            If files were left out.
        """
        if self._filler is not None:
            self._finish(self._filler.wait)
        self._report()
        return self

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self[:], dtype=dtype)

    def __repr__(self) -> str:
        return f"ImageFolder({str(self.root)!r}, shape={self.shape}, dtype={self.dtype})"

    def _scan(self, found: list[Path], size: tuple[int, int] | None, mode: str) -> None:
        """Read all headers; settle files, size and mode."""
        headers = in_threads(read_header, [self.root / name for name in found])
        self.unreadable = {name: h for name, h in zip(found, headers) if isinstance(h, str)}
        good = {name: h for name, h in zip(found, headers) if isinstance(h, Header)}
        self.files = list(good)
        sizes = {h.size for h in good.values()}
        if size is None and len(sizes) > 1:
            some = ", ".join(f"{h} x {w}" for h, w in sorted(sizes)[:3])
            raise ValueError(
                f"size=None, but the images have {len(sizes)} different sizes ({some}, ...); pass size, "
                "for example size=64."
            )
        modes = {h.mode for h in good.values()}
        if mode == "auto" and {"F", "RGB"} <= modes:
            raise ValueError(
                "mode='auto', but some images are in colour and some hold more than 8 bits; choose a mode."
            )
        self._size = size or (sizes.pop() if sizes else (1, 1))
        self._mode = mode if mode != "auto" else next((m for m in ("F", "RGB") if m in modes), "L")

    def _decoder(self) -> Callable[[NDArray], Iterator[NDArray | str]]:
        """Return a function from numbers of images to their pixels, or to why there are none; without ties to this."""
        return partial(decode_files, self.root, self.files, (self._size, self._mode, self._resize))

    def _finish(self, fill) -> None:
        """Let `fill` decode all images, and leave out those that cannot be."""
        from tqdm.auto import tqdm

        with tqdm(total=len(self), desc="reading images", unit="image", disable=not self._verbose) as bar:
            fill(bar.update)
        self._settle(self._filler)

    def _settle(self, filler: Filler) -> None:
        """Take the pixels of a filler that is done, without the gaps that damaged files have left."""
        with _settling:
            if self._filler is None:
                return
            pixels = filler.pixels
            self.unreadable |= {self.files[i]: filler.failed[i] for i in sorted(filler.failed)}
            good = np.setdiff1d(np.arange(len(pixels)), list(filler.failed))
            if filler.failed:
                for start in range(0, len(good), _BLOCK):
                    rows = good[start : start + _BLOCK]
                    pixels[start : start + len(rows)] = pixels[rows]
                self.files = [self.files[i] for i in good]
            if self._kept is not None:
                notes = {
                    "files": [name.as_posix() for name in self.files],
                    "unreadable": {name.as_posix(): why for name, why in self.unreadable.items()},
                    "size": self._size,
                    "mode": self._mode,
                }
                pixels = self._kept.commit(pixels, notes)
            self._pixels, self._filler = pixels[: len(good)], None

    def __getstate__(self):
        if self._filler is not None:
            self[:]  # the thread stays here
        return vars(self)

    def _load(self) -> None:
        """Take everything from the cache file, if there is one."""
        found = self._kept.load()
        if found is not None:
            pixels, notes = found
            self.files = [Path(name) for name in notes["files"]]
            self.unreadable = {Path(name): why for name, why in notes["unreadable"].items()}
            self._size, self._mode = tuple(notes["size"]), notes["mode"]
            self._pixels = pixels[: len(self.files)]

    def _unreadable_error(self, i: int, why: str) -> UnreadableImageError:
        if self._filler is None:
            hint = "Use cache='memory' or a folder, which leave such files out from the beginning."
        else:
            hint = "complete() leaves out all such files."
        return UnreadableImageError(f"{self.root / self.files[i]} cannot be read: {why}. {hint}")

    def _report(self) -> None:
        """Say which files were left out."""
        if not self.unreadable:
            return
        some = "; ".join(f"{name}: {why}" for name, why in list(self.unreadable.items())[:5])
        more = f"; and {len(self.unreadable) - 5} more" if len(self.unreadable) > 5 else ""
        message = f"{len(self.unreadable)} of {self._n_found} image files cannot be read ({some}{more})."
        if self._on_error == "raise" or not self.files:
            hint = ", or use on_error='skip'" if self.files else ""
            raise UnreadableImageError(f"{message} Remove them{hint}.")
        warnings.warn(
            f"{message} They are left out, see the attribute unreadable.", UnreadableImageWarning, stacklevel=3
        )


def _check_folder(root) -> Path:
    if not isinstance(root, os.PathLike | str):
        raise TypeError(f"root must be the path of a folder; got {root!r}.")
    if not Path(root).is_dir():
        raise ValueError(f"root={str(root)!r} is not a folder.")
    return Path(root)


def _check_size(size) -> tuple[int, int] | None:
    if size is None:
        return None
    if isinstance(size, tuple | list) and len(size) == 2:
        return (check_integer("size[0]", size[0], low=1), check_integer("size[1]", size[1], low=1))
    if isinstance(size, tuple | list):
        raise ValueError(f"size must be None, an integer or a pair (height, width); got {size!r}.")
    return (check_integer("size", size, low=1),) * 2
