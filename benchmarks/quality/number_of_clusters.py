# SPDX-License-Identifier: BSD-3-Clause
"""Which rule finds the number of clusters: data sets x ensembles x seeds -> a JSON file and tables.

    python -m benchmarks.quality.number_of_clusters [--sets blobs planar noise digits] [--seeds 0 1]
    python -m benchmarks.quality.number_of_clusters --data DIR --sets pendigits letters usps coil20
    python -m benchmarks.quality.number_of_clusters --data DIR --sets digits usps --members deep --seeds 0
    python -m benchmarks.quality.number_of_clusters --table

The file keeps spectra and curves, so that another rule needs no new run; what it holds is skipped unless --force is
given. Tables: what every rule chooses from the spectrum of the consensus graph of an ensemble, from that of one U-SPEC
graph, and from the curve of `stability_curve` for k = 2 to 30 over the same ensemble. A cell holds one number per
seed; in a row of blobs, which stands for 5 numbers of clusters from 2 to 12, how often the rule was right. The last row
is the mean over the rows of ``|log2(chosen / k)|``: 1 is twice or half as many.

``--members`` are the base clusterings: "usenc" 20 of U-SPEC, as in U-SENC; "mixed" 20 of BaseClusterings, U-SPEC and
k-means in turn; "deep" those of the layers of DeepClusterEnsemble. The U-SPEC graph has 1000 representatives, but at
most one for ``--rows-per-representative`` rows.

With lambda_k = 1 - mu_k, descending mu, a rule for spectra takes the k >= 2 with the largest

gap          mu_k - mu_(k+1)
gamma        sqrt(mu_k) - sqrt(mu_(k+1)): the gap in the spectrum of the whole bipartite graph, gamma = 1 - sqrt(mu)
powers       max over t of mu_k^t - mu_(k+1)^t
log time     log(log mu_(k+1) / log mu_k), mu at most 0.999: the range of log t over which k of the mu^t survive
ratio 0.001  log((lambda_(k+1) + D) / (lambda_k + D)), D = 0.001
ratio 0.01   the same with D = 0.01
eigengap     the same with D = 0.01 times the median of the 50 lambda: `eigengap_n_clusters`

and one for curves

best         the k with the best mean stability
1 se         the largest k within one standard error of the best
within .02   the largest k within 0.02 of the best
within .05   the largest k within 0.05 of the best
above .9     the largest k with a stability of 0.9, else the best
agreement    the largest k whose `ensemble_agreement` is within 0.01 of the best
stable gap   the k with the widest eigengap among those within 0.05 of the best: `StabilityCurve.best_n_clusters`
"""

import argparse
import sys
import warnings
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.datasets import make_circles, make_moons

from skdeepclust import USPEC, BaseClusterings, EntropyWeightedConsensus, eigengap_n_clusters, stability_curve
from skdeepclust._support._warnings import SkdeepclustWarning
from skdeepclust.consensus._stability import StabilityCurve
from skdeepclust.datasets import make_planar

from . import records as rec
from .datasets import DATASETS
from .estimators import as_table

N_EIGENVALUES = 50
BLOB_NUMBERS = (2, 3, 5, 8, 12)
FIGURE = "best stability"  # a column that is no choice
PLANAR = ("TB", "SF", "CC", "CG", "Flower")


def blobs(n_clusters, separation, n_columns, seed, n_samples=2000):
    """Gaussians of variance 1 with random shares, their centres at least `separation` apart."""
    rng = np.random.default_rng([seed, n_clusters, n_columns])
    reach = separation * (np.sqrt(n_clusters) if n_columns == 2 else 1.5)
    centres = []
    while len(centres) < n_clusters:
        new = rng.normal(size=n_columns)
        new *= reach * rng.random() ** (1 / n_columns) / np.linalg.norm(new)  # uniform in a ball
        if all(np.linalg.norm(new - old) >= separation for old in centres):
            centres.append(new)
        reach *= 1.001  # a crowded draw gets more room
    share = 0.3 / n_clusters + 0.7 * rng.dirichlet(np.full(n_clusters, 3.0))
    y = rng.choice(n_clusters, n_samples, p=share)
    return np.array(centres)[y] + rng.normal(size=(n_samples, n_columns)), y


def noise(kind, shape, seed):
    """Rows without clusters: one class."""
    return getattr(np.random.default_rng(seed), kind)(size=shape), np.zeros(shape[0], dtype=int)


def sets_of(name, folder):
    """Name of a row -> functions of the seed that return (X, y); where there are several, hits are counted."""
    if name == "blobs":
        return {
            f"blobs, {d} columns, {s} apart": [partial(blobs, k, s, d) for k in BLOB_NUMBERS]
            for d in (2, 10)
            for s in (4, 6)
        }
    if name == "planar":
        return {
            "circles": [lambda seed: make_circles(20_000, factor=0.4, noise=0.04, random_state=seed)],
            "moons": [lambda seed: make_moons(20_000, noise=0.07, random_state=seed)],
            **{p: [lambda seed, p=p: make_planar(p, 20_000, random_state=seed)] for p in PLANAR},
        }
    if name == "noise":
        return {
            "square": [partial(noise, "uniform", (5000, 2))],
            "Gaussian, 2 columns": [partial(noise, "normal", (5000, 2))],
            "Gaussian, 10 columns": [partial(noise, "normal", (5000, 10))],
        }
    return {name: [lambda seed: DATASETS[name](folder)]}


def widest(score):
    """The k >= 2 with the largest score; entry k - 1 belongs to k."""
    return 2 + int(np.argmax(score[1:]))


def widest_power(mu):
    return widest(-np.diff(np.maximum(mu, 1e-12) ** np.geomspace(1, 1e4, 400)[:, None]).min(axis=0))


SPECTRUM_RULES = {
    "gap": lambda mu: widest(-np.diff(mu)),
    "gamma": lambda mu: widest(-np.diff(np.sqrt(mu))),
    "powers": widest_power,
    "log time": lambda mu: widest(np.diff(np.log(-np.log(np.clip(mu, 1e-12, 0.999))))),
    "ratio 0.001": lambda mu: widest(np.diff(np.log(1.001 - mu))),
    "ratio 0.01": lambda mu: widest(np.diff(np.log(1.01 - mu))),
    "eigengap": eigengap_n_clusters,
}


def last_within(curve, score, tolerance):
    """The largest k whose score is within the tolerance of the best."""
    return int(curve.n_clusters[np.flatnonzero(score >= score.max() - tolerance)[-1]])


CURVE_RULES = {
    "best": lambda curve: int(curve.n_clusters[curve.stability.argmax()]),
    "1 se": lambda curve: last_within(curve, curve.stability, curve.standard_error[curve.stability.argmax()]),
    "within .02": lambda curve: last_within(curve, curve.stability, 0.02),
    "within .05": lambda curve: last_within(curve, curve.stability, 0.05),
    "above .9": lambda curve: last_within(curve, np.minimum(curve.stability, 0.9), 0.0),
    "agreement": lambda curve: last_within(curve, curve.agreement, 0.01),
    "stable gap": lambda curve: curve.best_n_clusters,
}


def ensemble(X, members, seed):
    """Label matrix of the base clusterings of `X`."""
    if members == "deep":
        from skdeepclust import DeepClusterEnsemble

        return DeepClusterEnsemble(random_state=seed).fit(X).base_labels_
    member = USPEC(n_init=1, max_iter=5) if members == "usenc" else None
    return BaseClusterings(20, base_clusterer=member, random_state=seed).fit(as_table(X)).base_labels_


def spectrum_of_ensemble(base_labels):
    model = EntropyWeightedConsensus(N_EIGENVALUES - 10, theta=None, n_init=1, max_iter=1, random_state=0)
    return model.fit(base_labels).spectrum_[:N_EIGENVALUES]


def spectrum_of_graph(X, rows_per_representative, seed):
    p = min(1000, len(X) // rows_per_representative)
    model = USPEC(N_EIGENVALUES - 10, n_representatives=p, n_init=1, max_iter=1, random_state=seed)
    return model.fit(as_table(X)).spectrum_[:N_EIGENVALUES]


def measure(X, seed, args):
    """Spectra and curve as lists, for the file."""
    base_labels = ensemble(X, args.members, seed)
    curve = stability_curve(base_labels, range(2, 31), random_state=seed)
    found = {"ensemble": spectrum_of_ensemble(base_labels).tolist()}
    found["curve"] = {field.name: np.asarray(getattr(curve, field.name)).tolist() for field in fields(curve)}
    if args.members != "deep":
        found["graph"] = spectrum_of_graph(X, args.rows_per_representative, seed).tolist()
    return found


def run(args):
    done = rec.read(args.out)
    for name in args.sets:
        for row, makers in sets_of(name, args.data).items():
            for seed in args.seeds:
                for i, make in enumerate(makers):
                    record = {"set": f"{row}, {i}" if len(makers) > 1 else row, "estimator": args.members, "seed": seed}
                    if rec.key(record) in done and not args.force:
                        continue
                    X, y = make(seed)
                    record |= {"row": row, "n_samples": len(y), "n_clusters": len(np.unique(y))}
                    record |= measure(X, seed, args) | {"versions": rec.versions(), "machine": rec.machine()}
                    done[rec.key(record)] = record
                    rec.write(args.out, done)
                    print(*rec.key(record), file=sys.stderr, flush=True)
    return done


def choices(record):
    """Title of a table -> rule -> what it chooses for one record."""
    members = record["estimator"]
    found = {}
    for source, title in (("ensemble", f"Spectrum of the consensus graph, {members}"), ("graph", "U-SPEC graph")):
        if source in record:
            mu = np.array(record[source])
            found[title] = {name: rule(mu) for name, rule in SPECTRUM_RULES.items()}
    curve = StabilityCurve(**{name: np.array(value) for name, value in record["curve"].items()})
    chosen = {name: rule(curve) for name, rule in CURVE_RULES.items()}
    found[f"Stability, {members}"] = chosen | {FIGURE: round(float(curve.stability.max()), 2)}
    return found


def print_table(title, rows):
    """Print `rows`: name -> (true numbers, list of choices)."""
    rules = list(next(iter(rows.values()))[1][0])
    print(f"\n{title}\n\n| data | k | " + " | ".join(rules) + " |\n|---|---" + "|---" * len(rules) + "|")
    errors = []
    for name, (truth, found) in rows.items():
        several = len(set(truth)) > 1
        cells = [f"{min(truth)} to {max(truth)}" if several else "none" if truth[0] == 1 else str(truth[0])]
        for rule in rules:
            chosen = [f[rule] for f in found]
            if not several:
                cells.append(" ".join(map(str, chosen)))
            elif rule == FIGURE:
                cells.append(f"{min(chosen)} to {max(chosen)}")
            else:
                cells.append(f"{sum(c == k for c, k in zip(chosen, truth, strict=True))}/{len(truth)}")
        print(f"| {name} | " + " | ".join(cells) + " |")
        if min(truth) > 1:
            errors.append([np.mean([abs(np.log2(f[r] / k)) for f, k in zip(found, truth, strict=True)]) for r in rules])
    if errors:
        means = zip(rules, np.mean(errors, axis=0), strict=True)
        print("| octaves off, mean | | " + " | ".join("" if r == FIGURE else f"{e:.2f}" for r, e in means) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    names = ["blobs", "planar", "noise", *sorted(DATASETS)]
    parser.add_argument("--sets", nargs="+", default=["blobs", "planar", "noise", "digits"], choices=names)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--members", choices=["usenc", "mixed", "deep"], default="usenc")
    parser.add_argument("--rows-per-representative", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/number_of_clusters.json"))
    parser.add_argument("--force", action="store_true", help="measure again what the file already holds")
    parser.add_argument("--table", action="store_true", help="measure nothing, print the tables of the file")
    args = parser.parse_args()
    warnings.simplefilter("ignore", SkdeepclustWarning)  # many numbers are wrong on purpose
    tables = {}
    for record in (rec.read(args.out) if args.table else run(args)).values():
        for title, found in choices(record).items():
            truth, list_of_found = tables.setdefault(title, {}).setdefault(record["row"], ([], []))
            truth.append(record["n_clusters"])
            list_of_found.append(found)
    for title, rows in sorted(tables.items()):
        print_table(title, rows)


if __name__ == "__main__":
    main()
