# SPDX-License-Identifier: BSD-3-Clause
"""One run that shows what a device can do: speed of a step, then CIFAR-10 against the clock.

    python -m benchmarks.gpu --data DIR [--seconds 420] [--backbone resnet18]

Prints three tables:

1. the device's rate of a large matrix product, and the whole training step against the bare forward and backward
   of the same network, in images per second, and as a share of that rate;
2. accuracy over time, on 10,000 images chosen once: the cluster head alone, and the consensus over the layers of
   the same network at the same moment (the time of these checks is not training time);
3. the end: head and consensus on all images, seconds of everything.

It runs on a CPU as well: try it with ``--limit 2000 --seconds 20 --backbone compact``. Labels are used for the
figures only.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust import BaseClusterings, ContrastiveEncoder, EntropyWeightedConsensus
from skdeepclust.deep._layer_consensus import fit_layer_consensus
from skdeepclust.metrics import clustering_accuracy
from skdeepclust.nn.device import resolve_device
from skdeepclust.nn.inference import extract_layers

from ..quality.datasets import DATASETS
from ..speed.training import BATCH, matrix_rate, whole_and_bare, work_per_image

LAYERS = ("backbone", "instance", "cluster_hidden", "cluster")


def scores(y, labels):
    """ACC / NMI / ARI as text."""
    figures = (f(y, labels) for f in (clustering_accuracy, normalized_mutual_info_score, adjusted_rand_score))
    return " / ".join(f"{figure:.3f}" for figure in figures)


def consensus_of(features, sizes, k, seed):
    """Labels of the consensus over the layers, the last of them the head, as DeepClusterEnsemble makes them."""
    base = BaseClusterings(40, group_sizes=sizes, score_groups=(len(sizes) - 1,), random_state=seed).fit(features)
    consensus = EntropyWeightedConsensus(k, theta=0.6, random_state=seed)
    fit_layer_consensus(consensus, base.base_labels_, base.groups_, base.score_groups)
    return consensus.labels_


class Curve:
    """Monitor of a training: prints a row of the curve whenever another share of the time is over."""

    def __init__(self, y, k, n_points, seed):
        self.rows = np.sort(np.random.default_rng(0).permutation(len(y))[:10_000])
        self.y, self.k, self.seed = y[self.rows], k, seed
        self.due = list(np.arange(1, n_points) / n_points)
        print("| seconds of training | epochs | cluster head | consensus |\n|---|---|---|---|", flush=True)

    def __call__(self, training):
        if not self.due or training.progress < self.due[0]:
            return {}
        while self.due and training.progress >= self.due[0]:
            self.due.pop(0)
        at = f"{training.seconds:.0f} | {len(training.history)}"
        with training.clock_stopped():
            features = extract_layers(training.network, training.reader, training.X[self.rows], LAYERS)
            sizes = tuple(training.network.layer_sizes[name] for name in LAYERS)
            labels = consensus_of(features, sizes, self.k, self.seed)
            head = features[:, -self.k :].argmax(axis=1)
        print(f"| {at} | {scores(self.y, head)} | {scores(self.y, labels)} |", flush=True)
        return {}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the data sets")
    parser.add_argument("--set", default="cifar10", choices=sorted(DATASETS))
    parser.add_argument("--seconds", type=float, default=420, help="of training [%(default)s]")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--n-neighbors", type=int, help="of which views are made; 0 for none [the estimator's default]")
    parser.add_argument("--points", type=int, default=8, help="of the curve [%(default)s]")
    parser.add_argument("--limit", type=int, help="use so many random images")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    started = time.perf_counter()
    X, y = DATASETS[arguments.set](arguments.data)
    if arguments.limit:
        rows = np.sort(np.random.default_rng(0).permutation(len(y))[: arguments.limit])
        X, y = X[rows], y[rows]
    k = len(np.unique(y))
    device = resolve_device(None)
    shape = X.shape[1:] if X.ndim == 4 else (*X.shape[1:], 1)

    few = X[: 6 * BATCH].reshape(-1, int(np.prod(shape)))
    whole, bare = whole_and_bare(few, shape, arguments.backbone, device)
    whole(), bare()  # warm up
    step, network_alone, rate = whole(), bare(), matrix_rate(device)
    share = step * work_per_image(arguments.backbone, (shape[2], *shape[:2])) / rate
    titles = ("device", "matrix product", "whole step", "bare", "whole / bare", "whole / matrix product")
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    cells = (name, f"{rate / 1e3:.3g} TFLOP/s", f"{step:.0f} images/s", f"{network_alone:.0f}")
    cells += (f"{step / network_alone:.2f}", f"{share:.2f}")
    print("| " + " | ".join(cells) + " |\n")

    encoder = ContrastiveEncoder(
        k,
        layers=LAYERS,
        backbone=arguments.backbone,
        max_time=arguments.seconds,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        n_neighbors="auto" if arguments.n_neighbors is None else arguments.n_neighbors,
        random_state=arguments.seed,
    )
    encoder.fit_watched(X, Curve(y, k, arguments.points, arguments.seed))
    features = encoder.transform(X)
    labels = consensus_of(features, encoder.layer_sizes_, k, arguments.seed)
    head = features[:, -k:].argmax(axis=1)
    titles = ("images", "epochs", "seconds of training", "of everything", "cluster head", "consensus")
    print("\n| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    seconds = f"{encoder.history_[-1]['seconds']:.0f} | {time.perf_counter() - started:.0f}"
    print(f"| {len(y)} | {encoder.n_iter_} | {seconds} | {scores(y, head)} | {scores(y, labels)} |")


if __name__ == "__main__":
    main()
