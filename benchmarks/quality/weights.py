# SPDX-License-Identifier: BSD-3-Clause
"""Which weights of the base clusters are worth having: features x base clusterings x weights -> a JSON file and tables.

    python -m benchmarks.quality.weights --data DIR --cache DIR [--sources raw planar trained frozen] [--seeds 0 1 2]
    python -m benchmarks.quality.weights --table

The base clusterings of a data set are made once per seed and kind, and everything behind them is the same but the
weights, so that a difference is one of weights. Two kinds: "mixed", what BaseClusterings makes by default (U-SPEC
and k-means in turn), and "uspec", U-SPEC alone, as in U-SENC. The cut is the transfer cut.

Every result is written as it comes, and what the file holds is skipped unless --force is given. --prepare only makes
the features of networks, which takes longest; they are kept in the folder --cache and used from then on.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust import USPEC, BaseClusterings, EntropyWeightedConsensus
from skdeepclust.cluster._base_clusterings import BASE_MAX_ITER, BASE_N_INIT
from skdeepclust.metrics import clustering_accuracy

from . import records as rec
from .weights_features import SOURCES
from .weights_tables import KMEANS, markdown

BASES = {"mixed": None, "uspec": USPEC(n_init=BASE_N_INIT, max_iter=BASE_MAX_ITER)}
WEIGHTINGS = {
    "none": {"theta": None},
    "paper 0.2": {"theta": 0.2},
    "paper 0.4": {"theta": 0.4},
    "paper 1": {"theta": 1.0},
    "paper 2": {"theta": 2.0},
    "cross 0.4": {"theta": 0.4, "weighting": "cross_group"},
    "cross 1": {"theta": 1.0, "weighting": "cross_group"},
    "votes": {"theta": None, "balance_groups": True},
    "votes 0.4": {"theta": 0.4, "balance_groups": True},
    "votes 1": {"theta": 1.0, "balance_groups": True},
    "debiased 0.4": {"theta": 0.4, "weighting": "debiased"},
    "debiased 1": {"theta": 1.0, "weighting": "debiased"},
}
OVER_GROUPS = ("cross", "votes")  # of no meaning where all base clusterings are of one group


def scores(y, labels):
    return {
        "ACC": clustering_accuracy(y, labels),
        "NMI": normalized_mutual_info_score(y, labels),
        "ARI": adjusted_rand_score(y, labels),
        "NMI_max": normalized_mutual_info_score(y, labels, average_method="max"),
        "n_clusters_found": len(np.unique(labels)),
    }


def by_group(values, groups):
    """Mean of one value per base clustering in each group."""
    return [float(np.mean(values[groups == group])) for group in np.unique(groups)]


def edge_weights(base_labels, cluster_weights):
    """Share of the whole edge weight of the graph that each base clustering has."""
    sizes = [np.unique(column, return_counts=True)[1] for column in base_labels.T]
    each = np.split(cluster_weights, np.cumsum([len(n) for n in sizes])[:-1])
    total = np.array([w @ n for w, n in zip(each, sizes, strict=True)])
    return total / total.sum()


def kmeans_scores(features, seed):
    """Plain k-means on the raw values or on the one layer that one would choose."""
    start = time.perf_counter()
    labels = KMeans(len(np.unique(features.y)), n_init=10, random_state=seed).fit_predict(features.table)
    return {"weighting": "", "seconds": time.perf_counter() - start, **scores(features.y, labels)}


def consensus_scores(features, base, n_estimators, seed):
    """One part of a record per kind of weights, all on the same base clusterings."""
    start = time.perf_counter()
    ensemble = BaseClusterings(
        n_estimators, base_clusterer=BASES[base], group_sizes=features.group_sizes, random_state=seed
    )
    base_labels = ensemble.fit_transform(features.X)
    seconds = time.perf_counter() - start
    quality = np.array([normalized_mutual_info_score(features.y, column) for column in base_labels.T])
    kinds = np.array(["U-SPEC" if isinstance(member, USPEC) else "k-means" for member in ensemble.estimators_])
    for name, parameters in WEIGHTINGS.items():
        if len(features.group_sizes) == 1 and name.startswith(OVER_GROUPS):
            continue
        start = time.perf_counter()
        model = EntropyWeightedConsensus(
            len(np.unique(features.y)),
            **{"weighting": "paper", **parameters},
            method="transfer_cut",
            groups=ensemble.groups_,
            random_state=seed,
        )
        found = scores(features.y, model.fit_predict(base_labels))
        found |= {"base_seconds": seconds, "seconds": time.perf_counter() - start}
        share = edge_weights(base_labels, model.cluster_weights_)
        for part, groups in (("group", ensemble.groups_), ("kind", kinds)):
            found |= {f"{part}_NMI": by_group(quality, groups), f"{part}_share": by_group(share, groups)}
        yield {"weighting": name, "n_estimators": n_estimators, "parameters": parameters, **found}


def measure(source, name, base, seed, features):
    """All records of one kind of base clusterings."""
    common = {"set": f"{source}: {name}", "seed": seed, "source": source, "data_set": name, "base": base}
    common |= {"n_samples": len(features.y), "n_clusters": len(np.unique(features.y))}
    common |= {"group_sizes": features.group_sizes, "versions": rec.versions(), "machine": rec.machine()}
    if base == KMEANS:
        parts = [kmeans_scores(features, seed)]
    else:
        parts = consensus_scores(features, base, SOURCES[source].n_estimators, seed)
    return [common | part | {"estimator": f"{base} {part['weighting']}".strip()} for part in parts]


def tasks(args):
    """Data sets and seeds of all chosen sources."""
    for source in args.sources:
        for name in SOURCES[source].sets:
            if args.sets is None or name in args.sets:
                yield from ((source, name, seed) for seed in args.seeds)


def run(args):
    for source, name, seed in tasks(args):
        done = rec.read(args.out)
        seen = {(r["base"], r["seed"]) for r in done.values() if r["set"] == f"{source}: {name}"}
        wanted = [base for base in (*args.bases, KMEANS) if args.force or (base, seed) not in seen]
        if not wanted:
            continue
        features = SOURCES[source].load(name, seed, args.data, args.cache)
        for base in () if args.prepare else wanted:
            found = measure(source, name, base, seed, features)
            # Read again: another run may have written to the same file meanwhile.
            rec.write(args.out, rec.read(args.out) | {rec.key(record): record for record in found})
            line = " ".join(f"{r['weighting']} {r['NMI']:.3f}" for r in found)
            print(f"{source}: {name}, seed {seed}, {base}: {line}", file=sys.stderr, flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality.weights",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder of the data sets, see benchmarks/README.md")
    parser.add_argument("--cache", type=Path, default=Path("benchmarks/results/features"), metavar="DIR")
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=list(SOURCES), metavar="SOURCE")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="of the sources; default: all of them")
    parser.add_argument("--bases", nargs="+", choices=BASES, default=list(BASES), metavar="KIND")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/weights.json"))
    parser.add_argument("--force", action="store_true", help="measure again what the file already holds")
    parser.add_argument("--prepare", action="store_true", help="make the features of networks and measure nothing")
    parser.add_argument("--table", action="store_true", help="measure nothing, print the tables of the file")
    args = parser.parse_args(arguments)
    if not args.table:
        run(args)
    print(markdown(rec.read(args.out), list(BASES), list(WEIGHTINGS)))


if __name__ == "__main__":
    main()
