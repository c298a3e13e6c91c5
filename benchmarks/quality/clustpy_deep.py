# SPDX-License-Identifier: BSD-3-Clause
"""Deep clusterers of ClustPy with their defaults, scored like ours.

    python -m benchmarks.quality.clustpy_deep --data DIR [--sets digits usps] [--methods DEC IDEC DCN] [--seeds 0 1 2]

In an environment of its own: ClustPy wants torchvision, which wants its own torch (``pip install clustpy`` and this
package). Rows are flattened images divided by their largest value; all other settings are ClustPy's. Results are
printed as they come.
"""

import argparse
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from skdeepclust.metrics import clustering_accuracy

from .datasets import DATASETS


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality.clustpy_deep", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--sets", nargs="+", choices=sorted(DATASETS), default=["digits"], metavar="SET")
    parser.add_argument("--methods", nargs="+", default=["DEC", "IDEC", "DCN"], help="classes of clustpy.deep")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args(arguments)
    import clustpy.deep

    print("| set | method | seed | ACC / NMI / ARI | seconds |\n|---|---|---|---|---|", flush=True)
    for name, method, seed in product(args.sets, args.methods, args.seeds):
        X, y = DATASETS[name](args.data)
        X = (X.reshape(len(X), -1) / X.max()).astype(np.float32)
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = getattr(clustpy.deep, method)(len(np.unique(y)), random_state=seed).fit_predict(X)
        seconds = time.perf_counter() - started
        scores = (f(y, labels) for f in (clustering_accuracy, normalized_mutual_info_score, adjusted_rand_score))
        found = " / ".join(f"{score:.3f}" for score in scores)
        print(f"| {name} | {method} | {seed} | {found} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
