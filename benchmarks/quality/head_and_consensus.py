# SPDX-License-Identifier: BSD-3-Clause
"""What the cluster head knows and what the consensus reads from the layers, epoch by epoch.

    python -m benchmarks.quality.head_and_consensus --data DIR [--sets mnist_test] [--epochs 2 5 10 20] [--seeds 0]

Trains one network per budget (the learning rate follows the budget, so a shorter training is not the beginning
of a longer one; without --epochs the default) and prints ACC / NMI of the cluster head, of k-means on the backbone's
output, of the consensus of the other layers without and with the head's votes for each --thetas, and of
DeepClusterEnsemble, which decides between the two by the agreement (NMI) of head and layers, all of the same network.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import DeepClusterEnsemble, EntropyWeightedConsensus
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


def scores(y, labels):
    """ACC / NMI as text."""
    return f"{clustering_accuracy(y, labels):.3f} / {normalized_mutual_info_score(y, labels):.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--sets", nargs="+", default=["mnist_test"], choices=sorted(DATASETS), metavar="SET")
    parser.add_argument("--epochs", type=int, nargs="+", default=["auto"])
    parser.add_argument("--thetas", type=float, nargs="+", default=[0.6])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    titles = ("set", "epochs", "seed", "training s", "cluster head", "k-means on the backbone")
    titles += tuple(f"theta {t:g}, {which}" for t in arguments.thetas for which in ("without the head", "with it"))
    titles += ("agreement", "DeepCluE")
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|", flush=True)
    for name, epochs, seed in product(arguments.sets, arguments.epochs, arguments.seeds):
        X, y = DATASETS[name](arguments.data)
        k = len(set(y.tolist()))
        model = DeepClusterEnsemble(k, max_epochs=epochs, random_state=seed).fit(X)
        base = model.base_clusterings_
        of_layers = np.asfortranarray(base.base_labels_[:, ~np.isin(base.groups_, base.score_groups)])
        head = layer(model, X, "cluster").argmax(axis=1)
        kmeans = KMeans(k, n_init=10, random_state=0).fit_predict(layer(model, X, "backbone"))
        cells = [name, model.n_iter_, seed, f"{model.history_[-1]['seconds']:.0f}", scores(y, head), scores(y, kmeans)]
        for theta, votes in product(arguments.thetas, (of_layers, base.base_labels_)):
            consensus = EntropyWeightedConsensus(k, theta=theta, random_state=seed).fit(votes)
            cells.append(scores(y, consensus.labels_))
        without = EntropyWeightedConsensus(k, theta=model.theta, random_state=seed).fit_predict(of_layers)
        cells += [f"{normalized_mutual_info_score(without, head):.3f}", scores(y, model.labels_)]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
