# SPDX-License-Identifier: BSD-3-Clause
"""Time and memory of agglomerative clustering by path integrals, and a dense formulation on the same data.

    python -m benchmarks.speed.path_integral [--rows 10000 30000 100000] [--embedding FILE]

* `PathIntegralClustering` on ten overlapping Gaussians in ten dimensions: seconds, and growth of the largest resident
  set over that with the data in memory. Kernels are compiled beforehand.
* The same merges from dense tables (tests/reference/path_integral_twin.py: all distances, all affinities, no inverse
  either) on an embedding, in the same run; whether the labels agree. `FILE` is an `npz` file with an array `z`, and
  where it has one, `acpic_labels`, which both are compared with; without it, it is some of the Gaussians.
"""

import argparse
import importlib.util
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from skdeepclust import PathIntegralClustering

from .memory import PeakGrowth

TWIN = Path(__file__).parents[2] / "tests" / "reference" / "path_integral_twin.py"
N_FEATURES = N_CLUSTERS = 10


def gaussians(n_rows):
    """Rows (n, 10) float32 and their groups."""
    X, y = make_blobs(n_rows, n_features=N_FEATURES, centers=N_CLUSTERS, cluster_std=3.0, random_state=0)
    return X.astype(np.float32), y


def measure(n_rows):
    """Seconds, peak in MiB and ARI of a fit of so many rows."""
    X, y = gaussians(n_rows)
    with PeakGrowth() as peak:
        start = time.perf_counter()
        model = PathIntegralClustering(N_CLUSTERS).fit(X)
        seconds = time.perf_counter() - start
    return seconds, peak.mib, adjusted_rand_score(y, model.labels_)


def load_twin():
    """The slow twin, which is a file of the tests."""
    spec = importlib.util.spec_from_file_location(TWIN.stem, TWIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dense_labels(z):
    """Labels from dense tables."""
    twin = load_twin()
    return twin.merge_dense(*twin.graph(z), N_CLUSTERS)


def sparse_labels(z):
    """Labels of the estimator, cut as published."""
    return PathIntegralClustering(N_CLUSTERS, min_cluster_size=1).fit(z).labels_


def against_dense(z):
    """Seconds and labels of both, by name."""
    found = {}
    for name, function in {"sparse": sparse_labels, "dense": dense_labels}.items():
        start = time.perf_counter()
        labels = function(z)
        found[name] = (time.perf_counter() - start, labels)
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.path_integral",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--embedding", type=Path, help="npz file with an array z")
    parser.add_argument("--dense-rows", type=int, default=5000, help="rows of the dense comparison without a file")
    args = parser.parse_args(arguments)
    PathIntegralClustering(N_CLUSTERS).fit(gaussians(300)[0]).predict(gaussians(20)[0])  # compile

    print("| rows | seconds | peak MiB | ARI |\n|---|---|---|---|")
    for n_rows in args.rows:
        seconds, mib, ari = measure(n_rows)
        print(f"| {n_rows:,} | {seconds:.2f} | {mib:.0f} | {ari:.3f} |")

    stored = {} if args.embedding is None else np.load(args.embedding, allow_pickle=False)
    z = gaussians(args.dense_rows)[0] if args.embedding is None else stored["z"]
    found = against_dense(z)
    seconds = {name: one[0] for name, one in found.items()}
    ratio = seconds["dense"] / seconds["sparse"]
    print(f"\n{len(z):,} rows: {seconds['sparse']:.2f} s; dense {seconds['dense']:.2f} s, {ratio:.0f} times longer")
    for name, other in {"of the two": found["dense"][1], "with the stored labels": stored.get("acpic_labels")}.items():
        if other is not None:
            print(f"agreement {name} (ARI): {adjusted_rand_score(other, found['sparse'][1]):.4f}")


if __name__ == "__main__":
    main()
