# SPDX-License-Identifier: BSD-3-Clause
"""Row sources: data that stay where they are, read as rows a batch at a time.

A source looks like a 2-D array to whoever reads it: ``shape``, ``dtype``, ``ndim``, ``len``, and indexing by integers,
slices and integer arrays, which returns arrays in memory. It is made of

* an array on disk, such as a dataset of h5py or an array of zarr: ``shape``, ``dtype``, ``X[a:b]``, ``X[indices]``;
* a map-style dataset, as ``torch.utils.data.Dataset`` defines it: ``len(X)``, ``X[i]``.
"""

import operator
from collections.abc import Iterator, Mapping, Sequence, Set
from numbers import Integral
from os import PathLike

import numpy as np
from joblib import Parallel, cpu_count, delayed
from numpy.typing import NDArray

_BLOCK_VALUES = 2**22  # of a block that is read in passing: 32 MiB as float64


class RowSource:
    """Rows of items of one shape; subclasses say how a few are read.

    Parameters
    ----------
    length : int
        Number of items.
    item_shape : tuple of int
        (d,), (h, w) or (h, w, c).
    stored : dtype
        Type of the values where they lie. uint8, float32 and float64 stay, other numbers become float32.
    """

    ndim = 2

    def __init__(self, length: int, item_shape: tuple[int, ...], stored: np.dtype):
        if not 1 <= len(item_shape) <= 3 or min(item_shape) < 1:
            raise ValueError(
                f"X must be (n, features), (n, height, width) or (n, height, width, channels); "
                f"got {length} items of shape {item_shape}."
            )
        if stored.kind not in "buif":
            raise ValueError(f"X must hold numbers; got dtype {stored}.")
        self.item_shape = item_shape
        self.shape = (length, int(np.prod(item_shape)))
        self.dtype = stored if stored in (np.uint8, np.float32, np.float64) else np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key) -> NDArray:
        """Return rows as an array (m, d), or (d,) for an integer.

        Raises
        ------
        ValueError
            If a value is NaN or infinite, or the items do not have the shape they should.
        IndexError
            If a row does not exist.
        """
        n = len(self)
        if isinstance(key, Integral):
            return self[[operator.index(key)]][0]
        if isinstance(key, slice):
            start, stop, step = key.indices(n)
            if step == 1:
                return self._rows(slice(start, max(start, stop)))
            key = np.arange(start, stop, step)
        wanted = row_numbers(key, n)
        rows, place = np.unique(wanted, return_inverse=True)
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
            block = self._rows(slice(int(rows[0]), int(rows[-1]) + 1))
        else:
            block = self._rows(rows)
        return block if len(rows) == len(wanted) and (place[1:] > place[:-1]).all() else block[place]

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "X is read batch by batch and not made an array; what wants all of it at once, an encoder of your own "
            "perhaps, needs an array: pass numpy.asarray of the data if they fit into memory."
        )

    def __reduce__(self):
        raise TypeError(
            "this X is read batch by batch, and neither pickled nor hashed: caching with memory= needs an array. "
            "Pass a numpy array or a numpy.memmap, or memory=None."
        )

    def _rows(self, rows: slice | NDArray) -> NDArray:
        count = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        if count == 0:
            return np.empty((0, self.shape[1]), self.dtype)
        items = self._read(rows)
        if items.shape != (count, *self.item_shape):
            raise ValueError(
                f"X returned an array of shape {items.shape} when asked for {count} items of shape {self.item_shape}."
            )
        block = np.ascontiguousarray(items, dtype=self.dtype).reshape(count, -1)
        if block.dtype.kind == "f":
            finite = np.isfinite(block).all(axis=1)
            if not finite.all():
                first = int(np.flatnonzero(~finite)[0])
                row = rows.start + first if isinstance(rows, slice) else int(rows[first])
                raise ValueError(f"X contains NaN or infinity, in row {row} for one; impute or drop such rows.")
        return block

    def _read(self, rows: slice | NDArray) -> NDArray:
        """Return the items of a non-empty slice of step 1, or of strictly increasing indices, as an array."""
        raise NotImplementedError


class ArrayRows(RowSource):
    """Rows of an array-like store, of which never more than a batch is asked.

    Parameters
    ----------
    store : object
        With ``shape``, ``dtype``, and indexing by slices and by strictly increasing integer arrays along the first
        axis; where it has ``oindex``, as zarr arrays have in all versions, that takes the integer arrays.
    """

    def __init__(self, store):
        super().__init__(int(store.shape[0]), tuple(int(s) for s in store.shape[1:]), np.dtype(store.dtype))
        self.store = store

    def _read(self, rows):
        if isinstance(rows, slice):
            return np.asarray(self.store[rows])
        return np.asarray(getattr(self.store, "oindex", self.store)[rows])


class DatasetRows(RowSource):
    """Rows of a map-style dataset, read one item at a time by several threads.

    Parameters
    ----------
    dataset : object
        With ``len(dataset)`` and ``dataset[i]``, safe to call from several threads. An item is an array, a tensor or a
        tuple that begins with one, of the shape and type of item 0. Tensors of three dimensions are (c, h, w).
    """

    def __init__(self, dataset):
        length = len(dataset)
        if length < 1:
            raise ValueError("X is an empty dataset; at least one item is required.")
        first = _item_array(dataset[0], 0)
        super().__init__(length, first.shape, first.dtype)
        self.dataset, self._stored = dataset, first.dtype

    def _read(self, rows):
        numbers = range(rows.start, rows.stop) if isinstance(rows, slice) else rows.tolist()
        out = np.empty((len(numbers), *self.item_shape), self.dtype)

        def read(place: int) -> None:
            index = numbers[place]
            item = _item_array(self.dataset[index], index)
            if item.shape != self.item_shape:
                raise ValueError(
                    f"X[{index}] has the shape {item.shape}, but X[0] has {self.item_shape}; "
                    "resize the items to one shape."
                )
            # uint8 is divided by 255 later and floats are not, so the two must not be mixed.
            if item.dtype.kind != self._stored.kind or (item.dtype == np.uint8) != (self._stored == np.uint8):
                raise ValueError(
                    f"X[{index}] has dtype {item.dtype}, but X[0] has {self._stored}; convert them to one."
                )
            out[place] = item

        Parallel(n_jobs=cpu_count(), require="sharedmem")(delayed(read)(place) for place in range(len(numbers)))
        return out


def as_row_source(X) -> RowSource | None:
    """Return a source for `X`, or None if `X` is something for numpy: an array, memory map, table, tensor or list.

    Raises
    ------
    TypeError
        If `X` is a dask array, a dataset without length, a loader of batches, or a path or list of them.
    """
    if isinstance(X, RowSource):
        return X
    if hasattr(X, "__dask_graph__"):
        raise TypeError(
            f"X is a dask {type(X).__name__}; training reads rows in random order, which dask is slow at. Store it, "
            "with dask.array.to_zarr or to_npy_stack, and pass the zarr array or a numpy.memmap."
        )
    first = X[0] if isinstance(X, list | tuple) and X else X
    if isinstance(first, str | PathLike):
        raise TypeError(
            f"X must hold pixels or other numbers; got {first!r}. Image files are read by "
            "skdeepclust.datasets.ImageFolder, arrays in files by numpy.load."
        )
    if hasattr(X, "dataset") and not hasattr(X, "__getitem__"):
        raise TypeError(f"X is a {type(X).__name__}, but batches are made in fit: pass its data set, X.dataset.")
    is_numpys = isinstance(X, np.ndarray | np.generic | Sequence | Mapping | Set) or any(
        hasattr(X, name) for name in ("__dataframe__", "__arrow_c_stream__", "iloc", "tocsr")
    )
    if is_numpys or not hasattr(X, "__getitem__"):
        return None
    if hasattr(X, "shape") and hasattr(X, "dtype"):
        return ArrayRows(X) if _is_numpy_dtype(X.dtype) and len(X.shape) > 1 else None
    if hasattr(X, "shape") or hasattr(X, "__array__"):
        return None
    if not hasattr(X, "__len__"):
        raise TypeError(
            f"X is a {type(X).__name__}, which has no length; training needs len(X) and X[i] for every i. "
            "Pass a map-style dataset, an array or a numpy.memmap."
        )
    return DatasetRows(X)


def row_numbers(key, n: int) -> NDArray[np.intp]:
    """Return what `key`, integers or one boolean per row, selects of `n` rows, as numbers from 0 on."""
    numbers = np.asarray(key)
    if numbers.dtype == bool and numbers.shape == (n,):
        return np.flatnonzero(numbers)
    if numbers.ndim == 1 and not len(numbers):
        return np.empty(0, np.intp)
    if numbers.ndim != 1 or numbers.dtype.kind not in "ui":
        raise IndexError(f"rows are chosen by an integer, a slice or a 1-D integer array; got {key!r}.")
    numbers = numbers.astype(np.intp)
    numbers = np.where(numbers < 0, numbers + n, numbers)
    if numbers.min() < 0 or numbers.max() >= n:
        raise IndexError(f"rows go from 0 to {n - 1}; got {key!r}.")
    return numbers


def row_blocks(X) -> Iterator[slice]:
    """Yield slices that go over the rows of `X`, each of 32 MiB as float64 at most, or of one row."""
    size = max(1, _BLOCK_VALUES // max(1, X.shape[1]))
    for start in range(0, len(X), size):
        yield slice(start, min(start + size, len(X)))


def _is_numpy_dtype(dtype) -> bool:
    try:
        np.dtype(dtype)
    except TypeError:  # of torch, for example
        return False
    return True


def _item_array(item, index: int) -> NDArray:
    """Return item `index` of a dataset as a channel-last array."""
    if isinstance(item, tuple) and item:
        item = item[0]
    if isinstance(item, str | bytes | Mapping | Set):
        raise TypeError(
            f"X[{index}] is a {type(item).__name__}; items must be arrays, tensors, or tuples that begin with one."
        )
    if not hasattr(item, "detach"):
        return np.asarray(item)
    array = item.detach().cpu().numpy()
    if array.ndim != 3:
        return array
    if array.shape[2] <= 4 < array.shape[0]:
        raise ValueError(
            f"X[{index}] is a tensor of shape {array.shape}; tensors are images of shape (channels, height, width). "
            "Return a numpy array for (height, width, channels)."
        )
    return np.moveaxis(array, 0, -1)
