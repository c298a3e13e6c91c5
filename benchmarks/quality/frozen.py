# SPDX-License-Identifier: BSD-3-Clause
"""Layers of a pretrained network: their consensus against k-means and HDBSCAN on the last one.

    python -m benchmarks.quality.frozen --data DIR --sets imagenette cifar10_10000 --seeds 0 1 2

The network is EfficientNet-Lite0, whose weights were trained with the labels of ImageNet: results with it are not
results without labels. FrozenEncoder reads its layers once per data set; they are kept in the folder --cache, one npz
file per set, and the seconds that reading took stand in the file. What follows is what
``DeepClusterEnsemble(encoder=FrozenEncoder(...))`` does with them, part by part; "heads" is what it does with
``encoder=make_pipeline(FrozenEncoder(...), ContrastiveEncoder(...))``, "anchor_ensemble" the same with
``AnchorContrastiveClustering(...)``, whose own labels are "anchor".

Every result is written as it comes, and what the file holds is skipped unless --force is given. --features says what
is done with each layer before it is clustered: nothing, rows of unit length, principal components, whitened ones.
"""

import argparse
import sys
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import normalize

from skdeepclust import (
    AnchorContrastiveClustering,
    BaseClusterings,
    DeepClusterEnsemble,
    EntropyWeightedConsensus,
)

from . import records as rec
from .datasets import cifar10, imagenette
from .efficientnet_lite import LAYERS, layer_features
from .weights import scores
from .weights_features import cached

CHOSEN = ("stage7", "head")


def cifar10_test(folder):
    """The 10,000 test images."""
    X, y = cifar10(folder)
    return X[50_000:], y[50_000:]


def components(layer, n, whiten=False):
    """Leading principal components of a layer."""
    return PCA(min(n, *layer.shape), whiten=whiten, random_state=0).fit_transform(layer)


SETS = {"imagenette": imagenette, "cifar10_10000": cifar10_test}
FEATURES = {
    "raw": np.asarray,
    "unit": normalize,
    "pca64": partial(components, n=64),
    "white64": partial(components, n=64, whiten=True),
}


def read_layers(name, folder, cache):
    """All layers, labels and seconds of a data set."""

    def make():
        X, y = SETS[name](folder)
        start = perf_counter()
        layers = layer_features(X, folder / "weights" / "efficientnet_lite0.pth", verbose=1)
        return layers | {"y": y, "seconds": perf_counter() - start}

    return cached(cache / f"layers_{name}.npz", make)


def consensus(layers, n_clusters, seed):
    """The ensemble over the layers."""
    sizes = [layer.shape[1] for layer in layers]
    steps = make_pipeline(
        BaseClusterings(40, group_sizes=sizes, random_state=seed),
        EntropyWeightedConsensus(n_clusters, theta=0.6, random_state=seed),
    )
    return steps.fit_predict(np.hstack(layers))


def kmeans(layers, n_clusters, seed):
    """Ten starts on the last layer."""
    return KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(layers[-1])


def hdbscan(layers, n_clusters, seed):
    """On the last layer, no cluster smaller than a hundredth of the rows; their number is not told, nothing random."""
    return HDBSCAN(max(5, len(layers[-1]) // 100), algorithm="brute", copy=False).fit_predict(layers[-1])


def heads(layers, n_clusters, seed):
    """The ensemble over heads that are trained by contrast on the last layer, which is a table to them."""
    return DeepClusterEnsemble(n_clusters, random_state=seed).fit_predict(layers[-1])


def anchor(layers, n_clusters, seed):
    """AnchorContrastiveClustering, trained on all layers side by side, which are a table to it."""
    return AnchorContrastiveClustering(n_clusters, random_state=seed).fit_predict(np.hstack(layers))


def anchor_ensemble(layers, n_clusters, seed):
    """The ensemble over the layers of such a network."""
    encoder = AnchorContrastiveClustering(n_clusters)
    return DeepClusterEnsemble(n_clusters, encoder=encoder, random_state=seed).fit_predict(np.hstack(layers))


METHODS = {
    "consensus": consensus,
    "heads": heads,
    "anchor": anchor,
    "anchor_ensemble": anchor_ensemble,
    "kmeans": kmeans,
    "hdbscan": hdbscan,
}
ON_ALL_LAYERS = {"consensus", "anchor", "anchor_ensemble"}


def measure(name, kind, method, seed, args):
    """One record; the seconds are those of clustering alone."""
    arrays = read_layers(name, args.data, args.cache)
    layers = [FEATURES[kind](arrays[layer]) for layer in args.layers]
    n_clusters = len(np.unique(arrays["y"]))
    start = perf_counter()
    labels = METHODS[method](layers, n_clusters, seed)
    record = {"seconds": perf_counter() - start, "features_seconds": float(arrays["seconds"])}
    record |= {"n_samples": len(labels), "n_clusters": n_clusters, **scores(arrays["y"], labels)}
    return record | {"versions": rec.versions(), "machine": rec.machine()}


def run(args):
    for name, kind, method, seed in product(args.sets, args.features, args.methods, args.seeds):
        used = " ".join(args.layers if method in ON_ALL_LAYERS else args.layers[-1:])
        record = {"set": name, "estimator": f"{method}: {used}, {kind}", "seed": seed}
        if args.force or rec.key(record) not in rec.read(args.out):
            record |= measure(name, kind, method, seed, args)
            rec.write(args.out, rec.read(args.out) | {rec.key(record): record})
            found = ", ".join(f"{measure} {record[measure]:.3f}" for measure in ("ACC", "NMI", "ARI"))
            print(f"{name}, {record['estimator']}, seed {seed}: {found}", file=sys.stderr, flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality.frozen",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder of the data sets, see benchmarks/README.md")
    parser.add_argument("--cache", type=Path, default=Path("benchmarks/results/features"), metavar="DIR")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=list(CHOSEN), metavar="LAYER")
    parser.add_argument("--features", nargs="+", choices=FEATURES, default=["raw"], metavar="KIND")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/frozen.json"))
    parser.add_argument("--force", action="store_true", help="measure again what the file already holds")
    parser.add_argument("--table", action="store_true", help="measure nothing, print the table of the file")
    args = parser.parse_args(arguments)
    if not args.table:
        run(args)
    print(rec.markdown(rec.read(args.out)))


if __name__ == "__main__":
    main()
