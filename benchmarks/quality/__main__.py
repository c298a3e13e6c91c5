# SPDX-License-Identifier: BSD-3-Clause
"""How good are the clusters: data sets x estimators x seeds -> a JSON file and a table of medians.

    python -m benchmarks.quality --data DIR --sets mnist_test usps --estimators kmeans usenc --out results.json

Every result is written as it comes; what the file already holds is skipped unless --force is given, failures are
tried again.
"""

import argparse
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust.metrics import clustering_accuracy

from . import records as rec
from .datasets import DATASETS
from .estimators import ESTIMATORS


def measure(X, y, make, seed, epochs=None):
    """Fit one estimator, for so many epochs if that is said; return its part of the record."""
    estimator, prepare = make(len(np.unique(y)), seed)
    if epochs is not None:
        estimator.set_params(max_epochs=epochs)
    rows = prepare(X)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        labels = estimator.fit_predict(rows)
        seconds = time.perf_counter() - start
    return {
        "ACC": clustering_accuracy(y, labels),
        "NMI": normalized_mutual_info_score(y, labels),
        "ARI": adjusted_rand_score(y, labels),
        "NMI_max": normalized_mutual_info_score(y, labels, average_method="max"),
        "n_clusters_found": len(np.unique(labels)),
        "seconds": seconds,
        "parameters": {"class": type(estimator).__name__, **estimator.get_params(deep=False)},
        "warnings": sorted({f"{w.category.__name__}: {w.message}" for w in caught}),
    }


def load(name, folder, limit):
    """Rows and classes of a data set; with a limit the same random rows every time."""
    X, y = DATASETS[name](folder)
    if limit is None or limit >= len(y):
        return X, y
    rows = np.sort(np.random.default_rng(0).permutation(len(y))[:limit])
    return X[rows], y[rows]


def run(args):
    done = rec.read(args.out)
    length = "" if args.epochs is None else f" ({args.epochs} epochs)"  # another estimator, likewise
    for data_set in args.sets:
        # A part of a data set is a data set of its own: its figures must not pass for those of the whole.
        name = data_set if args.limit is None else f"{data_set} ({args.limit} rows)"
        pairs = [(e, s) for e in args.estimators for s in args.seeds]
        wanted = [(e, s) for e, s in pairs if args.force or "ACC" not in done.get((name, e + length, s), ())]
        if not wanted:
            continue
        X, y = load(data_set, args.data, args.limit)
        for estimator, seed in wanted:
            record = {"set": name, "estimator": estimator + length, "seed": seed}
            record |= {"n_samples": len(y), "shape": X.shape[1:], "n_clusters": len(np.unique(y))}
            try:
                record |= measure(X, y, ESTIMATORS[estimator], seed, args.epochs)
            except Exception as error:  # one failure must not end a night of measuring
                traceback.print_exc()
                record["error"] = f"{type(error).__name__}: {error}"
            record |= {"versions": rec.versions(), "machine": rec.machine()}
            # Read again: another run may have written to the same file meanwhile.
            done = rec.read(args.out) | {rec.key(record): record}
            rec.write(args.out, done)
            figures = " ".join(f"{m} {record[m]:.3f}" for m in rec.MEASURES) if "ACC" in record else record["error"]
            seconds = record.get("seconds", 0)
            print(f"{name} {estimator}{length} seed {seed}: {figures} ({seconds:.1f} s)", file=sys.stderr)
    return done


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of npz files with the keys X and y")
    parser.add_argument("--sets", nargs="+", choices=sorted(DATASETS), default=["digits"], metavar="SET")
    parser.add_argument("--estimators", nargs="+", choices=sorted(ESTIMATORS), default=["kmeans"], metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--limit", type=int, help="use this many random rows of each set: for trying things out")
    parser.add_argument("--epochs", type=int, help="train for so many epochs; only for what has max_epochs")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/quality.json"))
    parser.add_argument("--force", action="store_true", help="measure again what the file already holds")
    parser.add_argument("--table", action="store_true", help="measure nothing, print the table of the file")
    args = parser.parse_args(arguments)
    results = rec.read(args.out) if args.table else run(args)
    print(rec.markdown(results))
    return int(any("error" in record for record in results.values()))


if __name__ == "__main__":
    sys.exit(main())
