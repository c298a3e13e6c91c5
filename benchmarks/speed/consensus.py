# SPDX-License-Identifier: BSD-3-Clause
"""Time and peak memory of the whole consensus on a large label matrix.

    python benchmarks/speed/consensus.py [--rows 1000000] [--clusterings 20] [--noise 0.1]

Base clusterings split ten true groups at random and misplace a share of the objects. Prints one JSON object;
``peak_mib`` is the growth of the largest resident set over that with the label matrix in memory.
"""

import argparse
import json
import resource
import time

import numpy as np
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust.consensus import EntropyWeightedConsensus


def make_ensemble(n_rows, n_clusterings, noise, n_groups=10):
    """Label matrix (n_rows, n_clusterings), int32, and the true groups."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, n_groups, n_rows, dtype=np.int32)
    labels = np.empty((n_clusterings, n_rows), dtype=np.int32)
    for column in labels:
        parts = int(rng.integers(2, 7))
        column[:] = truth * parts + rng.integers(0, parts, n_rows, dtype=np.int32)
        wrong = rng.random(n_rows, dtype=np.float32) < noise
        column[wrong] = rng.integers(0, n_groups * parts, int(wrong.sum()))
    return labels.T, truth


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--clusterings", type=int, default=20)
    parser.add_argument("--noise", type=float, default=0.1)
    options = parser.parse_args()

    small, _ = make_ensemble(1000, options.clusterings, options.noise)
    EntropyWeightedConsensus(10, random_state=0).fit(small).predict(small)  # compile
    labels, truth = make_ensemble(options.rows, options.clusterings, options.noise)
    before = peak_mib()
    start = time.perf_counter()
    model = EntropyWeightedConsensus(10, random_state=0).fit(labels)
    fitted = time.perf_counter()
    exact = bool((model.predict(labels) == model.labels_).all())
    report = {
        "rows": options.rows,
        "clusterings": options.clusterings,
        "clusters": int(model.label_coder_.sizes.sum()),
        "fit_s": round(fitted - start, 2),
        "predict_s": round(time.perf_counter() - fitted, 2),
        "peak_mib": round(peak_mib() - before),
        "predict_equals_labels": exact,
        "nmi": round(float(normalized_mutual_info_score(truth, model.labels_)), 4),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
