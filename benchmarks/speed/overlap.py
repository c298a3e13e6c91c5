# SPDX-License-Identifier: BSD-3-Clause
"""Cluster overlap G = H^T H: the kernel against scipy.sparse, in one run.

    python benchmarks/speed/overlap.py [--rows 1000000] [--clusterings 20] [--repeat 3]

Prints one JSON object. The sparse product gets its matrix ready-made; only the product itself is timed.
"""

import argparse
import json
import time

import numpy as np
import scipy.sparse

from skdeepclust.consensus._graph import cluster_overlap, reduced_graph
from skdeepclust.consensus._jit import n_threads


def best_time(function, repeat):
    """Shortest of `repeat` runs, and the last result."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return min(times), result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--clusterings", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    sizes = rng.integers(25, 61, options.clusterings)
    codes = np.stack([rng.integers(0, k, options.rows) for k in sizes]).astype(np.uint8)
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    columns = (codes.astype(np.int32) + offsets[:, None]).T.reshape(-1)
    pointers = np.arange(0, columns.size + 1, options.clusterings)
    H = scipy.sparse.csr_array((np.ones(columns.size), columns, pointers), shape=(options.rows, int(sizes.sum())))
    weights = rng.random(int(sizes.sum()))

    cluster_overlap(codes[:, :10], sizes), reduced_graph(codes[:, :10], sizes, weights)  # compile
    kernel, G = best_time(lambda: cluster_overlap(codes, sizes), options.repeat)
    weighted, _ = best_time(lambda: reduced_graph(codes, sizes, weights), options.repeat)
    sparse, expected = best_time(lambda: (H.T @ H).toarray(), options.repeat)
    if not (expected == G).all():
        raise RuntimeError("the kernel and scipy.sparse disagree")
    report = {
        "rows": options.rows,
        "clusterings": options.clusterings,
        "clusters": int(sizes.sum()),
        "threads": n_threads(),
        "overlap_s": round(kernel, 4),
        "reduced_graph_s": round(weighted, 4),
        "scipy_sparse_s": round(sparse, 4),
        "times_faster": round(sparse / kernel, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
