# SPDX-License-Identifier: BSD-3-Clause
"""Which label-free score of a consensus can choose the number of clusters?"""

import argparse

import numpy as np
from scipy.cluster.hierarchy import average, fcluster
from scipy.spatial.distance import pdist
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information, mutual_info_score
from sklearn.preprocessing import OneHotEncoder

CLUSTER_NUMBERS = range(2, 16)
ENSEMBLE_SIZES = (5, 10, 20, 40)
SCORES = ("nmi", "ami", "ami_max", "ari", "determined")


def data_sets(rng, n_samples):
    """Name -> (rows, true number of clusters, or None where there are none)."""
    sets = {}
    for k in (3, 5, 10):
        centers = rng.permutation(np.stack(np.meshgrid(*[np.arange(4)] * 2), -1).reshape(-1, 2))[:k] * 6.0
        sets[f"{k} blobs"] = make_blobs(n_samples, centers=centers, random_state=int(rng.integers(2**31)))[0], k
    sets["uniform"] = rng.uniform(size=(n_samples, 2)), None
    sets["gaussian"] = rng.normal(size=(n_samples, 2)), None
    sets["gaussian, 10 columns"] = rng.normal(size=(n_samples, 10)), None
    return sets


def base_clusterings(X, low, high, n_estimators, rng):
    """k-means with k drawn from [low, high]: a label matrix (n, M)."""
    return np.stack(
        [
            KMeans(int(rng.integers(low, high + 1)), n_init=1, random_state=int(rng.integers(2**31))).fit(X).labels_
            for _ in range(n_estimators)
        ],
        axis=1,
    )


def linkage_consensus(base_labels, n_clusters, seed):
    """Average linkage on the co-association matrix (evidence accumulation)."""
    tree = average(pdist(base_labels, "hamming"))
    return fcluster(tree, n_clusters, "maxclust")


def one_hot_consensus(base_labels, n_clusters, seed):
    """k-means on the indicator matrix of all base clusters."""
    Z = OneHotEncoder(sparse_output=False).fit_transform(base_labels)
    return KMeans(n_clusters, n_init=3, random_state=seed).fit(Z).labels_


def weighted_consensus(base_labels, n_clusters, seed):
    """The consensus of this package."""
    from skdeepclust import EntropyWeightedConsensus

    return EntropyWeightedConsensus(n_clusters, random_state=seed).fit(base_labels).labels_


def entropy(labels):
    p = np.unique(labels, return_counts=True)[1] / len(labels)
    return -np.sum(p * np.log(p))


CONSENSUS = {"linkage": linkage_consensus, "one-hot": one_hot_consensus, "weighted": weighted_consensus}


def pair_scores(labels, base):
    """All candidates for one pair (consensus, base clustering)."""
    C = contingency_matrix(labels, base, sparse=True)
    mutual = mutual_info_score(None, None, contingency=C)
    chance = expected_mutual_information(C, len(labels))
    h, h_base = entropy(labels), entropy(base)

    def adjusted(bound):
        return (mutual - chance) / max(bound - chance, 1e-12)

    return (
        normalized_mutual_info_score(labels, base),
        adjusted((h + h_base) / 2),
        adjusted(max(h, h_base)),
        adjusted_rand_score(labels, base),
        adjusted(h),
    )


def largest_within_tolerance(scores, tolerance=0.01):
    """The largest k whose score is within the tolerance of the best: the rule for a score flat up to the truth."""
    return CLUSTER_NUMBERS[int(np.flatnonzero(scores >= scores.max() - tolerance)[-1])]


def curves(X, consensus, ensembles, seed):
    """Array (ensemble size, k, score) of the mean scores; `ensembles` maps k to the label matrix to use."""
    out = np.empty((len(ENSEMBLE_SIZES), len(CLUSTER_NUMBERS), len(SCORES)))
    for j, k in enumerate(CLUSTER_NUMBERS):
        for i, M in enumerate(ENSEMBLE_SIZES):
            base = ensembles[k][:, :M]
            labels = consensus(base, k, seed)
            out[i, j] = np.mean([pair_scores(labels, column) for column in base.T], axis=0)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consensus", choices=sorted(CONSENSUS), default="linkage")
    parser.add_argument("--n-samples", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    consensus = CONSENSUS[args.consensus]

    tables = {}
    for seed in range(args.repeats):
        rng = np.random.default_rng(seed)
        for name, (X, true_k) in data_sets(rng, args.n_samples).items():
            fixed = base_clusterings(X, 20, 60, max(ENSEMBLE_SIZES), rng)
            growing = {k: base_clusterings(X, k, 2 * k, max(ENSEMBLE_SIZES), rng) for k in CLUSTER_NUMBERS}
            for bases, ensembles in (("[20, 60]", dict.fromkeys(CLUSTER_NUMBERS, fixed)), ("[k, 2k]", growing)):
                tables.setdefault((name, true_k, bases), []).append(curves(X, consensus, ensembles, seed))

    for (name, _, bases), runs in tables.items():
        mean = np.mean(runs, axis=0)
        print(f"\n## {name}, base k in {bases}; mean of {args.repeats} draws\n")
        print("| score | M |", " | ".join(f"k={k}" for k in CLUSTER_NUMBERS), "| best k | chosen k |")
        print("|---" * (len(CLUSTER_NUMBERS) + 4) + "|")
        for s, score in enumerate(SCORES):
            for i, M in enumerate(ENSEMBLE_SIZES):
                row = mean[i, :, s]
                best = [CLUSTER_NUMBERS[int(np.argmax(run[i, :, s]))] for run in runs]
                chosen = [largest_within_tolerance(run[i, :, s]) for run in runs]
                print(f"| {score} | {M} |", " | ".join(f"{v:.3f}" for v in row), f"| {best} | {chosen} |")


if __name__ == "__main__":
    main()
