# SPDX-License-Identifier: BSD-3-Clause
"""Calls spread over threads, for work that waits for a disk or frees the interpreter lock, like decoding an image."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from joblib import cpu_count

_PARTS_PER_THREAD = 4  # calls are handed out in parts, several to a thread, since some take longer than others


def for_each(function: Callable[[int], object], n: int, n_threads: int | None = None) -> None:
    """Call ``function(i)`` for i = 0, ..., n - 1 on threads that are gone when this returns.

    Parameters
    ----------
    function : callable
        Its return value is not used.
    n : int
        Number of calls.
    n_threads : int or None, default=None
        None: as many as there are cores.

    Raises
    ------
    Exception
        What the first part of the calls that failed raised; calls that had not begun are left out.
    """
    n_threads = min(n_threads or cpu_count(), n)
    if n_threads <= 1:
        for i in range(n):
            function(i)
        return

    def run(part: range) -> None:
        for i in part:
            function(i)

    n_parts = min(n, _PARTS_PER_THREAD * n_threads)
    parts = [range(n * p // n_parts, n * (p + 1) // n_parts) for p in range(n_parts)]
    with ThreadPoolExecutor(n_threads, thread_name_prefix="skdeepclust") as threads:
        calls = [threads.submit(run, part) for part in parts]
        try:
            for call in calls:
                call.result()
        finally:
            for call in calls:
                call.cancel()
