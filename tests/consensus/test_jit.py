# SPDX-License-Identifier: BSD-3-Clause
import threading

import pytest
from threadpoolctl import ThreadpoolController, threadpool_info

from skdeepclust.consensus import _jit


def blas_threads():
    return [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]


def test_row_blocks_cover_all_rows_once():
    assert _jit.row_blocks(10, 4) == [(0, 4), (4, 8), (8, 10)]
    assert _jit.row_blocks(0, 4) == []


def test_for_each_hands_exceptions_on(monkeypatch):
    monkeypatch.setattr(_jit, "n_threads", lambda: 2)

    def fail(item):
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item"):
        _jit.for_each(fail, range(5))


def test_worker_threads_stay_serial():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(_jit.n_threads()))
    thread.start()
    thread.join()
    assert seen == [1]


def test_one_thread_restores_the_limits_whatever_the_order_of_leaving():
    before = blas_threads()
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with _jit.one_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    with _jit.one_thread():
        thread.start()
        assert inside.wait(10)
    assert set(blas_threads()) <= {1}  # the other thread still holds it
    leave.set()
    thread.join()
    assert blas_threads() == before


def test_one_thread_holds_in_a_worker_after_the_main_thread_has_used_it():
    before = blas_threads()
    with _jit.one_thread():
        pass
    limits = ThreadpoolController().limit(limits=2, user_api="blas")
    try:
        seen = []

        def look():
            with _jit.one_thread():
                seen.append(blas_threads())
            seen.append(blas_threads())

        outside = blas_threads()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert set(seen[0]) <= {1}
        assert seen[1] == outside
    finally:
        limits.restore_original_limits()
    assert blas_threads() == before


@pytest.mark.parametrize(("value", "wanted"), [("0", False), ("off", False), ("1", True)])
def test_cache_can_be_switched_off(monkeypatch, value, wanted):
    monkeypatch.setenv("SKDEEPCLUST_NUMBA_CACHE", value)
    assert _jit._cache_wanted() is wanted


def test_cache_is_off_where_nothing_can_be_written(monkeypatch):
    def read_only(**options):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(_jit.numba, "njit", read_only)
    assert _jit._cache_wanted() is False
