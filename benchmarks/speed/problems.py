# SPDX-License-Identifier: BSD-3-Clause
"""Data of the speed benchmark: name -> function (rows, folders, options) that returns a Problem.

The same arguments give the same data, in every process. To add data, write a function and put it under ``PROBLEMS``.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ENSEMBLE_SEED = 15  # 20 clusterings of 20 to 60 clusters have 842 in all
BLOBS = 20
TINY_ROWS, TINY_CLUSTERINGS = 2000, 4


@dataclass(frozen=True)
class Problem:
    """Rows, their true groups and the number of clusters to look for."""

    X: np.ndarray
    truth: np.ndarray
    n_clusters: int
    facts: dict = field(default_factory=dict)


def load(problem, folders):
    """The problem of a measurement."""
    options = {name: value for name, value in problem.items() if name not in ("data", "rows")}
    return PROBLEMS[problem["data"]](problem["rows"], folders, **options)


def load_tiny(problem, folders):
    """The same in small, to compile and load what the measurement needs."""
    tiny = problem | {"rows": min(TINY_ROWS, problem["rows"])}
    if "clusterings" in problem:
        tiny["clusterings"] = min(TINY_CLUSTERINGS, problem["clusterings"])
    return load(tiny, folders)


def planar(rows, folders, name):
    """A planar set of the U-SENC paper."""
    from skdeepclust.datasets import PLANAR_SETS, make_planar

    X, y = make_planar(name, rows, random_state=0)
    return Problem(X, y, PLANAR_SETS[name])


def mnist(rows, folders):
    """MNIST pixels in [0, 1], float32, from ``mnist.npz`` with the keys X and y."""
    if folders.get("data") is None:
        raise ValueError("mnist.npz is looked for in a folder: give it with --data.")
    with np.load(Path(folders["data"]) / "mnist.npz", allow_pickle=False) as stored:
        X, y = stored["X"], stored["y"].astype(np.int64)
    chosen = np.sort(np.random.default_rng(0).permutation(len(y))[:rows])
    return Problem(X[chosen].reshape(len(chosen), -1).astype(np.float32) / 255, y[chosen], 10)


def ensemble(rows, folders, clusterings, clusters, groups=10, noise=0.1):
    """Label matrix, int32, of clusterings that split true groups at random and misplace a share of the objects.

    Clustering m has k_m clusters, uniform in `clusters`; cluster c belongs to group c modulo `groups`.
    """
    rng = np.random.default_rng(ENSEMBLE_SEED)
    sizes = rng.integers(*clusters, clusterings, endpoint=True)
    truth = rng.integers(0, groups, rows, dtype=np.int32)
    labels = np.empty((clusterings, rows), dtype=np.int32)
    for column, k in zip(labels, sizes, strict=True):
        parts = (k - 1 - truth) // groups + 1
        column[:] = truth + groups * rng.integers(0, parts)
        wrong = rng.random(rows, dtype=np.float32) < noise
        column[wrong] = rng.integers(0, k, int(wrong.sum()))
    return Problem(labels.T, truth, groups, {"clusters": int(sizes.sum())})


def blobs(rows, folders, features=64, mapped=True):
    """Gaussian blobs in a file: as a memory map, or read into memory."""
    rows_file, truth_file = write_blobs(Path(folders["scratch"]), rows, features)
    return Problem(np.load(rows_file, mmap_mode="r" if mapped else None), np.load(truth_file), BLOBS)


def write_blobs(folder, rows, features, block=100_000):
    """Write float32 rows ``x = c + e`` block by block, with the centres c and e normal; return both files."""
    rows_file, truth_file = (folder / f"blobs_{rows}x{features}_{name}.npy" for name in ("rows", "truth"))
    if truth_file.exists():
        return rows_file, truth_file
    rng = np.random.default_rng(0)
    centres = 2 * rng.standard_normal((BLOBS, features), dtype=np.float32)
    truth = rng.integers(0, BLOBS, rows, dtype=np.int8)
    stored = np.lib.format.open_memmap(rows_file, mode="w+", dtype=np.float32, shape=(rows, features))
    for start in range(0, rows, block):
        here = truth[start : start + block]
        stored[start : start + block] = centres[here] + rng.standard_normal((len(here), features), dtype=np.float32)
    stored.flush()
    np.save(truth_file, truth)
    return rows_file, truth_file


PROBLEMS = {"blobs": blobs, "ensemble": ensemble, "mnist": mnist, "planar": planar}
