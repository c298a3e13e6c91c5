# SPDX-License-Identifier: BSD-3-Clause
"""Methods of the speed benchmark: name -> function (X, n_clusters, seed, folders, task) that returns ``run``.

What comes before ``run()`` is not timed. ``run()`` returns labels, a matrix, or a ``Timed`` result. Imports stand
inside, so that a process loads only what it measures.
"""

import importlib.util
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

TWIN = Path(__file__).parents[2] / "tests" / "reference" / "uspec_twin.py"


class Timed(NamedTuple):
    """Result of a method that runs in another program, with that program's own clock and memory."""

    result: np.ndarray
    seconds: float
    peak_mib: float | None
    facts: dict


def load_twin():
    """The slow twin of U-SPEC, which is a file of the tests."""
    spec = importlib.util.spec_from_file_location(TWIN.stem, TWIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def uspec(X, n_clusters, seed, folders):
    from skdeepclust import USPEC

    return lambda: USPEC(n_clusters, random_state=seed).fit(X).labels_


def usenc(X, n_clusters, seed, folders):
    from skdeepclust import USENC

    return lambda: USENC(n_clusters, n_estimators=20, random_state=seed).fit(X).labels_


def consensus(X, n_clusters, seed, folders, theta):
    from skdeepclust import EntropyWeightedConsensus

    return lambda: EntropyWeightedConsensus(n_clusters, theta=theta, random_state=seed).fit(X).labels_


def consensus_predict(X, n_clusters, seed, folders, theta):
    """Labels of all rows by a fitted consensus."""
    from skdeepclust import EntropyWeightedConsensus

    model = EntropyWeightedConsensus(n_clusters, theta=theta, random_state=seed).fit(X)
    return lambda: model.predict(X)


def uspec_twin(X, n_clusters, seed, folders):
    twin = load_twin()
    return lambda: twin.uspec(X, n_clusters, seed=seed)


def usenc_twin(X, n_clusters, seed, folders):
    twin = load_twin()
    return lambda: twin.usenc(X, n_clusters, seed=seed)


def consensus_twin(X, n_clusters, seed, folders, theta):
    twin = load_twin()
    return lambda: twin.consensus(X, n_clusters, theta=theta, seed=seed)


def kernel(X, n_clusters, seed, folders, product):
    """Products of the incidence matrix H by the kernels of the package."""
    from skdeepclust.consensus._graph import cluster_overlap, reduced_graph

    sizes = X.max(axis=0).astype(np.int64) + 1
    codes = np.ascontiguousarray(X.T, dtype=np.uint8 if sizes.max() < 256 else np.uint16)
    weights = product_weights(sizes.sum())
    if product == "overlap":
        return lambda: cluster_overlap(codes, sizes)
    return lambda: reduced_graph(codes, sizes, weights)


def sparse_product(X, n_clusters, seed, folders, product):
    """The same products by scipy.sparse, which gets its matrix ready-made."""
    from scipy.sparse import diags_array

    twin = load_twin()
    H = twin.incidence(X)
    if product == "overlap":
        return lambda: (H.T @ H).toarray()
    B = H @ diags_array(product_weights(H.shape[1]))
    return lambda: twin.reduced_graph(B)


def product_weights(n_columns):
    return np.random.default_rng(0).uniform(0.1, 1.0, n_columns)


def sklearn_clusterer(X, n_clusters, seed, folders, name, **parameters):
    import sklearn.cluster

    model = getattr(sklearn.cluster, name)(n_clusters=n_clusters, random_state=seed, **parameters)
    return lambda: model.fit(X).labels_


def hdbscan(X, n_clusters, seed, folders):
    """The one peer that is not told the number of clusters; one in a hundred rows is the least it may call one."""
    from sklearn.cluster import HDBSCAN

    return lambda: HDBSCAN(min_cluster_size=max(5, len(X) // 100), copy=True).fit(X).labels_


def octave(X, n_clusters, seed, folders, function):
    """The authors' own code, which seeds itself by the clock."""
    from .octave import run_octave

    return lambda: run_octave(function, X, n_clusters, folders)


OURS = {
    "EntropyWeightedConsensus": consensus,
    "EntropyWeightedConsensus.predict": consensus_predict,
    "USENC": usenc,
    "USPEC": uspec,
    "kernel": kernel,
}
METHODS = OURS | {
    "BisectingKMeans": partial(sklearn_clusterer, name="BisectingKMeans"),
    "HDBSCAN": hdbscan,
    "KMeans": partial(sklearn_clusterer, name="KMeans", n_init=1),
    "MiniBatchKMeans": partial(sklearn_clusterer, name="MiniBatchKMeans"),
    "Octave U-SENC": partial(octave, function="USENC"),
    "Octave U-SPEC": partial(octave, function="USPEC"),
    "SpectralClustering": partial(sklearn_clusterer, name="SpectralClustering", affinity="nearest_neighbors"),
    "scipy.sparse": sparse_product,
    "twin of U-SENC": usenc_twin,
    "twin of U-SPEC": uspec_twin,
    "twin of the consensus": consensus_twin,
}
