# SPDX-License-Identifier: BSD-3-Clause
"""Which label-free score of a consensus against its base clusterings can be trusted across numbers of clusters?

    python -m benchmarks.quality.agreement_score                        # EntropyWeightedConsensus
    python -m benchmarks.quality.agreement_score --consensus linkage    # average linkage of co-associations
    python -m benchmarks.quality.agreement_score --consensus one-hot    # k-means on the indicator matrix

For k = 2 to 15, ensembles of M = 5 to 40 runs of k-means, with base k drawn from [20, 60] or from [k, 2k]:

nmi         normalized mutual information, arithmetic mean; not adjusted
ami         adjusted mutual information, arithmetic mean of the entropies
ami_max     adjusted mutual information, greater entropy
ari         adjusted Rand index
determined  (I - E[I]) / (H(consensus) - E[I]): the share of the consensus that a base clustering determines

Finding (consensus: EntropyWeightedConsensus; 1,000 samples, mean of 3 draws, M = 20):

                                            k =   2     3     5    10    15
3 blobs, base k in [20, 60]       determined   .999  .998  .938  .895  .875    flat up to 3, then falls
                                  ami          .299  .465  .558  .673  .728    grows
5 blobs, [20, 60]                 determined  1.000 1.000  .999  .931  .897    flat up to 5, then falls
                                  ami          .294  .432  .620  .705  .756    grows
10 blobs, [20, 60]                determined   .996  .996  .995  .991  .952    flat up to 10, then falls
                                  ami          .261  .413  .586  .765  .793    grows
10 blobs, [k, 2k]                 determined   .875  .864  .877  .991  .935    peaks at 10
                                  ami          .704  .716  .782  .917  .871    peaks at 10
uniform noise, [20, 60]           determined   .920  .924  .907  .889  .878    falls
                                  ami          .293  .422  .546  .671  .736    grows
Gaussian, 10 columns, [20, 60]    determined   .447  .442  .465  .499  .511    drifts upward
                                  ami          .076  .167  .262  .370  .422    grows

* When the base clusterings are finer than the consensus, the symmetric scores (nmi, ami, ami_max, ari) are highest
  at the largest k on every kind of data, noise too: they reward sizes that match.
* `determined` is flat up to the true k and falls beyond it, so the rule for a choice is *the largest k within 0.01 of
  the best* (column "chosen k"), not the best. That found the true k in 69 of 72 cases (3 numbers of blobs, 2 ranges
  of base k, 4 sizes M, 3 draws); the other three chose 11 for 10.
* It hardly depends on M where there are clusters (3 blobs, k = 5: .950, .951, .938, .941 for M = 5, 10, 20, 40).
* Without clusters it does not reward large k as the others do, but neither does it warn: a low score (.5 in the
  table) at every k is the sign. With base k in [k, 2k] the ensemble itself changes with k, and every score grows
  on noise (Gaussian in 10 columns, k = 2 and 15: determined .316, .461; ami .270, .426): compare numbers of
  clusters on one fixed ensemble.
* It judges the consensus too: k-means on indicators, a poor consensus, gets .80 to .87 on 3 blobs.

`skdeepclust.metrics.ensemble_agreement` is `determined`.
"""

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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--consensus", choices=sorted(CONSENSUS), default="weighted")
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
