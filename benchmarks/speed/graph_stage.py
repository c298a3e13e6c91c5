# SPDX-License-Identifier: BSD-3-Clause
"""The second stage of IcicleGCN on many rows: seconds, memory and what it finds, by layers and in the linear form.

    python -m benchmarks.speed.graph_stage [--rows 20000 70000 200000] [--forms layers linear]

``IcicleGCN(encoder="passthrough")`` on thirty overlapping Gaussians in 64 dimensions, in ten groups of three that are
the clusters. Every fit runs in a process of its own; the peak is the growth of its largest resident set over that with
the data in memory.
"""

import argparse
import multiprocessing
import time
from itertools import product

import numpy as np
from sklearn.metrics import normalized_mutual_info_score

from .memory import PeakGrowth

N_FEATURES, N_CLUSTERS, N_PARTS = 64, 10, 3


def gaussians(n):
    """Rows (n, 64), float32, and their clusters."""
    draw = np.random.default_rng(0)
    part = np.arange(n) % (N_CLUSTERS * N_PARTS)
    centers = np.repeat(draw.normal(0, 1.1, (N_CLUSTERS, N_FEATURES)), N_PARTS, axis=0)
    centers += draw.normal(0, 0.5, centers.shape)
    return (centers[part] + draw.normal(0, 1, (n, N_FEATURES))).astype(np.float32), part // N_PARTS


def measure(n, form, results):
    """One fit, as a row of the table."""
    from skdeepclust import IcicleGCN

    X, y = gaussians(n)
    IcicleGCN(N_CLUSTERS, encoder="passthrough", propagation=form, max_iter=2, random_state=0).fit(X[:500])
    with PeakGrowth() as peak:
        started = time.perf_counter()
        model = IcicleGCN(N_CLUSTERS, encoder="passthrough", propagation=form, random_state=0).fit(X)
        seconds = time.perf_counter() - started
    network, spectral = (normalized_mutual_info_score(y, x) for x in (model.network_labels_, model.spectral_labels_))
    training = f"{model.history_[-1]['seconds']:.1f} ({model.n_iter_} passes)"
    cells = (f"{len(X):,}", form, f"{seconds:.1f}", training, f"{peak.mib:.0f}", f"{network:.3f}", f"{spectral:.3f}")
    results.put("| " + " | ".join((*cells, model.chosen_)) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 70_000, 200_000])
    parser.add_argument("--forms", nargs="+", choices=("layers", "linear"), default=["layers", "linear"])
    arguments = parser.parse_args()
    titles = ("rows", "form", "seconds", "of them training", "peak MiB", "NMI of the network", "of spectral", "kept")
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|", flush=True)
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    for n, form in product(arguments.rows, arguments.forms):
        child = context.Process(target=measure, args=(n, form, results))
        child.start()
        child.join()
        if child.exitcode == 0:
            print(results.get(), flush=True)


if __name__ == "__main__":
    main()
