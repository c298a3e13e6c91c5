# SPDX-License-Identifier: BSD-3-Clause
"""A sample and two passes over all rows find what k-means on the whole embedding with three restarts finds."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust.cluster import USENC, USPEC
from skdeepclust.cluster._affinity import TableEmbedding
from skdeepclust.consensus._discretise import MAX_KMEANS_ROWS
from skdeepclust.consensus._graph import object_embedding
from skdeepclust.datasets import PLANAR_SETS, make_planar

DATA = Path(__file__).parents[3] / "shared" / "data"
TOLERANCE = 0.005


def nmi(y, labels):
    return normalized_mutual_info_score(y, labels, average_method="max")


def best_of_full_kmeans(F, y, k):
    return nmi(y, KMeans(k, n_init=3, random_state=0).fit(F).labels_)


def check_uspec(X, y, k):
    model = USPEC(k, random_state=0).fit(X)
    F = TableEmbedding(model.column_vectors_)(model.graph_.table(X), 0, len(X))
    assert len(X) > MAX_KMEANS_ROWS
    assert nmi(y, model.labels_) >= best_of_full_kmeans(F, y, k) - TOLERANCE


@pytest.mark.parametrize("name", PLANAR_SETS)
def test_uspec_on_planar_sets(name):
    X, y = make_planar(name, 60_000, random_state=0)
    check_uspec(X, y, PLANAR_SETS[name])


@pytest.mark.parametrize("name", ["CG", "SF"])
def test_consensus_on_planar_sets(name):
    X, y = make_planar(name, 40_000, random_state=0)
    model = USENC(PLANAR_SETS[name], n_estimators=10, random_state=0).fit(X)
    consensus = model.consensus_
    codes = consensus.label_coder_.encode(model.base_labels_)
    F = object_embedding(codes, consensus.label_coder_.sizes, consensus.cluster_weights_, consensus.rule_.vectors)
    assert nmi(y, consensus.labels_) >= best_of_full_kmeans(F, y, PLANAR_SETS[name]) - TOLERANCE


@pytest.mark.data
@pytest.mark.slow
def test_uspec_on_mnist():
    file = DATA / "mnist.npz"
    if not file.exists():
        pytest.skip("mnist.npz is not there")
    with np.load(file) as data:
        check_uspec(data["X"].reshape(len(data["X"]), -1), data["y"], 10)
