# SPDX-License-Identifier: BSD-3-Clause
"""What the machine could do at best: bytes moved and float32 operations per second, and the least work of a method."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

ROUNDS = 5
REPRESENTATIVES = 1000
MAX_SEARCH_FEATURES = 3
MAX_FEATURES, N_AXES = 128, 64  # up to here neighbours are searched without measuring all distances


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


def n_graphs(method, rows):
    """How often `method` searches the nearest representatives of all rows; members of U-SENC share them."""
    from skdeepclust import USENC
    from skdeepclust.cluster._base_clusterings import AUTO_MEMBERS, MAX_ROWS_ALONE

    if method != "USENC":
        return int(method == "USPEC")
    members = 1 if rows <= MAX_ROWS_ALONE else AUTO_MEMBERS
    return -(-USENC().n_estimators // members)


def least_work(method, X):
    """Bytes that `method` moves and float32 operations it does on X at the least.

    Every value is read once per graph and a label of 4 bytes is written for each row. In more than three dimensions the
    nearest representatives are found by a product of all rows with all representatives, above 128 features by one with
    64 principal axes and one along those.
    """
    rows, columns = X.shape
    graphs = n_graphs(method, rows)
    work = {"bytes": X.nbytes * max(graphs, 1) + 4 * rows, "operations": 0}
    if method == "kernel":
        work["bytes"] = rows * columns  # codes of one byte
    if columns > MAX_SEARCH_FEATURES:
        p = min(REPRESENTATIVES, rows)
        per_row = columns * N_AXES + N_AXES * p if columns > MAX_FEATURES else columns * p
        work["operations"] = 2 * rows * per_row * graphs
    return work


def bound_seconds(work, limits):
    """Least seconds for that work on a machine with those limits."""
    bandwidth = max(limits["copy_gb_s"], limits["read_gb_s"]) * 1e9
    return max(work["bytes"] / bandwidth, work["operations"] / (limits["gflop_s"] * 1e9))
