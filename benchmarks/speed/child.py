# SPDX-License-Identifier: BSD-3-Clause
"""Take one measurement in this process: ``python -m benchmarks.speed.child`` with a JSON object on standard input.

The object has the fields of a ``Measurement`` and ``folders``; the record is the last line of the output. The parent
is ``runner.py``.
"""

import hashlib
import json
import sys
import time
import traceback

import numpy as np

from .limits import least_work, measure_limits
from .measurement import Measurement
from .memory import PeakGrowth, private_memory
from .methods import METHODS, OURS, Timed
from .problems import load, load_tiny
from .results import machine, versions


def measure(wanted, folders):
    """Record of one measurement: seconds, memory, quality, and what they depend on."""
    record = wanted.as_dict() | {"versions": versions(), "machine": machine()}
    if wanted.case == "limits":
        return record | measure_limits(wanted.problem["bytes"])

    with private_memory(wanted.memory_limit):
        record["warm_up_s"] = warm_up(wanted, folders)
        problem = load(wanted.problem, folders)
        record |= problem.facts | {"n_clusters": problem.n_clusters, "shape": problem.X.shape}
        run = METHODS[wanted.method](problem.X, problem.n_clusters, wanted.repeat, folders, **wanted.task)
        with PeakGrowth(sample=wanted.case == "memmap") as peak:
            start = time.perf_counter()
            result = run()
            record["seconds"] = time.perf_counter() - start
    record |= {"peak_mib": peak.mib, "peak_private_mib": peak.anonymous_mib}
    if isinstance(result, Timed):
        record |= {"seconds": result.seconds, "peak_mib": result.peak_mib} | result.facts
        result = result.result
    if wanted.method in OURS:
        record["work"] = least_work(wanted.method, problem.X)
    return record | describe(result, problem.truth)


def warm_up(wanted, folders):
    """Seconds to import, to compile or load kernels, and to run on a few rows of the same data."""
    start = time.perf_counter()
    if not wanted.method.startswith("Octave"):
        tiny = load_tiny(wanted.problem, folders)
        METHODS[wanted.method](tiny.X, tiny.n_clusters, wanted.repeat, folders, **wanted.task)()
    return time.perf_counter() - start


def describe(result, truth):
    """Agreement of labels with the truth and their hash; of a matrix, the value of a fixed quadratic form."""
    from sklearn.metrics import normalized_mutual_info_score

    if result.ndim == 2:
        u = np.random.default_rng(0).uniform(0.5, 1.5, len(result))
        return {"fingerprint": float(u @ result @ u)}
    return {
        "nmi": float(normalized_mutual_info_score(truth, result)),
        "nmi_max": float(normalized_mutual_info_score(truth, result, average_method="max")),
        "n_clusters_found": len(np.unique(result)),
        "labels_sha256": hashlib.sha256(np.ascontiguousarray(result, dtype=np.int64)).hexdigest(),
    }


def main():
    given = json.load(sys.stdin)
    folders = given.pop("folders")
    try:
        record = measure(Measurement(**given), folders)
    except Exception as error:  # one failure must not end a night of measuring
        traceback.print_exc()
        record = given | {"error": f"{type(error).__name__}: {error}", "over_limit": isinstance(error, MemoryError)}
        record |= {"versions": versions(), "machine": machine()}
    print(json.dumps(record))


if __name__ == "__main__":
    main()
