# SPDX-License-Identifier: BSD-3-Clause
"""The tables of the speed benchmark: case -> list of measurements. The first method of a table is its yardstick."""

from .measurement import Measurement
from .methods import OURS

CG_ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
TWIN_ROWS = 1_000_000  # beyond, the published steps take hours or more memory than a workstation has
SLOW_ROWS = (10_000, 20_000, 100_000, 1_000_000)  # until the time limit
QUICK_ROWS = 2000


def ensemble(rows, clusterings=20, clusters=(20, 60)):
    return {"data": "ensemble", "rows": rows, "clusterings": clusterings, "clusters": list(clusters)}


def planar(name, rows):
    return {"data": "planar", "name": name, "rows": rows}


MNIST = {"data": "mnist", "rows": 70_000}


def consensus():
    """From a label matrix to labels."""
    for rows in (100_000, 1_000_000, 10_000_000):
        for theta in (None, 0.4):
            yield Measurement("consensus", "EntropyWeightedConsensus", ensemble(rows), {"theta": theta})
            if rows <= TWIN_ROWS:
                for method in ("EntropyWeightedConsensus.predict", "twin of the consensus"):
                    yield Measurement("consensus", method, ensemble(rows), {"theta": theta})


def growth_in_m():
    """The consensus of more clusterings."""
    for clusterings in (20, 60, 200):
        problem = ensemble(200_000, clusterings, (10, 30))
        yield Measurement("growth_in_m", "EntropyWeightedConsensus", problem, {"theta": None})
        if clusterings <= 60:
            yield Measurement("growth_in_m", "twin of the consensus", problem, {"theta": None})


def growth_in_k():
    """The consensus of clusterings with more clusters."""
    for clusters in ((10, 30), (20, 60), (40, 120), (80, 240)):
        for method in ("EntropyWeightedConsensus", "twin of the consensus"):
            yield Measurement("growth_in_k", method, ensemble(200_000, 20, clusters), {"theta": None})


def kernels():
    """Products of the incidence matrix, which are most of the work of a consensus."""
    for product in ("overlap", "reduced graph"):
        for method in ("kernel", "scipy.sparse"):
            yield Measurement("kernels", method, ensemble(1_000_000), {"product": product})


def uspec(octave=False):
    """U-SPEC against its twin and scikit-learn's clusterers."""
    fast = ["USPEC", "KMeans", "MiniBatchKMeans", "BisectingKMeans"]
    for rows in CG_ROWS:
        for method in fast:
            yield Measurement("uspec", method, planar("CG", rows))
        if rows <= TWIN_ROWS:
            yield Measurement("uspec", "twin of U-SPEC", planar("CG", rows))
            if octave:
                yield Measurement("uspec", "Octave U-SPEC", planar("CG", rows))
    for rows in SLOW_ROWS:
        for method in ("USPEC", "SpectralClustering", "HDBSCAN"):
            yield Measurement("uspec", method, planar("CG", rows))
    for method in ["USPEC", "twin of U-SPEC", "KMeans"] + ["Octave U-SPEC"] * octave:
        yield Measurement("uspec", method, MNIST)


def usenc(octave=False):
    """U-SENC against one U-SPEC on the sets of its paper in their sizes; its twin where that ends."""
    paper = [planar("TB", 1_000_000), planar("SF", 2_000_000), planar("CC", 5_000_000)]
    paper += [planar("CG", 10_000_000), planar("Flower", 20_000_000)]
    growing = [planar("CG", rows) for rows in CG_ROWS]
    for problem in [*growing, *paper, MNIST]:
        yield Measurement("usenc", "USENC", problem)
        yield Measurement("usenc", "USPEC", problem)
    small = [problem for problem in growing if problem["rows"] <= 100_000]
    for method in ["twin of U-SENC"] + ["Octave U-SENC"] * octave:
        for problem in [*small, planar("TB", 1_000_000)]:
            yield Measurement("usenc", method, problem)


def memmap():
    """U-SENC on a memory map with 2 GB of private memory, and on the same rows in memory without a limit."""
    for mapped, limit in ((True, 2 * 10**9), (False, None)):
        problem = {"data": "blobs", "rows": 10_000_000, "features": 64, "mapped": mapped}
        yield Measurement("memmap", "USENC", problem, memory_limit=limit)


CASES = {
    "consensus": consensus,
    "growth_in_k": growth_in_k,
    "growth_in_m": growth_in_m,
    "kernels": kernels,
    "memmap": memmap,
    "usenc": usenc,
    "uspec": uspec,
}
WITH_OCTAVE = ("uspec", "usenc")


def planned(cases, *, max_rows=None, methods=None, octave=False):
    """Measurements of the first repeat, each once; larger problems are cut down to `max_rows`."""
    out = {}
    for case in cases:
        for wanted in CASES[case](**({"octave": octave} if case in WITH_OCTAVE else {})):
            problem = dict(wanted.problem)
            if max_rows is not None:
                problem["rows"] = min(problem["rows"], max_rows)
            kept = Measurement(wanted.case, wanted.method, problem, wanted.task, 0, wanted.memory_limit)
            if methods is None or wanted.method in methods:
                out[kept.key()] = kept
    return list(out.values())


def limits_measurement(quick=False):
    """The measurement of the machine itself."""
    return Measurement("limits", "machine", {"data": "none", "rows": 0, "bytes": 2**25 if quick else 2**30})


def is_ours(wanted):
    return wanted.method in OURS
