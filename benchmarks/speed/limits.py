# SPDX-License-Identifier: BSD-3-Clause
"""What the machine could do at best: bytes moved and float32 operations per second, and the least work of a method."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

ROUNDS = 5
REPRESENTATIVES = 1000


def n_cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def best_seconds(run):
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def measure_limits(n_bytes=2**30, order=2048):
    """Rates of a copy and a sum of `n_bytes` by all cores, in GB/s, and of a matrix product, in GFLOP/s."""
    cores = n_cores()
    source = np.ones(n_bytes // 8, dtype=np.int64)
    target = np.ones_like(source)
    parts = list(zip(np.array_split(source, cores), np.array_split(target, cores), strict=True))
    A = np.random.default_rng(0).random((order, order), dtype=np.float32)
    with ThreadPoolExecutor(cores) as pool:
        copy = best_seconds(lambda: list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), parts)))
        read = best_seconds(lambda: list(pool.map(lambda pair: pair[0].sum(), parts)))
    return {
        "copy_gb_s": 2 * n_bytes / copy / 1e9,
        "read_gb_s": n_bytes / read / 1e9,
        "gflop_s": 2 * order**3 / best_seconds(lambda: A @ A) / 1e9,
        "bytes": n_bytes,
        "cores": cores,
    }


def least_work(method, X):
    """Bytes that `method` moves and float32 operations it does on X at the least.

    Every value is read once and a label of 4 bytes is written for each row. In more than eight dimensions the nearest
    representatives are found by a product of all rows with all representatives; U-SENC has 20 such members.
    """
    rows, columns = X.shape
    work = {"bytes": X.nbytes + 4 * rows, "operations": 0}
    if method == "kernel":
        work["bytes"] = rows * columns  # codes of one byte
    if method in ("USPEC", "USENC") and columns > 8:
        members = 20 if method == "USENC" else 1
        work["operations"] = 2 * rows * columns * min(REPRESENTATIVES, rows) * members
    return work


def bound_seconds(work, limits):
    """Least seconds for that work on a machine with those limits."""
    bandwidth = max(limits["copy_gb_s"], limits["read_gb_s"]) * 1e9
    return max(work["bytes"] / bandwidth, work["operations"] / (limits["gflop_s"] * 1e9))
