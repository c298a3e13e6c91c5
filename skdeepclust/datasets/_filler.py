# SPDX-License-Identifier: BSD-3-Clause
"""Decoding images into a cache, here and now or by a thread in the background."""

from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition, Thread

import numpy as np
from numpy.typing import NDArray

_BLOCK = 64  # images between two looks at what is wanted


class Filler:
    """Fills an array with images, in their order, but first with those that somebody waits for.

    Parameters
    ----------
    decode : callable
        Takes numbers of images; gives the pixels of each, or a str that says why there are none.
    pixels : ndarray of shape (n, height, width[, 3])
        Is filled.

    Attributes
    ----------
    failed : dict of int to str
        Images without pixels.
    """

    def __init__(self, decode: Callable[[NDArray], Iterable[NDArray | str]], pixels: NDArray):
        self.pixels = pixels
        self.failed: dict[int, str] = {}
        self._decode = decode
        self._pending = np.ones(len(pixels), bool)
        self._wanted: deque[NDArray] = deque()
        self._changed = Condition()
        self._error: BaseException | None = None
        self._is_stopped = False

    @property
    def is_done(self) -> bool:
        """Whether every image is there or has failed."""
        return not self._pending.any()

    def run(self, report: Callable[[int], object]) -> None:
        """Decode all images; `report` is called with their number, block by block."""
        while not self._is_stopped and len(block := self._next_block()):
            for i, decoded in zip(block.tolist(), self._decode(block)):
                if isinstance(decoded, str):
                    self.failed[i] = decoded
                else:
                    self.pixels[i] = decoded
            with self._changed:
                self._pending[block] = False
                self._changed.notify_all()
            report(len(block))

    def start(self) -> None:
        """Let a thread do that."""
        Thread(target=self._run_for_others, daemon=True, name="image-decoding").start()

    def stop(self) -> None:
        """End the thread after the block it works on."""
        self._is_stopped = True

    def wait_for(self, numbers: NDArray) -> None:
        """Return when the thread has decoded these images, or some image has failed."""
        numbers = np.unique(numbers)
        with self._changed:
            if self._pending[numbers].any():
                self._wanted.append(numbers)
            self._changed.wait_for(lambda: self.failed or self._error or not self._pending[numbers].any())
        self._raise_error()

    def wait(self, report: Callable[[int], object]) -> None:
        """Return when the thread has decoded all images; `report` is called with numbers of them."""
        left = len(self._pending)
        with self._changed:
            while True:
                before, left = left, int(np.count_nonzero(self._pending))
                report(before - left)
                if not left or self._error:
                    break
                self._changed.wait()
        self._raise_error()

    def _next_block(self) -> NDArray:
        with self._changed:
            while self._wanted:
                wanted = self._wanted.popleft()
                wanted = wanted[self._pending[wanted]]
                if len(wanted):
                    return wanted
            return np.flatnonzero(self._pending)[:_BLOCK]

    def _run_for_others(self) -> None:
        try:
            self.run(lambda count: None)
        except BaseException as error:  # belongs to those who wait
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error
