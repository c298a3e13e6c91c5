# SPDX-License-Identifier: BSD-3-Clause
"""Labels for rows that were not there in `fit`, their certainty, and whether they depend on their company.

    python -m benchmarks.quality.new_rows --data DIR

Fits DeepClusterEnsemble on the 10,000 MNIST test images, predicts 5,000 training images, and compares the first
rows predicted one by one with the same rows predicted together. The matching of clusters to digits is made on the
fitted rows, so the accuracy of the new rows has no freedom of its own.
"""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import normalized_mutual_info_score, roc_auc_score

from skdeepclust import DeepClusterEnsemble

from .datasets import from_npz


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--alone", type=int, default=100, help="rows predicted one by one [%(default)s]")
    arguments = parser.parse_args()
    X, y = from_npz(arguments.data, "mnist")
    X_new, y_new = X[:5000], y[:5000]
    X, y = X[60_000:], y[60_000:]
    started = perf_counter()
    model = DeepClusterEnsemble(10, random_state=arguments.seed).fit(X)
    print(f"fit: {perf_counter() - started:.0f} s, of which training {model.history_[-1]['seconds']:.0f} s")

    table = np.zeros((model.n_clusters_, 10), int)
    np.add.at(table, (model.labels_, y), 1)
    digit = np.empty(model.n_clusters_, int)
    rows, columns = linear_sum_assignment(-table)
    digit[rows] = columns
    started = perf_counter()
    labels = model.predict(X_new)
    seconds = perf_counter() - started
    for name, truth, found in (("fitted", y, model.labels_), ("new", y_new, labels)):
        nmi = normalized_mutual_info_score(truth, found)
        print(f"{name:>6} rows: ACC {(digit[found] == truth).mean():.4f}, NMI {nmi:.4f}")
    print(f"predict: {len(X_new) / seconds:.0f} rows/s")
    certainty = model.predict_proba(X_new).max(axis=1)
    right = digit[labels] == y_new
    surest = np.argsort(-certainty, kind="stable")[: len(right) // 2]
    print(f"certainty: AUC for being right {roc_auc_score(right, certainty):.3f},", end=" ")
    print(f"ACC of the surer half {right[surest].mean():.4f}, of all {right.mean():.4f}")
    alone = np.array([model.predict(X_new[i : i + 1])[0] for i in range(arguments.alone)])
    proba = model.predict_proba(X_new)
    proba_alone = np.vstack([model.predict_proba(X_new[i : i + 1]) for i in range(arguments.alone)])
    same = np.array_equal(alone, labels[: arguments.alone])
    same_proba = np.array_equal(proba_alone, proba[: arguments.alone])
    print(f"{arguments.alone} rows one by one: labels equal {same}, memberships equal to the last bit {same_proba}")
    print(f"predict(X) == labels_: {np.array_equal(model.predict(X), model.labels_)}")


if __name__ == "__main__":
    main()
