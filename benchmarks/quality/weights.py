# SPDX-License-Identifier: BSD-3-Clause
"""Which weights of the base clusters, and which cut of their graph, find the classes best?

    python -m benchmarks.quality.weights --data DIR [--sets digits pendigits letters usps] [--seeds 0 1 2]
    python -m benchmarks.quality.weights --data DIR --sets mnist_test --seeds 0 1 2 --deep

Makes the base clusterings of the raw features once per seed (BaseClusterings of 20 members); with ``--deep``,
trains DeepClusterEnsemble once per seed and takes those of its layers. Everything behind them is the same but the
consensus, so that a difference is one of weights or of the cut. Prints one Markdown table: the NMI (arithmetic
mean) of every kind of weight under every method, the median over the seeds and the range. The cross-group entropy
needs several groups, the layers, and so appears with ``--deep`` only.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import BaseClusterings, DeepClusterEnsemble, EntropyWeightedConsensus

from .datasets import DATASETS
from .estimators import as_table

METHODS = ("transfer_cut", "diffusion")
WEIGHTS = {
    "none": {"theta": None},
    "paper, 0.2": {"theta": 0.2, "weighting": "paper"},
    "paper, 0.4": {"theta": 0.4, "weighting": "paper"},
    "paper, 1": {"theta": 1.0, "weighting": "paper"},
    "debiased, 0.4": {"theta": 0.4, "weighting": "debiased"},
    "debiased, 1": {"theta": 1.0, "weighting": "debiased"},
}
DEEP_WEIGHTS = {
    "cross_group, 0.4": {"theta": 0.4, "weighting": "cross_group"},
    "cross_group, 1": {"theta": 1.0, "weighting": "cross_group"},
}


def base_labels(X, n_clusters, seed, deep):
    """Label matrix of the base clusterings, and the group of each."""
    if deep:
        model = DeepClusterEnsemble(n_clusters, random_state=seed).fit(X)
        return model.base_labels_, model.base_clusterings_.groups_
    base = BaseClusterings(20, random_state=seed).fit(as_table(X))
    return base.base_labels_, base.groups_


def scores(X, y, seed, deep):
    """NMI of every kind of weight (rows) under every method (columns)."""
    k = len(np.unique(y))
    labels, groups = base_labels(X, k, seed, deep)
    kinds = {**WEIGHTS, **DEEP_WEIGHTS} if deep else WEIGHTS
    out = {}
    for kind, parameters in kinds.items():
        for method in METHODS:
            model = EntropyWeightedConsensus(k, method=method, groups=groups, random_state=seed, **parameters)
            out[kind, method] = normalized_mutual_info_score(y, model.fit(labels).labels_)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument(
        "--sets", nargs="+", default=["digits", "pendigits", "letters", "usps"], choices=sorted(DATASETS)
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--deep", action="store_true", help="base clusterings of the layers of a trained network")
    arguments = parser.parse_args()
    print("| data set | seeds | weights, theta | " + " | ".join(METHODS) + " |")
    print("|---|---|---|" + "---|" * len(METHODS))
    for name in arguments.sets:
        X, y = DATASETS[name](arguments.data)
        runs = [scores(X, y, seed, arguments.deep) for seed in arguments.seeds]
        for kind in dict.fromkeys(kind for kind, _ in runs[0]):
            found = [[run[kind, method] for run in runs] for method in METHODS]
            cells = [f"{np.median(f):.3f} ({min(f):.3f} to {max(f):.3f})" for f in found]
            print(f"| {name} | {len(runs)} | {kind} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
