# SPDX-License-Identifier: BSD-3-Clause
"""How kernels are compiled and how they share the cores.

Every kernel is a serial loop over a range of rows (or over one pair of clusterings) that releases the GIL;
:func:`for_each` spreads such calls over plain threads. Compared with ``parallel=True`` this needs no Numba
threading layer (whose ``workqueue`` is not thread-safe and whose ``omp`` does not survive a fork), compiles
faster, and every sum is taken in one fixed order whatever the number of threads.
"""

import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import joblib
import numba
from threadpoolctl import OpenBLASController, ThreadpoolController


def _probe() -> int:
    return 0


def _cache_wanted() -> bool:
    """Whether kernels are cached on disk: not if switched off, nor where no folder can be written."""
    if os.environ.get("SKDEEPCLUST_NUMBA_CACHE", "1").strip().lower() in ("0", "false", "no", "off"):
        return False
    try:
        numba.njit(cache=True)(_probe)
    except RuntimeError:  # "no locator available": read-only installation and no writable home
        return False
    return True


CACHE = _cache_wanted()


KERNELS: list = []  # everything that is compiled, for the test that warm_up() reaches it


def kernel(function: Callable, fastmath: set | bool = False) -> Callable:
    """Compile `function` on first call: no Python objects, GIL released, IEEE division."""
    compiled = numba.njit(nogil=True, cache=CACHE, error_model="numpy", fastmath=fastmath)(function)
    KERNELS.append(compiled)
    return compiled


def summing_kernel(function: Callable) -> Callable:
    """The same for sums within one row: they may be taken in vector registers, in an order fixed at compile time."""
    return kernel(function, fastmath={"reassoc", "contract", "nsz"})


def finite_kernel(function: Callable) -> Callable:
    """The same for the extremes of a row without NaN."""
    return kernel(function, fastmath={"reassoc", "nsz", "nnan"})


def n_threads() -> int:
    """Number of threads for :func:`for_each`: one inside a worker thread, else what Numba and the machine allow."""
    if threading.current_thread() is not threading.main_thread():
        return 1
    return max(1, min(numba.config.NUMBA_NUM_THREADS, joblib.cpu_count()))


def for_each(function: Callable[[Any], Any], items: Iterable[Any]) -> None:
    """Call ``function(item)`` for every item; items must write to disjoint places."""
    items = list(items)
    threads = min(n_threads(), len(items))
    if threads <= 1:
        for item in items:
            function(item)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(function, items):  # the loop hands exceptions on
            pass


def row_blocks(n_rows: int, size: int) -> list[tuple[int, int]]:
    """Ranges (start, stop) that cut ``n_rows`` rows into blocks of `size`."""
    return [(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


@functools.cache
def _controller() -> ThreadpoolController:
    """The libraries loaded at the first use, NumPy's and SciPy's BLAS among them; looking takes 10 ms each time."""
    return ThreadpoolController()


_blas_lock = threading.Lock()
_blas_users = 0
_blas_limits: Any = None


def _any_thread(change: Callable[[], Any]) -> Any:
    """Result of ``change()``, which sets a number of BLAS threads, whichever thread this is.

    threadpoolctl from 3.8 on ignores limits on OpenBLAS of all threads but the first that set one, until told that it
    is done.
    """
    release = getattr(OpenBLASController, "clear_controlling_thread", lambda force: None)
    release(force=True)
    try:
        return change()
    finally:
        release(force=True)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS and OpenMP to one thread, so that the sums inside k-means and LAPACK have one order.

    The BLAS limit belongs to the process: it is set by the first user and lifted by the last, whatever the
    order in which threads come and go. The OpenMP limit belongs to the calling thread.
    """
    global _blas_users, _blas_limits
    with _blas_lock:
        if _blas_users == 0:
            _blas_limits = _any_thread(lambda: _controller().limit(limits=1, user_api="blas"))
        _blas_users += 1
    try:
        with _controller().select(user_api="openmp").limit(limits=1):
            yield
    finally:
        with _blas_lock:
            _blas_users -= 1
            if _blas_users == 0:
                _any_thread(_blas_limits.restore_original_limits)
