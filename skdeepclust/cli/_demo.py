# SPDX-License-Identifier: BSD-3-Clause
"""``skdeepclust demo``: four methods on scikit-learn's digits."""

from copy import copy
from time import perf_counter

_ROW = "{:<22}{:>8}{:>8}{:>8}{:>10}"


def demo(arguments, session):
    """Compare k-means, U-SENC, the cluster head and DeepCluE on 1797 digits of 8 x 8 pixels."""
    from sklearn.cluster import KMeans
    from sklearn.datasets import load_digits

    from .. import USENC, DeepClusterEnsemble
    from ..plotting import cluster_montage, write_png

    images, digits = load_digits().images, load_digits().target
    pixels = images.reshape(len(images), -1)
    seed = arguments.seed
    epochs = "auto" if arguments.epochs is None else arguments.epochs
    model = DeepClusterEnsemble(10, max_epochs=epochs, random_state=seed, verbose=session.verbose)
    print(f"{len(images)} images of handwritten digits, 8 x 8 pixels; no label is used for clustering.", flush=True)

    kmeans, kmeans_seconds = _timed(KMeans(10, n_init=10, random_state=seed).fit_predict, pixels)
    usenc, usenc_seconds = _timed(USENC(10, random_state=seed).fit_predict, pixels)
    labels, seconds = _timed(model.fit_predict, images)
    head = copy(model.encoder_).set_params(layers=("cluster",)).transform(images).argmax(axis=1)

    print("\n" + _ROW.format("", "ACC", "NMI", "ARI", "seconds"))
    _print_row("k-means on pixels", digits, kmeans, kmeans_seconds)
    _print_row("U-SENC on pixels", digits, usenc, usenc_seconds)
    _print_row("cluster head alone", digits, head, model.history_[-1]["seconds"])
    _print_row("DeepCluE", digits, labels, seconds)
    montage = cluster_montage(images, labels, model.probabilities_, n_certain=16, n_uncertain=6)
    write_png(arguments.output, montage)
    print(f"\n{arguments.output}: a row per cluster, its 16 most certain members and, after the gap, its 6 least.")
    return 0


def _timed(function, *arguments):
    started = perf_counter()
    return function(*arguments), perf_counter() - started


def _print_row(name, truth, labels, seconds):
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    from ..metrics import clustering_accuracy

    scores = (clustering_accuracy, normalized_mutual_info_score, adjusted_rand_score)
    print(_ROW.format(name, *(f"{score(truth, labels):.3f}" for score in scores), f"{seconds:.1f}"), flush=True)
