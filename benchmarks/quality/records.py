# SPDX-License-Identifier: BSD-3-Clause
"""The results file: one JSON record per data set, estimator and seed, and its table."""

import importlib.metadata
import json
import os
import platform
from statistics import median

MEASURES = ("ACC", "NMI", "ARI", "NMI_max")
PACKAGES = ("skdeepclust", "numpy", "scipy", "scikit-learn", "numba", "torch")


def key(record):
    return record["set"], record["estimator"], record["seed"]


def read(path):
    """Records of the file by key; none if there is no file."""
    if not path.exists():
        return {}
    return {key(record): record for record in json.loads(path.read_text(encoding="utf-8"))}


def write(path, records):
    """Write all records through a second file, so that a run cut off in the middle loses none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    text = json.dumps([records[k] for k in sorted(records)], indent=1, default=str)
    draft.write_text(text + "\n", encoding="utf-8")
    os.replace(draft, path)


def versions():
    out = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            out[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            out[name] = None
    return out


def machine():
    """What the seconds depend on. Only a loaded torch is asked for its device."""
    import sys

    out = {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count(), "device": "cpu"}
    out["threads"] = os.environ.get("OMP_NUM_THREADS")
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        out["device"] = torch.cuda.get_device_name()
    return out


def markdown(records):
    """Medians over the seeds, a line per data set and estimator."""
    lines = ["| data set | n | k | estimator | seeds | ACC | NMI | ARI | NMI (max) | seconds |", "|---" * 10 + "|"]
    groups = {}
    for record in records.values():
        groups.setdefault((record["set"], record["estimator"]), []).append(record)
    for (name, estimator), runs in sorted(groups.items()):
        good = [run for run in runs if "error" not in run]
        cells = [name, runs[0]["n_samples"], runs[0]["n_clusters"], estimator]
        if good:
            cells += [len(good), *(f"{median(run[m] for run in good):.3f}" for m in MEASURES)]
            cells += [f"{median(run['seconds'] for run in good):.1f}"]
        else:
            cells += ["0 (failed)", *"-----"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
