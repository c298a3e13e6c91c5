# SPDX-License-Identifier: BSD-3-Clause
"""What the cluster head knows and what the consensus reads from the layers, epoch by epoch.

    python -m benchmarks.quality.head_and_consensus --data DIR [--set mnist_test] [--epochs 2 5 10 20]

Trains one network per budget (the learning rate follows the budget, so a shorter training is not the beginning
of a longer one) and prints ACC / NMI of the cluster head, of k-means on the backbone's output, and of
DeepClusterEnsemble, all of the same network.
"""

import argparse
from pathlib import Path

from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import DeepClusterEnsemble
from skdeepclust.metrics import clustering_accuracy

from .datasets import DATASETS


def layer(model, X, name):
    """Features of one layer of a fitted ensemble's network."""
    encoder = model.encoder_
    chosen = encoder.layers
    try:
        return encoder.set_params(layers=(name,)).transform(X)
    finally:
        encoder.set_params(layers=chosen)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--set", default="mnist_test", choices=sorted(DATASETS))
    parser.add_argument("--epochs", type=int, nargs="+", default=[2, 5, 10, 20])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    X, y = DATASETS[arguments.set](arguments.data)
    k = len(set(y.tolist()))
    print("| epochs | training s | cluster head | k-means on the backbone | DeepCluE |\n|---|---|---|---|---|")
    for epochs in arguments.epochs:
        model = DeepClusterEnsemble(k, max_epochs=epochs, random_state=arguments.seed).fit(X)
        found = {
            "head": layer(model, X, "cluster").argmax(axis=1),
            "k-means": KMeans(k, n_init=10, random_state=0).fit_predict(layer(model, X, "backbone")),
            "consensus": model.labels_,
        }
        cells = [f"{clustering_accuracy(y, p):.3f} / {normalized_mutual_info_score(y, p):.3f}" for p in found.values()]
        print(f"| {epochs} | {model.history_[-1]['seconds']:.0f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
