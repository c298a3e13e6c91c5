# SPDX-License-Identifier: BSD-3-Clause
"""What stopping by agreement saves and costs.

    python -m benchmarks.quality.stopping --data DIR [--sets digits usps] [--thresholds 0.8 0.9 0.95] [--epochs 60]

Trains with a generous number of epochs and each `stop_agreement`, and without one: epochs made, seconds, ACC / NMI.
"""

import argparse
from itertools import product
from pathlib import Path

from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import DeepClusterEnsemble
from skdeepclust.metrics import clustering_accuracy

from .datasets import DATASETS


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.stopping", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--sets", nargs="+", choices=sorted(DATASETS), default=["digits"], metavar="SET")
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.8, 0.9, 0.95])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    args = parser.parse_args(arguments)
    print("| set | stop_agreement | seed | epochs | training s | DeepCluE |\n|---|---|---|---|---|---|", flush=True)
    for name, seed, threshold in product(args.sets, args.seeds, [*args.thresholds, None]):
        X, y = DATASETS[name](args.data)
        k = len(set(y.tolist()))
        model = DeepClusterEnsemble(k, max_epochs=args.epochs, stop_agreement=threshold, random_state=seed).fit(X)
        acc, nmi = clustering_accuracy(y, model.labels_), normalized_mutual_info_score(y, model.labels_)
        seconds = model.history_[-1]["seconds"]
        print(
            f"| {name} | {threshold} | {seed} | {model.n_iter_} | {seconds:.0f} | {acc:.3f} / {nmi:.3f} |", flush=True
        )


if __name__ == "__main__":
    main()
