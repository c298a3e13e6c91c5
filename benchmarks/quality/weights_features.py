# SPDX-License-Identifier: BSD-3-Clause
"""What the study of weights makes its base clusterings from: tables, and layers of trained and of frozen networks.

``SOURCES`` maps the name of a source to its data sets and to the function that returns their features. Features of
networks are kept in a folder, one npz file with an array per layer, because base clusterings are remade more often
than networks are trained; delete a file to have it made anew.
"""

import os
from dataclasses import dataclass
from functools import partial

import numpy as np

from .datasets import DATASETS
from .estimators import as_table

N_PLANAR = 50_000
N_CIFAR10 = 4_000
TABLES = ("cmu_pie", "coil20", "digits", "fashion_test", "letters", "mnist_test", "pendigits", "usps")
PLANAR = ("TB", "SF", "CC", "CG", "Flower")
TRAINED = ("coil20", "digits", "fashion_test", "mnist_test", "usps")
FROZEN = ("cifar10", "imagenette")
ALL_TRAINED_LAYERS = ("backbone", "instance_hidden", "instance", "cluster_hidden", "cluster")


@dataclass(frozen=True)
class Features:
    """Rows, classes and the widths of the blocks of columns; `table` is what plain k-means is given."""

    X: np.ndarray
    y: np.ndarray
    group_sizes: tuple
    table: np.ndarray


@dataclass(frozen=True)
class Source:
    """A kind of features: its data sets, how they are made, and the members of an ensemble on them."""

    sets: tuple
    load: object  # function (data set, seed, folder of data, folder of caches) -> Features
    n_estimators: int


def table(name, seed, folder, cache):
    """The raw values as one block."""
    X, y = DATASETS[name](folder)
    X = as_table(X)
    return Features(X, y, (X.shape[1],), X)


def planar(name, seed, folder, cache):
    """A planar set of the U-SENC paper, the same points for every seed."""
    from skdeepclust.datasets import make_planar

    X, y = make_planar(name, N_PLANAR, random_state=0)
    return Features(X, y, (X.shape[1],), X)


def trained(name, seed, folder, cache, layers=("backbone", "instance", "cluster_hidden"), reference="backbone"):
    """Layers of the network that DeepClusterEnsemble trains with this seed."""

    def make():
        from skdeepclust import ContrastiveEncoder

        encoder = ContrastiveEncoder(len(np.unique(y)), layers=ALL_TRAINED_LAYERS, random_state=seed)
        features = encoder.fit(X).transform(X)
        return dict(zip(ALL_TRAINED_LAYERS, np.split(features, np.cumsum(encoder.layer_sizes_)[:-1], axis=1)))

    X, y = DATASETS[name](folder)
    return blocks(cached(cache / f"trained_{name}_{seed}.npz", make), y, layers, reference)


def frozen(name, seed, folder, cache, layers=("stage6", "stage7", "head"), reference="head"):
    """Layers of EfficientNet-Lite0, trained with the labels of ImageNet; the same for every seed."""

    def make():
        from .efficientnet_lite import layer_features

        X, y = DATASETS[name](folder)
        rows = np.sort(np.random.default_rng(0).permutation(len(y))[:N_CIFAR10])
        weights = folder / "weights" / "efficientnet_lite0.pth"
        return layer_features(X[rows], weights, precision="float32") | {"y": y[rows]}

    arrays = cached(cache / f"frozen_{name}.npz", make)
    return blocks(arrays, arrays["y"], layers, reference)


def cached(path, make):
    """Arrays of a file, which is made first if it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"draft_{path.name}")
        np.savez(draft, **make())
        os.replace(draft, path)
    with np.load(path, allow_pickle=False) as data:
        return dict(data)


def blocks(arrays, y, layers, reference):
    """The chosen layers side by side."""
    chosen = [arrays[name] for name in layers]
    return Features(np.hstack(chosen), y, tuple(layer.shape[1] for layer in chosen), arrays[reference])


ALL_FROZEN_LAYERS = (*(f"stage{i}" for i in range(1, 8)), "head")
SOURCES = {
    "raw": Source(TABLES, table, 20),
    "planar": Source(PLANAR, planar, 20),
    "trained": Source(TRAINED, trained, 40),
    "trained, all layers": Source(TRAINED, partial(trained, layers=ALL_TRAINED_LAYERS), 40),
    "frozen": Source(FROZEN, frozen, 40),
    "frozen, all layers": Source(FROZEN, partial(frozen, layers=ALL_FROZEN_LAYERS), 40),
}
