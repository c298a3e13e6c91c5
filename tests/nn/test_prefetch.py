# SPDX-License-Identifier: BSD-3-Clause
import threading

import pytest

from skdeepclust.nn.prefetch import prefetched


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]


@pytest.mark.parametrize("depth", [1, 2, 9])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_results_come_in_order_from_one_other_thread(depth, n):
    seen = []

    def read(batch):
        seen.append(threading.current_thread())
        return batch * 10

    assert list(prefetched(read, range(n), depth)) == [0, 10, 20, 30, 40][:n]
    assert len(set(seen)) == min(n, 1)
    assert threading.current_thread() not in seen
    assert not readers()


def test_no_more_than_depth_batches_are_taken_ahead():
    taken = []
    results = prefetched(lambda batch: batch, (taken.append(i) or i for i in range(10)), depth=2)
    next(results)
    assert taken == [0, 1, 2]
    next(results)
    assert taken == [0, 1, 2, 3]
    results.close()


def test_the_next_batch_is_read_while_the_caller_works():
    second = threading.Event()
    results = prefetched(lambda batch: second.set() if batch else None, [0, 1], depth=1)
    next(results)
    assert second.wait(10)
    results.close()


def test_errors_arrive_at_their_batch():
    results = prefetched(lambda batch: 1 / batch, [1, 2, 0, 4])
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert not readers()


def test_closing_early_drops_what_was_not_begun_and_ends_the_thread():
    begun, go_on = [], threading.Event()

    def read(batch):
        begun.append(batch)
        if batch:
            go_on.wait(10)
        return batch

    results = prefetched(read, range(100), depth=50)
    assert next(results) == 0
    threading.Timer(0.05, go_on.set).start()
    results.close()
    assert not readers()
    assert len(begun) < 51


def test_depth_is_checked():
    with pytest.raises(ValueError, match="depth must be >= 1; got 0"):
        next(prefetched(abs, [1], depth=0))
