# SPDX-License-Identifier: BSD-3-Clause
"""The next batches are read while the present one is computed on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor


def prefetched(
    read: Callable[[Any], Any], batches: Iterable, depth: int = 2, device: torch.device | None = None
) -> Iterator:
    """Yield ``read(batch)`` for every batch, in order; one background thread reads ahead.

    Parameters
    ----------
    read : callable
        Called in the background thread, for one batch after the other; it must draw no random numbers from a global
        generator.
    batches : iterable
        What `read` is given, row numbers for example. Taken from in the thread of the caller, `depth` batches ahead.
    depth : int, default=2
        Batches that are read ahead, >= 1; so many and the present one are in memory.
    device : torch.device or None, default=None
        None: results are handed on as they are. CUDA: results that are tensors are copied to the device while it
        computes, from pinned memory.

    Yields
    ------
    object
        What `read` returned.

    Raises
    ------
    Exception
        What `read` raised, at the batch where it did.

    Notes
    -----
    Closing the generator waits for the one batch that is being read, drops the others and ends the thread.
    """
    if depth < 1:
        raise ValueError(f"depth must be >= 1; got {depth}.")
    to_cuda = device is not None and device.type == "cuda"

    def fetch(batch: Any) -> Any:
        result = read(batch)
        return result.pin_memory() if to_cuda and isinstance(result, Tensor) else result

    pending: deque[Future] = deque()

    def next_result() -> Any:
        result = pending.popleft().result()
        return result.to(device, non_blocking=True) if to_cuda and isinstance(result, Tensor) else result

    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as thread:
        try:
            for batch in batches:
                pending.append(thread.submit(fetch, batch))
                if len(pending) > depth:
                    yield next_result()
            while pending:
                yield next_result()
        finally:
            for future in pending:
                future.cancel()
