# SPDX-License-Identifier: BSD-3-Clause
"""The tables of the study of weights, from the records of its results file."""

from statistics import mean, median

import numpy as np
from scipy.stats import rankdata

from .weights_features import SOURCES

KMEANS = "k-means"  # in place of base clusterings: one plain k-means, to compare with
NEGLIGIBLE = 0.005  # differences of NMI up to this one count as neither better nor worse
BASELINE = "none"
SHOWN = ("paper 0.4", "paper 1", "cross 1", "debiased 1")  # whose weights are shown layer by layer


def line(cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def head(cells):
    return [line(cells), "|---" * len(cells) + "|"]


def grouped(records, bases):
    """Records as {(source, base): {data set: {weighting: {seed: record}}}}, in the order of the study."""
    out = {}
    for source, base in ((s, b) for s in SOURCES for b in (*bases, KMEANS)):
        for name in SOURCES[source].sets:
            for record in records.values():
                if (record["source"], record["base"], record["data_set"]) == (source, base, name):
                    runs = out.setdefault((source, base), {}).setdefault(name, {})
                    runs.setdefault(record["weighting"], {})[record["seed"]] = record
    return out


def medians(runs, measure):
    """{weighting: median over the seeds} of one data set."""
    return {kind: median(r[measure] for r in seeds.values()) for kind, seeds in runs.items()}


def differences(sets, kind, measure="NMI"):
    """Of every data set and seed: with these weights minus without."""
    pairs = ((runs.get(kind, {}), runs[BASELINE]) for runs in sets.values())
    return np.array([w[seed][measure] - n[seed][measure] for w, n in pairs for seed in w if seed in n])


def detail(groups, base, kinds):
    """NMI of every data set, the median over the seeds; a rank and a mean per source."""
    lines = head(["features", "data set", "seeds", KMEANS, *kinds])
    for (source, its_base), sets in groups.items():
        if its_base != base:
            continue
        references, rows = groups.get((source, KMEANS), {}), []
        for name, runs in sets.items():
            found = medians(runs, "NMI")
            reference = references.get(name, {}).get("")
            plain = f"{median(r['NMI'] for r in reference.values()):.3f}" if reference else "-"
            lines.append(line([source, name, len(runs[BASELINE]), plain, *(cell(found.get(kind)) for kind in kinds)]))
            rows.append(found)
        present = [kind for kind in kinds if all(kind in row for row in rows)]
        ranks = np.mean([rankdata([-round(row[kind], 3) for kind in present]) for row in rows], axis=0)
        rank = dict(zip(present, ranks, strict=True))
        means = {kind: mean(row[kind] for row in rows) for kind in present}
        lines.append(line([source, "*mean*", "", "", *(cell(means.get(kind)) for kind in kinds)]))
        lines.append(line([source, "*mean rank*", "", "", *(cell(rank.get(kind), ".1f") for kind in kinds)]))
    return "\n".join(lines)


def inside(groups, base, part):
    """Base clusterings by layer or by kind: what one is worth, and its weight relative to equal weights."""
    titles = [f"weight, {kind}" for kind in SHOWN]
    lines = head(["features", "data set", "NMI of a base clustering", *titles])
    for (source, its_base), sets in groups.items():
        for name, runs in sets.items() if its_base == base else ():
            records = list(runs[BASELINE].values())
            if len(records[0][f"{part}_NMI"]) == 1:
                continue
            cells = [source, name, numbers([r[f"{part}_NMI"] for r in records])]
            for kind in SHOWN:
                shares = [np.multiply(r[f"{part}_share"], r["n_estimators"]) for r in runs.get(kind, {}).values()]
                cells.append(numbers(shares) if shares else "-")
            lines.append(line(cells))
    return "\n".join(lines)


def numbers(rows):
    """Medians of lists, in one cell."""
    return " ".join(f"{value:.2f}" for value in np.median(rows, axis=0))


def cell(value, form=".3f"):
    return "-" if value is None else format(value, form)


def summary(groups, kinds, measure):
    """Mean difference to no weights, and on how many data sets and seeds it is better and worse."""
    others = [kind for kind in kinds if kind != BASELINE]
    lines = head(["features", "base clusterings", "pairs", *others])
    for (source, base), sets in groups.items():
        if BASELINE not in next(iter(sets.values())):
            continue  # plain k-means
        cells = []
        for kind in others:
            d = differences(sets, kind, measure)
            better, worse = (d > NEGLIGIBLE).sum(), (d < -NEGLIGIBLE).sum()
            cells.append(f"{d.mean():+.3f} ({better}/{worse})" if len(d) else "-")
        lines.append(line([source, base, len(differences(sets, BASELINE)), *cells]))
    return "\n".join(lines)


def overall(groups, bases, kinds):
    """The same over raw values, planar sets and default layers together, with the worst case."""
    lines = head(["base clusterings", "weights", "pairs", "mean", "better / worse", "least", "greatest"])
    for base in bases:
        every = [sets for (source, b), sets in groups.items() if b == base and "all layers" not in source]
        for kind in kinds:
            parts = [differences(sets, kind) for sets in every]
            if kind == BASELINE or not all(len(part) for part in parts):
                continue  # weights that need layers
            d = np.concatenate(parts)
            counts = f"{(d > NEGLIGIBLE).sum()} / {(d < -NEGLIGIBLE).sum()}"
            lines.append(line([base, kind, len(d), f"{d.mean():+.3f}", counts, f"{d.min():+.3f}", f"{d.max():+.3f}"]))
    return "\n".join(lines)


def markdown(records, bases, kinds):
    """All tables, as Markdown."""
    groups, parts = grouped(records, bases), []
    for measure in ("NMI", "ACC"):
        parts.append(
            f"{measure} with weights minus {measure} without, mean over data sets and seeds; in brackets on how many "
            f"pairs of data set and seed it is better / worse by more than {NEGLIGIBLE}:"
        )
        parts.append(summary(groups, kinds, measure))
    parts.append("NMI with weights minus NMI without, raw values, planar sets and the default layers together:")
    parts.append(overall(groups, [base for base in bases if any(b == base for _, b in groups)], kinds))
    for base in bases:
        if any(its_base == base for _, its_base in groups):
            parts.append(f'NMI, median over the seeds, base clusterings "{base}":')
            parts.append(detail(groups, base, kinds))
    for part, order in (("group", "By layer, first to last"), ("kind", "By kind, U-SPEC and k-means")):
        parts.append(
            f'{order}, base clusterings "mixed": NMI with the classes of a base clustering, and the weight of one, 1 '
            "for equal weights; means over the base clusterings of the layer or kind, medians over the seeds:"
        )
        parts.append(inside(groups, "mixed", part))
    return "\n\n".join(parts)
