# SPDX-License-Identifier: BSD-3-Clause
"""Reading the next rows from a disk while the present ones are worked on."""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ._sources import RowSource


class ReadAhead:
    """Rows of `X`, those that were announced read by a thread of its own in the meantime.

    Two buffers, so to speak: the rows in use, and the next ones, that are on their way. Only what lies on a disk or
    has to be decoded is read ahead (row sources and memory maps); rows of an array in memory are simply taken.

    Parameters
    ----------
    X : ndarray or RowSource of shape (n, d)

    Attributes
    ----------
    is_useful : bool
        Whether announcing has an effect.
    """

    def __init__(self, X):
        self._X = X
        self.is_useful = isinstance(X, RowSource | np.memmap)
        self._pool: ThreadPoolExecutor | None = None
        self._announced: tuple[NDArray | slice, Future] | None = None

    def announce(self, rows: NDArray | slice) -> None:
        """Begin to read rows that will be asked for next."""
        if not self.is_useful:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._announced = (rows, self._pool.submit(self._read, rows))

    def __call__(self, rows: NDArray | slice) -> NDArray:
        """Return ``X[rows]``; errors of reading are raised here, those of rows that nobody asks for never."""
        if self._announced is not None:
            (announced, reading), self._announced = self._announced, None
            if _are_same(announced, rows):
                return reading.result()
        return self._X[rows]

    def close(self) -> None:
        """Wait for what is being read, and end the thread; it begins anew if more is announced."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = self._announced = None

    def _read(self, rows: NDArray | slice) -> NDArray:
        block = self._X[rows]
        return np.array(block) if isinstance(block, np.memmap) else block  # a slice of a map is read by copying


def _are_same(a: NDArray | slice, b: NDArray | slice) -> bool:
    if isinstance(a, slice) or isinstance(b, slice):
        return isinstance(a, slice) and isinstance(b, slice) and a == b
    return np.array_equal(a, b)
