# SPDX-License-Identifier: BSD-3-Clause
"""The labellings of IcicleGCN beside each other: cluster head, spectral, spread, network, and which of them is kept.

    python -m benchmarks.quality.icicle_labels --data DIR [--sets digits usps mnist_test fashion_test] [--seeds 0 1 2]

Prints ACC / NMI / ARI and the cut of each, and how much spectral and spread labels agree, as the results come.
"""

import argparse
import warnings
from itertools import product
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust import IcicleGCN
from skdeepclust._support._warnings import SkdeepclustWarning
from skdeepclust.metrics import clustering_accuracy

from .datasets import DATASETS

NAMES = ("encoder", "spectral", "spread", "network")
MEASURES = (clustering_accuracy, normalized_mutual_info_score, adjusted_rand_score)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality.icicle_labels", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--sets", nargs="+", choices=sorted(DATASETS), default=["digits"], metavar="SET")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=None, help="of the encoder")
    args = parser.parse_args(arguments)
    titles = ("set", "seed", *(f"{name} (cut)" for name in NAMES), "agreement", "kept")
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|", flush=True)
    for name, seed in product(args.sets, args.seeds):
        X, y = DATASETS[name](args.data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkdeepclustWarning)
            model = IcicleGCN(len(np.unique(y)), max_epochs=args.epochs or "auto", random_state=seed).fit(X)
        labels = {name: getattr(model, f"{name}_labels_") for name in NAMES}
        figures = {name: " / ".join(f"{measure(y, labels[name]):.3f}" for measure in MEASURES) for name in NAMES}
        cells = [f"{figures[name]} ({model.cuts_[name]:.4f})" for name in NAMES]
        agreement = normalized_mutual_info_score(labels["spectral"], labels["spread"])
        print("| " + " | ".join((name, str(seed), *cells, f"{agreement:.3f}", model.chosen_)) + " |", flush=True)


if __name__ == "__main__":
    main()
